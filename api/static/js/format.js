// Numbers and times as a person reads them, in the browser's own language and time zone.

const counts = new Intl.NumberFormat();
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const moment = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export const count = (value) => (value === null || value === undefined ? "–" : counts.format(value));
export const dayOf = (seconds) => day.format(seconds * 1000);
export const clockOf = (seconds) => clock.format(seconds * 1000);
export const momentOf = (seconds) => moment.format(seconds * 1000);
export const rangeOf = (range) => moment.formatRange(range.from * 1000, range.to * 1000);

// Money comes in the smallest unit of the currency: cents of a euro, but whole yen.
export function money(amount, currency) {
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

// Plotly knows no time zones: it is given the local time as text.
export function localText(seconds) {
  const date = new Date(seconds * 1000);
  const two = (value) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function midnight(seconds) {
  const date = new Date(seconds * 1000);
  date.setHours(0, 0, 0, 0);
  return date.getTime() / 1000;
}

// Bucket limits fall on full hours and days of the local clock.
export function floorLocal(seconds, step) {
  const begin = midnight(seconds);
  return begin + Math.floor((seconds - begin) / step) * step;
}
