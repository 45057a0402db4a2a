// The empty page looks every few seconds whether there is something to show.

import { get } from "./api.js";

setInterval(async () => {
  try {
    if ((await get("/v1/cameras")).length) location.reload();
  } catch {
    // The server may be away for a moment; the next look will tell.
  }
}, 3000);
