// The review page: one question, one key. Answers go out at once; going back gives a new answer, which replaces the old.

import { element, get, send, tell } from "./api.js";
import { clockOf, count, dayOf, money } from "./format.js";

const FRAME_MS = 350;
const POLL_MS = 5000;
const MOST = 9;
const place = (id) => document.getElementById(id);
const letter = (n) => String.fromCharCode(65 + n);
const KINDS = {
  "product.taken": "What was taken?",
  "product.returned": "What was put back?",
  "product.misplaced": "What was put down elsewhere?",
  "product.handed_over": "What was handed over?",
};
const REASONS = { unsure: "The cameras are not sure.", disputed: "The shopper says that this is wrong." };

const waiting = []; // questions, the one that is shown first
const past = []; // {review, said}: answered or skipped here, the last one last
const known = new Set();
const clips = new Map(); // evidence id to a promise of its clip
let answered = 0;
let busy = false;
let film = 0;

const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

function clipOf(id) {
  if (!clips.has(id)) clips.set(id, get(`/v1/evidence/${encodeURIComponent(id)}`).catch(() => null));
  return clips.get(id);
}

function people(review) {
  return [...new Set(review.alternatives.map((each) => each.track_id))];
}

function picture(id, number, clip, names) {
  const about = clip.pictures[number];
  const image = element("img", { src: `/v1/evidence/${encodeURIComponent(id)}/${number}.jpg`, alt: "", width: about.width, height: about.height });
  const frame = element("div", { class: "clip-frame" }, image);
  const box = (xyxy, kind, text) => {
    const [x1, y1, x2, y2] = xyxy;
    const mark = element("span", { class: `clip-mark ${kind}` }, text);
    Object.assign(mark.style, {
      left: `${(100 * x1) / about.width}%`, top: `${(100 * y1) / about.height}%`,
      width: `${(100 * (x2 - x1)) / about.width}%`, height: `${(100 * (y2 - y1)) / about.height}%`,
    });
    frame.append(mark);
  };
  if (about.focus) box(about.focus, "clip-focus", "");
  if (names.length > 1) for (const one of about.people) if (names.includes(one.track_id)) box(one.xyxy, "clip-person", letter(names.indexOf(one.track_id)));
  return frame;
}

async function showClip(review) {
  clearInterval(film);
  const found = (await Promise.all(review.evidence.map(async (id) => [id, await clipOf(id)]))).filter(([, clip]) => clip);
  if (waiting[0] !== review) return;
  const names = people(review);
  const cameras = new Map(); // a loop for each camera, side by side
  for (const [id, clip] of found) {
    clip.pictures.forEach((about, number) => {
      if (!cameras.has(about.camera)) cameras.set(about.camera, []);
      cameras.get(about.camera).push(picture(id, number, clip, names));
    });
  }
  place("clip").replaceChildren(...[...cameras].map(([camera, frames]) => {
    frames.forEach((frame, number) => { frame.hidden = !still && number > 0; });
    return element("figure", { class: still ? "clip-strip" : "clip-loop" }, ...frames, element("figcaption", { class: "muted small" }, camera));
  }));
  place("no-clip").hidden = cameras.size > 0;
  let turn = 0;
  if (!still) {
    film = setInterval(() => {
      turn += 1;
      for (const frames of cameras.values()) frames.forEach((frame, number) => { frame.hidden = number !== turn % frames.length; });
    }, FRAME_MS);
  }
}

const percent = (share) => `${Math.round(100 * share)} %`;

function choice(review, each, number) {
  const names = people(review);
  const who = names.length > 1 ? `Person ${letter(names.indexOf(each.track_id))}: ` : "";
  const many = review.quantity > 1 ? `${review.quantity} × ` : "";
  const price = each.price === null ? "" : money(each.price * review.quantity, review.currency);
  const button = element("button", { type: "button" },
    element("kbd", {}, `${number + 1}`), element("span", {}, `${who}${many}${each.name ?? each.gtin}`),
    element("span", { class: "price" }, price), element("span", { class: "chance" }, percent(each.probability)));
  button.addEventListener("click", () => choose(number));
  return element("li", {}, button);
}

function show() {
  const review = waiting[0];
  place("question").hidden = !review;
  place("done").hidden = Boolean(review);
  place("undo").disabled = past.length === 0;
  place("again").hidden = past.length === 0;
  place("progress").textContent = `${count(answered)} answered, ${count(waiting.length)} left`;
  place("bar").max = Math.max(1, answered + waiting.length);
  place("bar").value = answered;
  clearInterval(film);
  if (!review) return;
  place("what").textContent = KINDS[review.kind] ?? "What happened?";
  place("where").textContent = `${dayOf(review.at)}, ${clockOf(review.at)}${review.slot ? `, ${review.slot}` : ""}. ${REASONS[review.reason]}`;
  place("before").hidden = !review.said;
  place("before").textContent = review.said ? `Your answer was: ${review.said}. A new one replaces it; s leaves it.` : "";
  place("alternatives").replaceChildren(...review.alternatives.slice(0, MOST).map((each, number) => choice(review, each, number)));
  place("nothing-chance").textContent = percent(review.nothing);
  showClip(review).catch(tell);
  for (const id of waiting[1]?.evidence ?? []) clipOf(id); // so that the next one is there at once
}

async function answer(body, said) {
  const review = waiting[0];
  if (!review || busy) return;
  busy = true;
  try {
    await send(`/v1/reviews/${encodeURIComponent(review.id)}/answers`, body);
    waiting.shift();
    if (!review.said) answered += 1;
    review.said = said;
    past.push(review);
    tell(null);
  } catch (error) {
    tell(error);
  } finally {
    busy = false;
    show();
  }
}

function choose(number) {
  const review = waiting[0];
  const each = review?.alternatives.slice(0, MOST)[number];
  if (each) {
    answer({ happened: true, gtin: each.gtin, track_id: each.track_id, quantity: review.quantity }, each.name ?? each.gtin);
  }
}

const nothing = () => answer({ happened: false }, "nothing happened");

function skip() {
  const review = waiting.shift();
  if (!review) return;
  past.push(review);
  if (!review.said) waiting.push(review); // it comes again after all others
  show();
}

function undo() {
  const review = past.pop();
  if (!review) return;
  const again = waiting.indexOf(review);
  if (again >= 0) waiting.splice(again, 1);
  waiting.unshift(review);
  show();
}

async function refresh() {
  try {
    const found = await get("/v1/reviews", { limit: 200 });
    const fresh = found.filter((review) => !known.has(review.id));
    for (const review of fresh) known.add(review.id);
    const none = waiting.length === 0;
    // What somebody else has answered meanwhile goes, but for the question that is being looked at.
    const open = new Set(found.map((review) => review.id));
    for (let n = waiting.length - 1; n > 0; n -= 1) if (!open.has(waiting[n].id) && !waiting[n].said) waiting.splice(n, 1);
    waiting.push(...fresh);
    tell(null);
    if (none) show();
    else place("progress").textContent = `${count(answered)} answered, ${count(waiting.length)} left`;
  } catch (error) {
    tell(error);
  }
}

place("nothing").addEventListener("click", nothing);
place("skip").addEventListener("click", skip);
place("undo").addEventListener("click", undo);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest("input, select, textarea")) return;
  const does = { n: nothing, s: skip, u: undo }[event.key];
  if (does) does();
  else if (/^[1-9]$/.test(event.key)) choose(Number(event.key) - 1);
});
await refresh();
show();
setInterval(refresh, POLL_MS);
