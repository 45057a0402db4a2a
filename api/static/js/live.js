// The live page: the picture, and counts that move with the events.

import { cameraPath, element, get, tell } from "./api.js";
import { clockOf, count, dayOf, midnight } from "./format.js";

const RESYNC_MS = 10000;
const SOON_MS = 1500;
const SHOWN = 8;
const place = (id) => document.getElementById(id);
const { camera, live, preview } = place("live").dataset;
let recorded = place("live").dataset.recorded === "yes";

const numbers = { people: 0, in: 0, out: 0 };
const zones = new Map();
const WORDS = {
  "person.entered": () => "Somebody came into the picture",
  "person.left": () => "Somebody left the picture",
  "line.crossed": (data) => `Somebody went ${data.direction} across ${data.line}`,
  "zone.entered": (data) => `Somebody stopped in ${data.zone}`,
  "zone.left": (data) => `Somebody left ${data.zone} after ${Math.round(data.dwell_s)} s`,
  "zone.queue": (data) => `Queue: ${data.people} people in ${data.zone}`,
  "camera.degraded": (data) => `Camera trouble: ${data.reason}`,
  "camera.recovered": () => "The camera works again",
};

function show(name, value) {
  numbers[name] = Math.max(0, value);
  const target = place(name);
  const text = count(numbers[name]);
  if (target.textContent === text) return;
  target.classList.remove("moved");
  void target.offsetWidth; // a restart of the animation needs a layout in between
  target.textContent = text;
  target.classList.add("moved");
}

function blank(name) {
  numbers[name] = 0;
  place(name).textContent = count(null);
}

function showZones() {
  place("zones-card").hidden = zones.size === 0;
  place("zones").replaceChildren(
    ...[...zones].map(([name, people]) =>
      element("tr", {}, element("th", { scope: "row" }, name), element("td", { class: "num" }, count(people)))),
  );
}

function showState(state, text) {
  place("state").dataset.state = state;
  if (place("state").textContent !== text) place("state").textContent = text;
}

async function resync() {
  try {
    const now = await get(cameraPath(camera, "/occupancy/now"));
    if (now.live) show("people", now.people);
    else blank("people");
    showState(now.live ? "live" : "quiet", now.live ? "Live" : "Not watched now");
    if (!recorded) recorded = (await get("/v1/cameras")).some((each) => each.camera === camera);
    if (recorded) {
      const info = await get(cameraPath(camera));
      const from = midnight(info.last_seen);
      const footfall = await get("/v1/footfall", { camera, from, to: from + 86400, bucket: 86400 });
      if (info.lines.length) {
        show("in", footfall.count_in);
        show("out", footfall.count_out);
        place("since").textContent = `In and out are counted since midnight, ${dayOf(from)}.`;
      } else {
        place("since").replaceChildren("No line is drawn, so nobody is counted in or out. Add one with ",
          element("code", {}, "--line x1,y1,x2,y2"), ".");
      }
      for (const zone of info.zones) zones.set(zone.name, now.live ? now.zones[zone.name] ?? 0 : null);
      showZones();
    }
    tell(null);
  } catch (error) {
    tell(error);
  }
}

let soon = 0;
function resyncSoon() {
  soon ||= setTimeout(() => {
    soon = 0;
    resync();
  }, SOON_MS);
}

function happened(message) {
  const event = JSON.parse(message.data);
  const data = event.data;
  if (event.type === "person.entered") show("people", numbers.people + 1);
  if (event.type === "person.left") show("people", numbers.people - 1);
  if (event.type === "line.crossed") show(data.direction, numbers[data.direction] + 1);
  if (event.type === "zone.entered" && zones.has(data.zone)) zones.set(data.zone, zones.get(data.zone) + 1);
  if (event.type === "zone.left" && zones.has(data.zone)) zones.set(data.zone, Math.max(0, zones.get(data.zone) - 1));
  if (event.type.startsWith("zone.")) showZones();
  if (event.type.startsWith("person.")) {
    showState("live", "Live");
    resyncSoon(); // who is followed over the whole floor comes into a picture and leaves it without a word
  }
  const list = place("happenings");
  list.querySelector(".muted")?.remove();
  const at = Date.parse(event.time) / 1000;
  list.prepend(element("li", {}, element("time", { datetime: event.time }, clockOf(at)), element("span", {}, WORDS[event.type](data))));
  while (list.children.length > SHOWN) list.lastChild.remove();
}

function listen() {
  const url = new URL("/v1/events", location.origin);
  url.searchParams.set("camera", camera);
  for (const type of Object.keys(WORDS)) url.searchParams.append("type", type);
  const source = new EventSource(url);
  for (const type of Object.keys(WORDS)) source.addEventListener(type, happened);
  source.addEventListener("open", resync);
  source.addEventListener("error", () => {
    showState("wait", "Connecting");
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  });
  addEventListener("pagehide", () => source.close(), { once: true });
}

function showPicture() {
  const image = place("picture");
  const button = place("play");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let playing = false;
  image.addEventListener("load", () => {
    image.hidden = false;
    place("no-picture").hidden = true;
  });
  image.addEventListener("error", () => {
    image.hidden = true;
    place("no-picture").hidden = false;
    if (playing) setTimeout(() => playing && play(true), 5000);
  });
  function play(on) {
    playing = on;
    button.textContent = on ? "Pause picture" : "Play picture";
    image.src = cameraPath(camera, on ? `/live.mjpeg?t=${Date.now()}` : `/snapshot.jpg?t=${Date.now()}`);
  }
  if (live === "yes") {
    image.alt = `Live picture of ${camera}, blurred, with a box and an id around each person`;
    button.hidden = false;
    button.addEventListener("click", () => play(!playing));
    // A first part makes the image "load"; until then its size is kept by the frame.
    play(!still);
    image.hidden = false;
  } else if (preview === "yes") {
    image.alt = `Last kept picture of ${camera}, blurred`;
    place("caption").textContent = "The last kept picture, blurred. This camera is not watched now.";
    image.src = cameraPath(camera, "/preview.jpg");
  }
}

// After the page has loaded, so that a picture without end does not keep it loading.
addEventListener("load", () => {
  showPicture();
  listen();
  setInterval(resync, RESYNC_MS);
});
