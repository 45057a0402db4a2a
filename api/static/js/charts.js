// The charts page: footfall, people present, dwell; each with its table.

import { cameraPath, element, get, tell } from "./api.js";
import { count, duration, floorLocal, localText, momentOf, rangeOf } from "./format.js";
import { data, faded, plot } from "./plots.js";
import { chosenCamera, chosenRange, onChange, refreshCamera } from "./range.js";

const REFRESH_MS = 30000;
const STEPS = [60, 300, 900, 3600, 21600, 86400];
const MOST_BARS = 60;
const MOST_BUCKETS = 4000;
const place = (id) => document.getElementById(id);
let asking = new AbortController();
let drawn = null;
let camera = null;

function fill(select, names, all) {
  const before = select.value;
  select.replaceChildren(new Option(all, ""), ...names.map((name) => new Option(name, name)));
  select.value = names.includes(before) ? before : "";
  select.disabled = names.length === 0;
}

async function describe(signal) {
  const name = chosenCamera().value;
  if (camera?.camera === name) return;
  camera = await get(cameraPath(name), {}, signal);
  fill(place("line"), camera.lines.map((line) => line.name), "All lines");
  fill(place("zone"), camera.zones.map((zone) => zone.name), "All zones");
}

function bucketOf(range) {
  const length = range.to - range.from;
  const asked = place("bucket").value;
  const wanted = asked === "auto" ? STEPS.find((step) => length / step <= MOST_BARS) ?? 86400 : Number(asked);
  return length / wanted > MOST_BUCKETS ? STEPS.find((step) => length / step <= MOST_BUCKETS) : wanted;
}

function table(id, heads, rows) {
  const cell = (text, at) => (at === 0 ? element("th", { scope: "row" }, text) : element("td", { class: "num" }, text));
  place(`${id}-table`).replaceChildren(
    element("thead", {}, element("tr", {}, ...heads.map((text, at) => element("th", { scope: "col", ...(at && { class: "num" }) }, text)))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell)))),
  );
}

function present(id, empty, draw) {
  place(`${id}-empty`).hidden = !empty;
  place(id).hidden = Boolean(empty);
  place(id).parentElement.querySelector("details").hidden = Boolean(empty);
  if (empty) place(`${id}-empty`).replaceChildren(...[empty].flat());
  else draw();
}

function drawFootfall({ footfall, bucket }) {
  const empty = camera.lines.length
    ? footfall.count_in + footfall.count_out === 0 && "Nobody crossed a line in this time."
    : ["No line is drawn, so nobody is counted in or out. Add one: ", element("code", {}, "aisle watch SOURCE --line x1,y1,x2,y2")];
  present("footfall", empty, () => {
    const x = footfall.buckets.map((each) => localText(each.start + bucket / 2));
    const when = footfall.buckets.map((each) => rangeOf({ from: each.start, to: each.end }));
    const bar = (name, key, colour) => ({
      type: "bar", name, x, y: footfall.buckets.map((each) => each[key]), marker: { color: colour },
      customdata: when, hovertemplate: "%{y}<extra>%{fullData.name}</extra>",
    });
    plot("footfall", [bar("In", "count_in", data(1)), bar("Out", "count_out", data(2))], { yaxis: { tickformat: "d" } });
  });
  table("footfall", ["From", "In", "Out"], footfall.buckets.map((each) => [momentOf(each.start), count(each.count_in), count(each.count_out)]));
}

function drawOccupancy({ occupancy, bucket }) {
  const seen = occupancy.buckets.some((each) => each.person_seconds > 0);
  present("occupancy", !seen && "Nobody was seen in this time.", () => {
    const x = occupancy.buckets.map((each) => localText(each.start + bucket / 2));
    const line = { mode: x.length > 1 ? "lines" : "markers", type: "scatter", x };
    plot("occupancy", [
      { ...line, name: "Average", y: occupancy.buckets.map((each) => each.mean), fill: "tozeroy", fillcolor: faded(data(1), 0.18), line: { color: data(1), width: 2, shape: "hvh" }, marker: { color: data(1), size: 9 }, hovertemplate: "%{y:.1f}<extra>Average</extra>" },
      { ...line, name: "Most at once", y: occupancy.buckets.map((each) => each.peak), line: { color: data(3), width: 2, dash: "dot", shape: "hvh" }, marker: { color: data(3), size: 9 }, hovertemplate: "%{y}<extra>Most at once</extra>" },
    ]);
  });
  table("occupancy", ["From", "Average", "Most at once"], occupancy.buckets.map((each) => [momentOf(each.start), each.mean.toFixed(1), count(each.peak)]));
}

const inUnits = (s) => (s < 60 ? [s, "s"] : [s / 60, "min"]);

function binName(bin) {
  const [from, unit] = inUnits(bin.start_s);
  if (bin.end_s === null) return `over ${from} ${unit}`;
  const [to, last] = inUnits(bin.end_s);
  if (bin.start_s === 0) return `under ${to} ${last}`;
  return unit === last ? `${from}–${to} ${last}` : `${from} ${unit}–${to} ${last}`;
}

// Bins longer than any stay are left out, so that the others have room.
function usedBins(dwell) {
  const last = Math.max(0, ...dwell.map((each) => each.histogram.findLastIndex((bin) => bin.count > 0)));
  return Math.max(4, last + 1);
}

function drawDwell({ dwell }) {
  const stays = dwell.reduce((sum, each) => sum + each.count, 0);
  const empty = camera.zones.length
    ? stays === 0 && "Nobody stayed in a zone in this time."
    : ["No zone is drawn, so no stay is measured. Add one: ", element("code", {}, "aisle watch SOURCE --zone NAME=x1,y1,x2,y2,x3,y3")];
  present("dwell", empty, () => {
    const bins = usedBins(dwell);
    plot("dwell", dwell.map((each, at) => ({
      type: "bar", name: each.zone, x: each.histogram.slice(0, bins).map(binName), y: each.histogram.slice(0, bins).map((bin) => bin.count),
      marker: { color: data(at + 3) }, hovertemplate: "%{y} stays<extra>%{fullData.name}</extra>",
    })), { xaxis: { title: { text: "Length of stay" }, type: "category" }, yaxis: { title: { text: "Stays" }, tickformat: "d" }, showlegend: true });
  });
  table("dwell", ["Zone", "Stays", "Median", "Mean", "9 of 10 under"],
    dwell.map((each) => [each.zone, count(each.count), duration(each.median_s), duration(each.mean_s), duration(each.p90_s)]));
}

function draw() {
  if (!drawn) return;
  drawFootfall(drawn);
  drawOccupancy(drawn);
  drawDwell(drawn);
}

async function update() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  try {
    await describe(signal);
    const chosen = chosenRange();
    if (!chosen) {
      place("span").textContent = "Choose a beginning that lies before the end.";
      return;
    }
    const bucket = bucketOf(chosen);
    const range = { from: floorLocal(chosen.from, bucket), to: chosen.to };
    const [line, zone] = [place("line").value, place("zone").value];
    const name = camera.camera;
    const [footfall, occupancy, dwell, visits] = await Promise.all([
      get("/v1/footfall", { camera: name, line, bucket, ...range }, signal),
      get(cameraPath(name, "/occupancy"), { zone, bucket, ...range }, signal),
      get(cameraPath(name, "/dwell"), { zone, ...range }, signal),
      get("/v1/visits", { camera: name, ...range }, signal),
    ]);
    drawn = { footfall, occupancy, dwell, bucket };
    place("span").textContent = rangeOf(chosen);
    place("in").textContent = camera.lines.length ? count(footfall.count_in) : "–";
    place("out").textContent = camera.lines.length ? count(footfall.count_out) : "–";
    place("visits").textContent = count(visits.count);
    place("peak").textContent = count(Math.max(0, ...occupancy.buckets.map((each) => each.peak)));
    draw();
    tell(null);
  } catch (error) {
    tell(error);
  }
}

onChange(update);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
setInterval(async () => {
  try {
    refreshCamera(await get(cameraPath(chosenCamera().value)));
    await update();
  } catch (error) {
    tell(error);
  }
}, REFRESH_MS);
