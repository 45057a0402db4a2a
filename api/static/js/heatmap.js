// The heatmap page: one picture, and what it hides.

import { cameraPath, get, showImage, tell } from "./api.js";
import { count, duration, rangeOf } from "./format.js";
import { chosenCamera, chosenRange, onChange, refreshCamera } from "./range.js";

const REFRESH_MS = 30000;
const place = (id) => document.getElementById(id);
let asking = new AbortController();
let shownUrl = "";

function chosenSpace() {
  const [image, floor] = document.querySelectorAll("input[name=space]");
  floor.disabled = chosenCamera().dataset.floor !== "yes";
  floor.closest("label").title = floor.disabled ? "This camera is not calibrated: watch it with --homography FILE." : "";
  if (floor.disabled && floor.checked) image.checked = true;
  return floor.checked ? "floor" : "image";
}

function nothing(text) {
  place("heatmap").hidden = true;
  place("no-picture").hidden = false;
  place("no-picture").textContent = text;
}

async function update() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const camera = chosenCamera().value;
  const space = chosenSpace();
  const range = chosenRange();
  if (!range) {
    nothing("Choose a beginning that lies before the end.");
    return;
  }
  try {
    const query = { ...range, space };
    const [heatmap, visits] = await Promise.all([
      get(cameraPath(camera, "/heatmap"), query, signal),
      get("/v1/visits", { camera, ...range }, signal),
    ]);
    const cells = heatmap.visitors.flat().filter((value) => value !== null);
    place("visits").textContent = count(visits.count);
    place("median").textContent = duration(visits.median_s);
    place("shown").textContent = count(cells.length);
    place("hidden").textContent = count(heatmap.hidden);
    const size = space === "floor" ? `${heatmap.cell} m` : `${heatmap.cell} pixels`;
    place("caption").textContent =
      `${camera}, ${rangeOf(range)}. Cells of ${size}${heatmap.min_visitors > 1 ? `; those with fewer than ${heatmap.min_visitors} visits are hidden` : ""}.`;
    tell(null);
    if (!cells.length && space === "floor") {
      shownUrl = "";
      nothing(heatmap.hidden ? `Every cell had fewer than ${heatmap.min_visitors} visits in this time. Choose a longer time.` : "Nobody was seen in this time.");
      return;
    }
    const url = new URL(cameraPath(camera, "/heatmap.png"), location.origin);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    if (`${url}` !== shownUrl) {
      const busiest = cells.length ? `the busiest cell had ${Math.max(...cells)} visits` : "no cell had enough visits to be shown";
      await showImage(place("heatmap"), url, `Heatmap of ${camera}, ${rangeOf(range)}: ${count(cells.length)} cells shown, ${busiest}`, signal);
      place("no-picture").hidden = true;
      shownUrl = `${url}`;
    }
  } catch (error) {
    tell(error);
  }
}

onChange(update);
setInterval(async () => {
  try {
    refreshCamera(await get(cameraPath(chosenCamera().value)));
    await update();
  } catch (error) {
    tell(error);
  }
}, REFRESH_MS);
