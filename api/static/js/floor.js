// The floor page: one picture of the whole floor, and how much of it is seen.

import { get, showImage, tell } from "./api.js";
import { count, rangeOf } from "./format.js";

const REFRESH_MS = 30000;
const place = (id) => document.getElementById(id);
const form = place("controls");
const LAYERS = { heat: "where people were", cameras: "how many cameras see each place", error: "how exactly places are known" };
let asking = new AbortController();

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const known = (grid) => grid.flat().filter((value) => value !== null);

async function update() {
  if (form.dataset.known !== "yes") return;
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const to = Number(form.dataset.newest) || Math.ceil(Date.now() / 60000) * 60;
  const range = { from: Math.max(0, to - Number(place("range").value)), to };
  const layer = form.elements.namedItem("layer").value;
  try {
    const floor = await get("/v1/floor/heatmap", range, signal);
    const cells = known(floor.visitors);
    const errors = known(floor.error_cm);
    place("shown").textContent = count(cells.length);
    place("hidden").textContent = count(floor.hidden);
    place("seen").textContent = `${Math.round(100 * floor.seen)} %`;
    place("error").textContent = errors.length ? `${median(errors).toFixed(0)} cm` : "–";
    place("caption").textContent = `${rangeOf(range)}. Cells of ${floor.cell} m. ${Math.round(100 * floor.seen_twice)} % of the floor is seen by two cameras or more.`;
    const url = new URL("/v1/floor/heatmap.png", location.origin);
    for (const [name, value] of Object.entries({ ...range, layer })) url.searchParams.set(name, value);
    await showImage(place("floor"), url, `Plan of the floor: ${LAYERS[layer]}; ${count(cells.length)} cells shown, ${Math.round(100 - 100 * floor.seen)} % seen by no camera`, signal);
    place("no-picture").hidden = true;
    tell(null);
  } catch (error) {
    tell(error);
  }
}

form.addEventListener("change", update);
form.addEventListener("submit", (event) => event.preventDefault());
await update();
setInterval(update, REFRESH_MS);
