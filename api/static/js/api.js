// Asking the interface, and telling the person when it does not answer.

export class Trouble extends Error {}

export async function get(path, query = {}, signal = undefined) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return asked(url, { headers: { Accept: "application/json" }, signal });
}

export const send = (path, body) =>
  asked(new URL(path, location.origin), {
    method: "POST", body: JSON.stringify(body), headers: { Accept: "application/json", "Content-Type": "application/json" },
  });

async function asked(url, wish) {
  let response;
  try {
    response = await fetch(url, wish);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble("The server does not answer. It may have been stopped; this page tries again by itself.");
  }
  if (response.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
    throw new Trouble("Signing in again …");
  }
  if (!response.ok) {
    const problem = await response.json().catch(() => null);
    throw new Trouble(problem?.detail ?? `The server answered with status ${response.status}.`);
  }
  return response.json();
}

// Show the picture at this address once it is there; the one before stays until then.
export async function showImage(image, url, alt, signal) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(`${url.pathname}: status ${response.status}`);
  const fresh = URL.createObjectURL(await response.blob());
  const old = image.src;
  image.src = fresh;
  image.alt = alt;
  await image.decode();
  if (old) URL.revokeObjectURL(old);
  image.hidden = false;
}

export const cameraPath = (camera, rest = "") => `/v1/cameras/${encodeURIComponent(camera)}${rest}`;

export function tell(error) {
  const place = document.getElementById("trouble");
  if (error?.name === "AbortError") return;
  place.hidden = !error;
  place.textContent = error ? (error instanceof Trouble ? error.message : "This page failed. Reload it.") : "";
  if (error && !(error instanceof Trouble)) throw error;
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
