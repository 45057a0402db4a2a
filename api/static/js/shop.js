// The shop page: the whole scene comes with every event; what is drawn is moved, not made anew.

import { element, tell, Trouble } from "./api.js";
import { clockOf, count, money } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = 5;
const LIT_S = 4;
const place = (id) => document.getElementById(id);
const map = place("map");
const slots = map ? JSON.parse(map.dataset.slots) : {};
const dots = new Map();
const lights = new Map();
const KINDS = { taken: "took", returned: "put back", misplaced: "put down", handed_over: "handed over" };

const colour = (visit) => (visit === null ? "visit-none" : `visit-${((visit - 1) % COLOURS) + 1}`);

function drawn(tag, attributes, parent) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.append(made);
  return made;
}

function showPeople(people) {
  const here = new Set(people.map((each) => each.number));
  for (const [number, dot] of dots) {
    if (!here.has(number)) {
      dot.remove();
      dots.delete(number);
    }
  }
  for (const { number, visit, x, y } of people) {
    if (!dots.has(number)) {
      const group = drawn("g", { "data-number": number }, place("dots"));
      drawn("circle", { r: 0.2 }, group);
      drawn("text", { "font-size": 0.24, "text-anchor": "middle", dy: 0.085 }, group);
      dots.set(number, group);
    }
    const dot = dots.get(number);
    dot.setAttribute("class", `person ${colour(visit)}`);
    dot.style.transform = `translate(${x}px, ${-y}px)`;
    dot.lastChild.textContent = visit ?? "";
  }
  place("people").textContent = `${count(people.length)} ${people.length === 1 ? "person" : "people"}`;
}

function showLights(lit) {
  for (const [slot, light] of lights) {
    if (!(slot in lit)) {
      light.remove();
      lights.delete(slot);
    }
  }
  for (const [slot, age] of Object.entries(lit)) {
    if (!slots[slot]) continue;
    const [x1, y1, x2, y2] = slots[slot];
    if (!lights.has(slot)) {
      const line = drawn("line", { class: "lit", x1, y1: -y1, x2, y2: -y2 }, place("lit"));
      drawn("title", {}, line).textContent = slot;
      lights.set(slot, line);
    }
    lights.get(slot).style.opacity = Math.max(0.15, 1 - age / LIT_S);
  }
}

const visitName = (visit) => element("span", { class: `visit ${colour(visit)}` }, visit === null ? "Somebody" : `Visit ${visit}`);

function showDeeds(deeds) {
  if (!deeds.length) return;
  place("deeds").replaceChildren(...deeds.map((deed) => element("li", {},
    element("time", { datetime: new Date(deed.time * 1000).toISOString() }, clockOf(deed.time)),
    element("span", {}, visitName(deed.visit), ` ${KINDS[deed.kind] ?? deed.kind} ${deed.quantity > 1 ? `${deed.quantity} × ` : ""}${deed.name ?? deed.gtin}`))));
}

function bill(each, currency) {
  const state = { open: "", draft: "Checking", issued: "Receipt", corrected: "Corrected" }[each.state];
  const lines = each.lines.map((line) => {
    // Of quantity 0 is what may yet become more.
    const perhaps = line.quantity === 0;
    const sure = Math.round(100 * (perhaps ? 1 - line.confidence : line.confidence));
    const state = line.state === "checking" ? `${perhaps ? "perhaps" : "checking"} ${sure} %` : "sure";
    return element("li", { class: `line line-${line.state}` },
      element("span", {}, `${perhaps ? "" : `${line.quantity} × `}${line.name ?? line.gtin}`),
      element("span", { class: "line-state" }, state),
      element("span", { class: "num" }, perhaps ? "" : money(line.amount, currency)));
  });
  return element("article", { class: "card bill", "data-visit": each.visit },
    element("header", {}, visitName(each.visit), element("span", { class: "muted small" }, each.group_size > 1 ? `${each.group_size} people` : ""),
      element("span", { class: "muted small" }, state)),
    element("ul", {}, ...(lines.length ? lines : [element("li", { class: "muted" }, "Nothing yet")])),
    element("footer", {}, element("span", {}, "Total"), element("strong", { class: "num" }, money(each.total, currency))));
}

function showBills(id, bills, currency, none) {
  place(id).replaceChildren(...(bills.length ? bills.map((each) => bill(each, currency)) : [element("p", { class: "muted" }, none)]));
}

function showAudit(audit) {
  place("audit").hidden = audit === null;
  if (audit === null) return;
  const wrong = [
    audit.begun_away && `${audit.begun_away} began away from a gate`,
    audit.ended_away && `${audit.ended_away} ended away from a gate`,
    audit.doubled && `${audit.doubled} were two at one place`,
  ].filter(Boolean);
  place("audit").textContent = `Checked at ${clockOf(audit.time)}: ${count(audit.inside)} ± ${audit.sigma.toFixed(1)} inside, ` +
    `${count(audit.entries)} came and ${count(audit.exits)} went. ${wrong.length ? `Does not add up: ${wrong.join(", ")}.` : "It adds up."}`;
}

function show(scene) {
  if (map) {
    showPeople(scene.people);
    showLights(scene.lit);
    showAudit(scene.audit);
  }
  showDeeds(scene.deeds);
  showBills("baskets", scene.baskets, scene.currency, "Nobody has come in by a code.");
  showBills("receipts", scene.receipts, scene.currency, "None yet.");
  place("clock").textContent = scene.time === null ? "" : clockOf(scene.time);
  place("state").dataset.state = "live";
  place("state").textContent = "Live";
}

let last = "";
function listen() {
  const source = new EventSource("/v1/shop/events");
  source.addEventListener("shop", (message) => {
    if (message.data === last) return;
    last = message.data;
    show(JSON.parse(message.data));
    tell(null);
  });
  source.addEventListener("error", () => {
    place("state").dataset.state = "wait";
    place("state").textContent = "Connecting";
    if (source.readyState === EventSource.CLOSED) {
      tell(new Trouble("The server does not answer. It may have been stopped; this page tries again by itself."));
      setTimeout(listen, 5000);
    }
  });
  addEventListener("pagehide", () => source.close(), { once: true });
}

// After the page has loaded, so that a stream without end does not keep it loading.
addEventListener("load", listen);
