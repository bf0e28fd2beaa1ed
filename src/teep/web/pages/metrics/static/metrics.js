// Charts of lines, each drawn from the table beside it: a column is a line, its heading the name.
const {all, token} = globalThis.teep;
const drawn = new Map();
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 8]];

const stamp = (at, step) => new Date(at * 1000).toISOString().slice(...(step >= 86400 ? [5, 10] : [11, 16]));

// Deploys are lines from top to bottom; their labels stand in the list below.
function deploys(chart) {
  const {ctx, bbox} = chart;
  ctx.save();
  ctx.strokeStyle = token("--soft");
  ctx.setLineDash([3, 3]);
  for (const mark of all("[data-mark]")) {
    const x = chart.valToPos(Date.parse(mark.dataset.mark) / 1000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

function draw(figure, again) {
  const plot = figure.querySelector(".plot");
  const table = figure.querySelector("details table"); // the chart's legend is one, too
  const names = all("thead th", table).map((head) => head.textContent.trim());
  const rows = all("tbody tr", table).map((row) => [...row.children].map((cell) => cell.dataset.v));
  const data = names.map((_, i) => rows.map((row) => (i ? (row[i] === "" ? null : Number(row[i])) : Date.parse(row[0]) / 1000)));
  const now = JSON.stringify([names, data]);
  const before = drawn.get(plot);
  if (!window.uPlot || rows.length < 2 || (!again && before?.now === now)) return;
  before?.watch.disconnect();
  before?.chart.destroy();
  plot.replaceChildren();
  const axis = {stroke: token("--soft"), grid: {stroke: token("--line"), width: 1}, ticks: {show: false}, font: "12px system-ui, sans-serif"};
  const line = (label, i) => ({label, width: 2, dash: DASHES[i], stroke: token(plot.dataset.bad === String(i) ? "--line-bad" : `--line-${i + 1}`), points: {show: false}});
  const size = () => ({width: figure.clientWidth - 24, height: 230});
  const chart = new window.uPlot({
    ...size(), tzDate: (at) => window.uPlot.tzDate(new Date(at * 1000), "UTC"), cursor: {points: {size: 7}},
    scales: {y: {range: (_, low, high) => [0, Math.max(high * 1.1, 0.01)]}}, hooks: {draw: [deploys]},
    axes: [{...axis, size: 28, space: 80, values: (_, ticks, __, ___, step) => ticks.map((at) => stamp(at, step))},
      {...axis, size: 62, values: (_, ticks) => ticks.map((n) => n.toLocaleString(document.documentElement.lang))}],
    series: [{label: names[0], value: "{YYYY}-{MM}-{DD} {HH}:{mm}"}, ...names.slice(1).map(line)],
  }, data, plot);
  const watch = new ResizeObserver(() => chart.setSize(size()));
  watch.observe(figure);
  drawn.set(plot, {chart, watch, now});
}

const show = (again) => all('[data-chart="lines"]').forEach((figure) => draw(figure, again));
addEventListener("load", () => show(false));
document.addEventListener("htmx:after:swap", () => show(false));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(true));
