// Plotly with the colours and the type of the pages.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const data = (n) => colour(`--data-${((n - 1) % 5) + 1}`);

export function faded(hex, share) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${r}, ${g}, ${b}, ${share})`;
}

export function plot(id, traces, layout = {}) {
  const axis = {
    gridcolor: colour("--edge"), linecolor: colour("--edge"), zerolinecolor: colour("--edge"),
    tickcolor: colour("--edge"), automargin: true, fixedrange: true,
  };
  const whole = {
    margin: { l: 8, r: 8, t: 8, b: 8 },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("--muted") },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    hoverlabel: { bgcolor: colour("--surface"), bordercolor: colour("--edge"), font: { color: colour("--ink") } },
    hovermode: "x unified", bargap: 0.25, dragmode: false,
    ...layout,
    xaxis: { ...axis, showgrid: false, ...layout.xaxis },
    yaxis: { ...axis, rangemode: "tozero", ...layout.yaxis },
  };
  return globalThis.Plotly.react(id, traces, whole, { displayModeBar: false, responsive: true });
}
