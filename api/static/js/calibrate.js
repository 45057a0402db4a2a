// The calibration page: pairs of places, what the server makes of them, and saving.

import { element, tell, Trouble } from "./api.js";

const SNAP_PX = 12;
const LEAST = 4;
const SVG = "http://www.w3.org/2000/svg";
const place = (id) => document.getElementById(id);
const page = place("calibrate");
const size = [Number(page.dataset.width), Number(page.dataset.height)];
const low = JSON.parse(page.dataset.low);
const high = JSON.parse(page.dataset.high);
const points = []; // {u, v} shares of the picture, {x, y, z} metres; a pair is whole when it has both
let errors = null;

const whole = () => points.filter((point) => point.u !== undefined && point.x !== undefined);

function mark(parent, x, y, radius, text, kind) {
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("class", `mark ${kind}`);
  const circle = document.createElementNS(SVG, "circle");
  for (const [name, value] of Object.entries({ cx: x, cy: y, r: radius })) circle.setAttribute(name, value);
  const label = document.createElementNS(SVG, "text");
  for (const [name, value] of Object.entries({ x: x + radius * 1.3, y: y - radius, "font-size": radius * 3 })) label.setAttribute(name, value);
  label.textContent = text;
  group.append(circle, label);
  parent.append(group);
}

function draw() {
  place("picture-marks").replaceChildren();
  place("plan-marks").replaceChildren();
  place("points").replaceChildren();
  points.forEach((point, n) => {
    const error = errors?.[n];
    const kind = error && !error.used ? "mark-bad" : "mark-good";
    if (point.u !== undefined) mark(place("picture-marks"), point.u * size[0], point.v * size[1], size[0] / 130, n + 1, kind);
    if (point.x !== undefined) mark(place("plan-marks"), point.x, -point.y, (high[0] - low[0]) / 130, n + 1, kind);
    const remove = element("button", { type: "button", class: "quiet", "aria-label": `Remove point ${n + 1}` }, "×");
    remove.addEventListener("click", () => {
      points.splice(n, 1);
      changed();
    });
    const seen = point.u === undefined ? "…" : `${Math.round(point.u * size[0])}, ${Math.round(point.v * size[1])}`;
    const there = point.x === undefined ? "…" : `${point.x.toFixed(2)}, ${point.y.toFixed(2)}${point.z ? `, ${point.z.toFixed(2)}` : ""}`;
    const off = error ? `${error.used ? "" : "left out: "}${error.px} px, ${error.cm ?? "–"} cm` : "";
    place("points").append(
      element("tr", {}, element("td", {}, `${n + 1}`), element("td", { class: "num" }, seen), element("td", { class: "num" }, there), element("td", { class: "num" }, off), element("td", {}, remove)),
    );
  });
  const last = points.at(-1);
  const half = last && (last.u === undefined || last.x === undefined);
  place("next").textContent = half ? (last.x === undefined ? "Now click the same place on the plan." : "Now click the same place in the picture.") : "Click a place in the picture.";
  place("run").disabled = whole().length < LEAST;
}

function changed() {
  errors = null;
  place("save").disabled = true;
  place("overlay").hidden = true;
  place("result").textContent = whole().length < LEAST ? "Four pairs are needed." : "Ready to calibrate.";
  draw();
}

function put(values) {
  const last = points.at(-1);
  const fits = last && (last.u === undefined || last.x === undefined);
  // A second click on the same side corrects the first.
  if (fits) Object.assign(last, values);
  else points.push(values);
  changed();
}

function snapped(svg, event) {
  const toPlan = svg.getScreenCTM().inverse();
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(toPlan);
  let best = [at.x, -at.y];
  let near = SNAP_PX * toPlan.a;
  for (const shape of svg.querySelectorAll("polygon")) {
    for (const corner of shape.points) {
      const away = Math.hypot(corner.x - at.x, corner.y - at.y);
      if (away < near) [near, best] = [away, [corner.x, -corner.y]];
    }
  }
  return best;
}

place("picture-marks").addEventListener("click", (event) => {
  const box = place("picture-marks").getBoundingClientRect();
  put({ u: (event.clientX - box.left) / box.width, v: (event.clientY - box.top) / box.height });
});
place("plan").addEventListener("click", (event) => {
  const [x, y] = snapped(place("plan"), event);
  put({ x, y, z: 0 });
});
place("typed").addEventListener("submit", (event) => {
  event.preventDefault();
  const value = (name) => Number(new FormData(event.target).get(name));
  const last = points.at(-1);
  if (last && (last.u === undefined || last.x === undefined)) points.pop();
  points.push({ u: value("u") / size[0], v: value("v") / size[1], x: value("x"), y: value("y"), z: value("z") });
  changed();
});

async function ask(save) {
  place("run").disabled = place("save").disabled = true;
  place("result").textContent = save ? "Saving …" : "Calibrating …";
  try {
    const response = await fetch(`/calibrate/${encodeURIComponent(page.dataset.camera)}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ points: whole(), keep_lens: place("keep-lens")?.checked ?? false, save }),
    });
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new Trouble(answer?.detail ?? `The server answered with status ${response.status}.`);
    tell(null);
    points.splice(0, points.length, ...whole());
    errors = answer.points;
    draw();
    const [x, y, z] = answer.position;
    place("result").textContent =
      `Error to expect on the floor: ${answer.expected_cm} cm. The points come out ${answer.rms_px} pixels off. ` +
      `The camera hangs at ${x}, ${y}, ${z} m and sees ${answer.view_deg} degrees across.` +
      (answer.backup ? ` Saved; the plan as it was: ${answer.backup}` : " The grid must lie on the picture's floor.");
    place("overlay").src = answer.picture;
    place("overlay").alt = "The floor's grid of one metre over the picture; arrows are errors, ten times as long";
    place("overlay").hidden = false;
    place("save").disabled = save;
  } catch (error) {
    place("result").textContent = "Not calibrated.";
    tell(error);
  }
  place("run").disabled = whole().length < LEAST;
}

place("run").addEventListener("click", () => ask(false));
place("save").addEventListener("click", () => ask(true));
draw();
