"use strict";
// One clock for all cameras: seconds of the run. Each picture shows the truth of the frame that its video shows.
const $ = id => document.getElementById(id);
const BONES = [[15, 13], [13, 11], [16, 14], [14, 12], [11, 12], [5, 11], [6, 12], [5, 6], [5, 7], [6, 8], [7, 9], [8, 10], [1, 2], [0, 1], [0, 2], [1, 3], [2, 4]];
const state = { run: null, cameras: [], t: 0, playing: false, speed: 1, last: 0, event: -1, eventTimes: [] };
const colour = (id, alpha = 1) => `hsl(${(id * 137.5) % 360} 85% 60% / ${alpha})`;

// The last place in sorted `times` that is not after `t`, at least 0.
function lastBefore(times, t) {
  let low = 0, high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= t) low = middle; else high = middle - 1;
  }
  return low;
}

const nearest = (times, t) => {
  const i = lastBefore(times, t);
  return i + 1 < times.length && times[i + 1] - t < t - times[i] ? i + 1 : i;
};

// COCO's compressed run lengths: 5 bits a character from code 48, bit 6 says that more follow, deltas from the third on.
function runLengths(text) {
  const counts = [];
  for (let p = 0; p < text.length;) {
    let x = 0, k = 0, more = true;
    while (more) {
      const c = text.charCodeAt(p++) - 48;
      x |= (c & 31) << (5 * k++);
      more = (c & 32) !== 0;
      if (!more && (c & 16)) x |= -1 << (5 * k);
    }
    if (counts.length > 2) x += counts[counts.length - 2];
    counts.push(x);
  }
  return counts;
}

function drawMask(draw, text, height, style) {
  draw.fillStyle = style;
  let at = 0, inside = false;
  for (let count of runLengths(text)) {
    while (inside && count > 0) {
      const y = at % height, length = Math.min(count, height - y);
      draw.fillRect(Math.floor(at / height), y, 1, length);
      at += length; count -= length;
    }
    at += count;
    inside = !inside;
  }
}

function drawTruth(camera) {
  const { canvas, data, shown } = camera, draw = canvas.getContext("2d");
  const [width, height] = data.size, scale = Math.max(width / 640, .5);
  draw.clearRect(0, 0, width, height);
  draw.lineWidth = 2 * scale;
  draw.font = `600 ${13 * scale}px system-ui, sans-serif`;
  for (const [id, box, share, keypoints, mask] of data.people[shown] || []) {
    const [x, y, w, h] = box;
    if ($("masks").checked) drawMask(draw, mask, height, colour(id, .45));
    if ($("boxes").checked) { draw.strokeStyle = colour(id); draw.strokeRect(x, y, w, h); }
    if ($("keypoints").checked) drawKeypoints(draw, keypoints, id, scale);
    if ($("names").checked) {
      const text = `${state.run.people[id - 1].name} ${Math.round(share * 100)} %`, top = Math.max(y, 16 * scale);
      draw.fillStyle = "rgb(0 0 0 / 60%)";
      draw.fillRect(x, top - 16 * scale, draw.measureText(text).width + 8 * scale, 16 * scale);
      draw.fillStyle = colour(id);
      draw.fillText(text, x + 4 * scale, top - 4 * scale);
    }
  }
}

function drawKeypoints(draw, keypoints, id, scale) {
  const at = i => keypoints.slice(3 * i, 3 * i + 3);
  draw.strokeStyle = colour(id, .9);
  for (const [a, b] of BONES) {
    const [p, q] = [at(a), at(b)];
    if (!p[2] || !q[2]) continue;
    draw.beginPath(); draw.moveTo(p[0], p[1]); draw.lineTo(q[0], q[1]); draw.stroke();
  }
  for (let i = 0; i < 17; i++) {
    const [x, y, v] = at(i);
    if (!v) continue;
    draw.beginPath(); draw.arc(x, y, 3 * scale, 0, 7);
    draw.fillStyle = v === 2 ? "#fff" : "#000"; draw.fill();
  }
}

function drawFloor() {
  const canvas = $("floor"), { plan, floor } = state.run, draw = canvas.getContext("2d");
  const [left, bottom, right, top] = plan.box, ink = getComputedStyle(document.body).color;
  const width = canvas.clientWidth * devicePixelRatio || 300, scale = width / (right - left);
  canvas.width = width; canvas.height = Math.round((top - bottom) * scale);
  const at = ([x, y]) => [(x - left) * scale, (top - y) * scale];
  const path = (points, closed = true) => {
    draw.beginPath(); points.forEach((point, i) => draw[i ? "lineTo" : "moveTo"](...at(point)));
    if (closed) draw.closePath();
  };
  draw.lineWidth = 2 * devicePixelRatio; draw.strokeStyle = ink;
  path(plan.floor); draw.stroke();
  plan.walls.forEach(wall => { path(wall, false); draw.stroke(); });
  draw.strokeStyle = "#2fa36b"; draw.lineWidth *= 2;
  plan.gates.forEach(gate => { path(gate, false); draw.stroke(); });
  draw.fillStyle = "rgb(128 128 128 / 35%)";
  plan.fixtures.forEach(fixture => { path(fixture); draw.fill(); });
  draw.fillStyle = "#1795a0";
  plan.cameras.forEach(([x, y]) => { const [a, b] = at([x, y]); draw.fillRect(a - 4, b - 4, 8, 8); });
  draw.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  for (const [id, x, y, heading] of floor.people[lastBefore(floor.times, state.t)] || []) {
    const [a, b] = at([x, y]), radius = Math.max(.22 * scale, 4);
    draw.fillStyle = draw.strokeStyle = colour(id);
    draw.beginPath(); draw.arc(a, b, radius, 0, 7); draw.fill();
    draw.beginPath(); draw.moveTo(a, b); draw.lineTo(a + 2 * radius * Math.cos(heading), b - 2 * radius * Math.sin(heading)); draw.stroke();
    draw.fillStyle = ink; draw.fillText(state.run.people[id - 1].name, a + radius + 3, b + 4);
  }
}

function clock(t) {
  return `${Math.floor(t / 60)}:${(t % 60).toFixed(1).padStart(4, "0")}`;
}

function showNow() {
  const { run, t } = state;
  $("seek").value = t;
  $("time").textContent = `${clock(t)} of ${clock(run.duration)}`;
  const now = run.events.length && run.events[0].t <= t ? lastBefore(state.eventTimes, t) : -1;
  if (now !== state.event) {
    state.event = now;
    [...$("events").children].forEach((line, i) => {
      const button = line.firstChild;
      button.classList.toggle("later", i > now);
      if (i === now) button.setAttribute("aria-current", "true"); else button.removeAttribute("aria-current");
      if (i === now) line.parentNode.scrollTop = line.offsetTop - line.parentNode.offsetTop - line.parentNode.clientHeight / 2;
    });
    showBaskets();
  }
  drawFloor();
}

function showBaskets() {
  const baskets = new Map();
  for (const event of state.run.events.slice(0, state.event + 1)) {
    if (event.basket) baskets.set(event.session, event);
    else if (event.session && !baskets.has(event.session)) baskets.set(event.session, { basket: [], type: event.type });
  }
  $("baskets").replaceChildren(...[...baskets].map(([session, event]) => {
    const block = document.createElement("div"), head = document.createElement("p"), list = document.createElement("ul");
    head.textContent = `${session}${event.type.startsWith("receipt") ? " (receipt)" : ""}: ${event.total || "nothing"}`;
    list.append(...event.basket.map(line => Object.assign(document.createElement("li"), { textContent: line })));
    block.append(head, list);
    return block;
  }));
}

// Bring a camera's picture to the clock; a playing video runs by itself and is only put right when it is off.
function place(camera, exactly) {
  const { data, video, image } = camera;
  const i = lastBefore(data.times, state.t), into = Math.max(state.t - data.times[i], 0);
  if (image) {
    camera.shown = i;
    const source = `${data.folder}/${data.files[i]}`;
    if (image.dataset.source !== source) { image.dataset.source = image.src = source; }
    drawTruth(camera);
    return;
  }
  const wanted = data.pts[i] + (exactly ? .001 : into);
  if (exactly || Math.abs(video.currentTime - wanted) > .2) video.currentTime = wanted;
  if (!video.requestVideoFrameCallback) { camera.shown = i; drawTruth(camera); }
}

function seek(t) {
  state.t = Math.min(Math.max(t, 0), state.run.duration);
  state.cameras.forEach(camera => place(camera, true));
  showNow();
}

function play(on) {
  state.playing = on;
  $("play").textContent = on ? "Pause" : "Play";
  state.cameras.forEach(({ video }) => {
    if (!video) return;
    video.playbackRate = state.speed;
    if (on) video.play().catch(() => {}); else video.pause();
  });
  state.last = performance.now();
  if (on) { if (state.t >= state.run.duration) seek(0); requestAnimationFrame(tick); } else seek(state.t);
}

function tick(moment) {
  if (!state.playing) return;
  state.t = Math.min(state.t + Math.max(moment - state.last, 0) / 1000 * state.speed, state.run.duration);
  state.last = Math.max(moment, state.last);
  state.cameras.forEach(camera => place(camera, false));
  showNow();
  if (state.t >= state.run.duration) play(false); else requestAnimationFrame(tick);
}

function addCamera(data) {
  const figure = document.createElement("figure"), canvas = document.createElement("canvas");
  const shown = document.createElement(data.video ? "video" : "img"), caption = document.createElement("figcaption");
  const camera = { data, canvas, shown: 0, video: data.video ? shown : null, image: data.video ? null : shown };
  [canvas.width, canvas.height] = data.size;
  shown.width = data.size[0]; shown.height = data.size[1];
  caption.textContent = data.camera;
  figure.dataset.camera = data.camera;
  figure.title = "Double click: large";
  figure.ondblclick = () => figure.classList.toggle("wide");
  figure.append(shown, canvas, caption);
  $("cameras").append(figure);
  if (camera.video) {
    shown.muted = shown.playsInline = true; shown.preload = "auto";
    shown.src = `${data.folder}/${data.video}`;
    shown.onerror = () => { caption.textContent = `${data.camera}: this browser cannot play its video`; };
    const follow = (_, frame) => {
      camera.shown = nearest(data.pts, frame.mediaTime);
      figure.dataset.frame = camera.shown;
      drawTruth(camera);
      shown.requestVideoFrameCallback(follow);
    };
    if (shown.requestVideoFrameCallback) shown.requestVideoFrameCallback(follow);
  } else {
    shown.alt = data.camera;
  }
  state.cameras.push(camera);
}

// As many columns as make the pictures largest without scrolling.
function layOut() {
  const area = $("cameras"), [width, height] = [area.clientWidth, area.clientHeight], n = state.cameras.length;
  const [w, h] = state.cameras[0].data.size, gap = 10;
  let best = 1, largest = 0;
  for (let columns = 1; columns <= n; columns++) {
    const rows = Math.ceil(n / columns);
    const fits = Math.min((width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows * w / h);
    if (fits > largest) [best, largest] = [columns, fits];
  }
  area.style.gridTemplateColumns = innerWidth > 960 ? `repeat(${best}, minmax(0, ${Math.floor(largest)}px))` : "";
}

function show(run) {
  Object.assign(state, { run, cameras: [], t: 0, event: -2, eventTimes: run.events.map(event => event.t) });
  document.title = $("title").textContent = `${run.scenario}, seed ${run.seed}`;
  $("cameras").replaceChildren();
  run.cameras.forEach(addCamera);
  layOut();
  $("seek").max = run.duration;
  $("events").replaceChildren(...run.events.map(event => {
    const line = document.createElement("li"), button = document.createElement("button"), time = document.createElement("time");
    time.textContent = clock(event.t);
    button.append(time, document.createTextNode(event.text));
    button.onclick = () => seek(event.t);
    line.append(button);
    return line;
  }));
  seek(0);
}

// A run's truth lies in a script of its own: pages opened from a disk may load scripts, but read no other file.
function choose(name) {
  if (state.run) play(false);
  const script = document.createElement("script");
  script.src = `runs/${name}/preview.js`;
  script.onload = () => { show(window.aisleRun); location.hash = name; };
  script.onerror = () => { $("title").textContent = `${name} has no preview.js`; };
  document.head.append(script);
}

function step(frames) {
  const camera = state.cameras[0];
  if (!camera) return;
  play(false);
  const times = camera.data.times, i = Math.min(Math.max(lastBefore(times, state.t) + frames, 0), times.length - 1);
  seek(times[i]);
}

// Events of one moment are one step.
function toEvent(by) {
  const times = state.eventTimes, now = state.event < 0 ? -1 : times[state.event];
  const next = by > 0 ? times.find(t => t > now) : times.findLast(t => t < now);
  if (next !== undefined) seek(next);
}

$("play").onclick = () => play(!state.playing);
$("back").onclick = () => step(-1);
$("on").onclick = () => step(1);
$("seek").oninput = () => seek(Number($("seek").value));
$("speed").onchange = () => { state.speed = Number($("speed").value); if (state.playing) play(true); };
$("run").onchange = () => choose($("run").value);
["boxes", "names", "keypoints", "masks"].forEach(id => { $(id).onchange = () => state.cameras.forEach(drawTruth); });
addEventListener("resize", () => { if (state.run) { layOut(); drawFloor(); } });
addEventListener("keydown", event => {
  if (!state.run || event.ctrlKey || event.altKey || event.metaKey || event.target.tagName === "SELECT") return;
  if (event.key === " " && event.target.matches("button, [type=checkbox]")) return;
  const does = {
    " ": () => play(!state.playing),
    ArrowLeft: () => event.shiftKey ? step(-1) : seek(state.t - 1),
    ArrowRight: () => event.shiftKey ? step(1) : seek(state.t + 1),
    ArrowUp: () => toEvent(-1),
    ArrowDown: () => toEvent(1),
  }[event.key];
  if (does) { event.preventDefault(); does(); }
});
$("run").append(...window.aisleRuns.map(name => new Option(name, name)));
const asked = decodeURIComponent(location.hash.slice(1));
if (window.aisleRuns.includes(asked)) $("run").value = asked;
if (window.aisleRuns.length) choose($("run").value);
