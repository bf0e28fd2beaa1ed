// The dashboard's charts, each drawn from the table beside it.
const {all, one, token} = globalThis.teep;
const charts = new WeakMap();

function columns(figure) {
  // uPlot's legend is a table as well, and its rows are no numbers.
  const rows = all("tbody tr:not(.u-series)", figure).map((row) => [...row.children].map((cell) => cell.dataset.v));
  return [rows.map((row) => (isNaN(row[0]) ? Date.parse(row[0]) / 1000 : Number(row[0]))), ...[1, 2].map((i) => rows.map((row) => row[i] ? Number(row[i]) : null))];
}

// A time in UTC, as fine as it has to be.
function stamp(at, step) {
  const text = new Date(at * 1000).toISOString();
  if (step >= 86400) return text.slice(5, 10);
  return step >= 60 ? (text.endsWith("T00:00:00.000Z") ? text.slice(5, 10) : text.slice(11, 16)) : text.slice(11, 19);
}

function draw(figure, data) {
  const plot = one(".plot", figure);
  if (!window.uPlot || !plot || data[0].length < 2) return;
  charts.get(plot)?.watch.disconnect();
  charts.get(plot)?.chart.destroy();
  plot.replaceChildren();
  const axis = {values: (_, ticks, __, ___, step) => ticks.map((at) => stamp(at, step)), stroke: token("--soft"), grid: {stroke: token("--line"), width: 1}, ticks: {show: false}, font: "12px system-ui, sans-serif"};
  const line = (label, color) => ({label, stroke: color, width: 2, fill: `color-mix(in srgb, ${color} 10%, transparent)`, points: {show: false}});
  const size = () => ({width: figure.clientWidth - 24, height: plot.classList.contains("is-low") ? 190 : 230});
  const chart = new window.uPlot({
    ...size(), tzDate: (at) => window.uPlot.tzDate(new Date(at * 1000), "UTC"), legend: {show: true, live: true},
    cursor: {points: {size: 7}}, scales: {y: {range: (_, low, high) => [0, Math.max(high * 1.1, 1)]}},
    axes: [{...axis, size: 28, space: 80, incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000, 604800, 1209600, 2592000]}, {...axis, size: 62, values: (_, ticks) => ticks.map((n) => n.toLocaleString(document.documentElement.lang))}],
    series: [{label: plot.dataset.time, value: "{YYYY}-{MM}-{DD} {HH}:{mm}"}, line(plot.dataset.good, token("--good")), line(plot.dataset.bad, token("--bad"))],
  }, data, plot);
  const watch = new ResizeObserver(() => chart.setSize(size()));
  watch.observe(figure);
  charts.set(plot, {chart, watch});
}

function drawPast() { const figure = one("#past"); if (figure) draw(figure, columns(figure)); }
addEventListener("load", () => { drawPast(); startRates(); });
// Its table is read again with the page.
document.addEventListener("htmx:after:swap", ({detail}) => {
  if (detail.ctx?.sourceElement?.id !== "page") return;
  const drawn = charts.get(one("#past .plot"));
  if (drawn) drawn.chart.setData(columns(one("#past"))); else drawPast();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawPast);

// Rates: differences between two summaries, however they come.
function startRates() {
  const data = columns(one("#rates"));
  let before = null;
  const drawRates = () => { const figure = one("#rates"); if (figure) draw(figure, data); };
  drawRates();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawRates);
  const look = () => {
    const {processed, failed, at} = one("#summary").dataset;
    const now = [Number(at), Number(processed), Number(failed)];
    if (before && now[0] > before[0]) {
      const span = now[0] - before[0];
      data[0].push(now[0]);
      [1, 2].forEach((i) => data[i].push(Math.max(now[i] - before[i], 0) / span));
      if (data[0].length > 150) data.forEach((column) => column.shift());
      const drawn = charts.get(one("#rates .plot"));
      if (drawn) drawn.chart.setData(data); else drawRates();
    }
    before = now;
  };
  look();
  document.addEventListener("htmx:after:swap", look);
}
