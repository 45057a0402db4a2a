// The camera and the time that the controls ask for. Times count back from the camera's newest footage.

import { localText } from "./format.js";

const form = () => document.getElementById("controls");
const field = (name) => form().elements.namedItem(name);

export const chosenCamera = () => field("camera").selectedOptions[0];

export function refreshCamera(info) {
  const option = [...field("camera").options].find((each) => each.value === info.camera);
  if (option) Object.assign(option.dataset, { first: info.first_seen, last: info.last_seen });
}

export function chosenRange() {
  const { first, last } = chosenCamera().dataset;
  const newest = Math.ceil((Number(last) + 1) / 60) * 60;
  const oldest = Math.floor(Number(first) / 60) * 60;
  if (field("range").value !== "custom") {
    return { from: Math.max(oldest, newest - Number(field("range").value)), to: newest };
  }
  const from = new Date(field("from").value).getTime() / 1000;
  const to = new Date(field("to").value).getTime() / 1000;
  if (!(from < to)) return null;
  return { from, to };
}

export function onChange(update) {
  const custom = form().querySelectorAll(".custom");
  const changed = (event) => {
    const own = field("range").value === "custom";
    if (event?.target === field("range") && own) {
      const { first, last } = chosenCamera().dataset;
      field("from").value ||= localText(Math.max(Number(first), Number(last) - 86400)).slice(0, 16);
      field("to").value ||= localText(Number(last) + 60).slice(0, 16);
    }
    for (const each of custom) each.hidden = !own;
    update();
  };
  form().addEventListener("change", changed);
  form().addEventListener("submit", (event) => event.preventDefault());
  changed();
}
