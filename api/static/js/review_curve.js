// The curve page: what is charged wrongly, by the share of lines that people look at.

import { element, get, tell } from "./api.js";
import { count, money, rangeOf } from "./format.js";
import { data, plot } from "./plots.js";

const place = (id) => document.getElementById(id);
const form = place("controls");
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;
let found = null;

// The last point that reviews no more than this share: thresholds only grow along the curve.
const pointAt = (share) => found.points.findLast((point) => point.review_rate <= share + 1e-9) ?? found.points[0];

function turn() {
  const share = Number(place("share").value);
  place("share-said").textContent = percent(share);
  place("setting").textContent = `review_share: ${share}`;
  if (!found?.items) return;
  const point = pointAt(share);
  place("threshold").textContent = point.threshold.toFixed(2);
  place("left").textContent = percent(point.expected, 2);
  const line = (y, name, colour, dash) => ({
    x: found.points.map((each) => each.review_rate), y: found.points.map((each) => each[y]), name, mode: "lines",
    line: { color: colour, width: 2, dash, shape: "hv" }, hovertemplate: "%{y:.2%}",
  });
  plot("curve", [
    line("expected", "By probability", data(1), "solid"),
    line("known", "Known", data(2), "dot"),
    { x: [point.review_rate], y: [point.expected], name: "Chosen", mode: "markers", marker: { color: data(3), size: 11 }, hoverinfo: "skip" },
  ], {
    xaxis: { tickformat: ".0%", title: { text: "lines reviewed" }, range: [0, Math.max(0.2, 1.15 * point.review_rate)] },
    yaxis: { tickformat: ".1%", title: { text: "of the value charged" } },
  });
}

function table() {
  const head = element("thead", {}, element("tr", {}, ...["Reviewed below", "Lines reviewed", "By probability", "Known"].map((text) => element("th", { scope: "col", class: "num" }, text))));
  const rows = found.points.map((each) => element("tr", {}, ...[each.threshold.toFixed(3), percent(each.review_rate), percent(each.expected, 2), percent(each.known, 2)].map((text) => element("td", { class: "num" }, text))));
  place("curve-table").replaceChildren(head, element("tbody", {}, ...rows));
}

async function update() {
  const newest = Number(form.dataset.newest);
  if (!newest) {
    place("curve-empty").hidden = false;
    place("curve").hidden = true;
    turn();
    return;
  }
  const to = Math.ceil(newest) + 1;
  const range = { from: Math.max(0, to - Number(place("range").value)), to };
  try {
    found = await get("/v1/reviews/curve", range);
    place("span").textContent = `${rangeOf(range)}, ${money(found.charged, found.currency)} charged`;
    place("items").textContent = count(found.items);
    place("answered").textContent = `${count(found.answered)}, ${count(found.wrong)}`;
    place("in-force").textContent = found.review_share === null
      ? `review_below ${found.review_below}, as the settings say: ${percent(pointBelow(found.in_force))} of the lines of this time.`
      : `review_share ${found.review_share}: on these receipts, lines less certain than ${found.in_force.toFixed(2)}.`;
    place("curve-empty").hidden = found.items > 0;
    place("curve").hidden = found.items === 0;
    table();
    turn();
    tell(null);
  } catch (error) {
    tell(error);
  }
}

const pointBelow = (threshold) => (found.points.find((point) => point.threshold >= threshold - 1e-9) ?? found.points.at(-1)).review_rate;

place("range").addEventListener("change", update);
place("share").addEventListener("input", turn);
form.addEventListener("submit", (event) => event.preventDefault());
await update();
