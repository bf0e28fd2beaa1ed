// What the page does beyond links and forms. Each part looks for its own elements, so that a page without them pays nothing.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector, within = document) => within.querySelector(selector);
const root = document.documentElement;
root.classList.add("has-js");

// --- Theme and language: applied as soon as they are chosen.
document.addEventListener("change", ({target}) => target.closest('[data-js="preferences"]')?.requestSubmit());

// --- Tabs: on a phone they scroll, to where one is.
one('.top [aria-current="page"]')?.scrollIntoView({block: "nearest", inline: "center"});

// --- Live: the page is read again every few seconds, but never under someone's hands.
const EVERY = 5;
let since = 0;
let paused = localStorage.getItem("teep-live") === "off";
const live = one('[data-js="live"]');

function busyHands() {
  const typing = document.activeElement?.matches("input:not([type=checkbox]), select, textarea");
  const chosen = String(getSelection() ?? "") !== "";
  return typing || chosen || document.hidden || one("dialog[open], .jobs details[open], main input[type=checkbox]:checked");
}

function showLive() {
  live.hidden = false;
  live.setAttribute("aria-pressed", String(!paused));
  one('[data-js="live-word"]', live).textContent = paused ? live.dataset.off : live.dataset.on;
}

live?.addEventListener("click", () => {
  paused = !paused;
  localStorage.setItem("teep-live", paused ? "off" : "on");
  showLive();
});
if (live) showLive();

// The stream's messages, too, wait while the page is paused.
document.addEventListener("htmx:sse:before:message", (event) => { if (paused) event.preventDefault(); });

setInterval(() => {
  const page = one("#page");
  since += 1;
  const every = Number(one("[data-every]", page)?.dataset.every ?? EVERY);
  if (since < every || paused || busyHands() || one(".confirm, [data-still]", page)) return;
  since = 0;
  window.htmx?.trigger(page, "teep:refresh");
}, 1000);

// Redis is back, and with it what an error page lacks.
document.addEventListener("htmx:after:swap", () => { if (!one("#summary") && !one("#page .code")) location.reload(); });

// --- Lists: tick with shift, tick all, and say how many are.
let last = null;

function ticks(form) { return all('input[name="key"]', form); }

function showTicked(form) {
  const boxes = ticks(form);
  const count = boxes.filter((box) => box.checked).length;
  const every = one('[data-js="tick-all"]', form);
  if (every) {
    every.checked = count > 0 && count === boxes.length;
    every.indeterminate = count > 0 && count < boxes.length;
  }
  const said = one('[data-js="ticked"]', form);
  if (said) said.textContent = count ? said.dataset.some.replace("{}", count) : said.dataset.none;
  all('[data-js="act"]', form).forEach((button) => { button.disabled = count === 0; });
  one('[data-js="bar"]', form)?.classList.toggle("is-ticked", count > 0);
  const whole = one("form.all");
  if (whole) whole.hidden = count > 0 && count < boxes.length;
}

document.addEventListener("click", (event) => {
  const box = event.target;
  const form = box.closest?.('[data-js="list"]');
  if (!form || box.type !== "checkbox") return;
  const boxes = ticks(form);
  if (box.dataset.js === "tick-all") boxes.forEach((other) => { other.checked = box.checked; });
  else if (event.shiftKey && last?.isConnected) {
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    boxes.slice(from, to + 1).forEach((other) => { other.checked = box.checked; });
  }
  if (box.name === "key") last = box;
  showTicked(form);
});

const showLists = () => all('[data-js="list"]').forEach(showTicked);
document.addEventListener("htmx:after:swap", showLists);
showLists();

// --- What cannot be taken back is asked about first. A sentence for many buttons stands in their form:
// data-ask="stop" and data-ask-stop.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.dataset.ask || button.dataset.sure) return;
  event.preventDefault();
  const dialog = document.createElement("dialog");
  const text = document.createElement("p");
  text.textContent = event.target.getAttribute(`data-ask-${button.dataset.ask}`) ?? button.dataset.ask;
  text.id = "ask";
  dialog.setAttribute("aria-labelledby", "ask");
  const choices = document.createElement("div");
  const no = Object.assign(document.createElement("button"), {className: "button", textContent: root.dataset.no ?? "✕"});
  const yes = Object.assign(document.createElement("button"), {className: "button is-danger", textContent: button.textContent});
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => {
    dialog.close();
    button.dataset.sure = "yes";
    event.target.requestSubmit(button);
  });
  dialog.addEventListener("close", () => { dialog.remove(); button.focus(); });
  choices.append(no, yes);
  dialog.append(text, choices);
  document.body.append(dialog);
  dialog.showModal();
});

// --- Filter: words are completed where the cursor stands.
const field = one('[data-js="filter"]');
if (field) complete(field);

function complete(input) {
  const words = all("option", document.getElementById(input.dataset.words)).map((option) => option.value);
  const list = Object.assign(document.createElement("ul"), {className: "offers", id: "filter-offers", hidden: true});
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels[0]?.textContent ?? "");
  input.after(list);
  for (const [name, value] of [["role", "combobox"], ["aria-controls", list.id], ["aria-expanded", "false"], ["aria-autocomplete", "list"]]) input.setAttribute(name, value);
  let at = -1;

  const word = () => input.value.slice(0, input.selectionStart).match(/\S*$/)[0];
  const choose = (index) => {
    at = index;
    [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
    input.setAttribute("aria-activedescendant", at >= 0 ? `offer-${at}` : "");
    list.children[at]?.scrollIntoView({block: "nearest"});
  };
  const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); choose(-1); };
  const take = (text) => {
    const end = input.selectionStart;
    const start = end - word().length;
    const gap = text.endsWith(":") ? "" : " ";
    input.setRangeText(text + gap, start, end, "end");
    if (gap) close(); else offer();
    input.focus();
  };
  const offer = () => {
    const begun = word().toLowerCase();
    const fits = words.filter((text) => text.toLowerCase().includes(begun) && text.toLowerCase() !== begun);
    fits.sort((a, b) => b.toLowerCase().startsWith(begun) - a.toLowerCase().startsWith(begun) || a.endsWith(":") - b.endsWith(":"));
    list.replaceChildren(...fits.slice(0, 12).map((text, i) => {
      const item = Object.assign(document.createElement("li"), {textContent: text, id: `offer-${i}`});
      item.setAttribute("role", "option");
      item.addEventListener("mousedown", (event) => { event.preventDefault(); take(text); });
      return item;
    }));
    list.hidden = list.children.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    choose(-1);
  };
  input.addEventListener("input", offer);
  input.addEventListener("focus", () => { if (!input.value) offer(); });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const count = list.hidden ? 0 : list.children.length;
    if (event.key === "Escape" && count) { close(); event.preventDefault(); }
    else if (event.key === "ArrowDown" && count) { choose((at + 1) % count); event.preventDefault(); }
    else if (event.key === "ArrowUp" && count) { choose((at + count - 1) % count); event.preventDefault(); }
    else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) { take(list.children[at].textContent); event.preventDefault(); }
  });
}

// --- Keys: "/" goes to the filter, or to the search where there is none.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select")) return;
  const target = one('[data-js="filter"]') ?? one('[data-js="find"]');
  if (target) { event.preventDefault(); target.focus(); }
});

// --- Charts: drawn from the table beside them.
const charts = new Map();

function token(name) {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(${name})`;
  const {color} = getComputedStyle(probe);
  probe.remove();
  return color;
}

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
  charts.get(plot)?.destroy();
  plot.replaceChildren();
  const axis = {values: (_, ticks, __, ___, step) => ticks.map((at) => stamp(at, step)), stroke: token("--soft"), grid: {stroke: token("--line"), width: 1}, ticks: {show: false}, font: "12px system-ui, sans-serif"};
  const line = (label, color) => ({label, stroke: color, width: 2, fill: `color-mix(in srgb, ${color} 10%, transparent)`, points: {show: false}});
  const size = () => ({width: figure.clientWidth - 24, height: plot.classList.contains("is-low") ? 190 : 230});
  const chart = new window.uPlot({
    ...size(), tzDate: (at) => window.uPlot.tzDate(new Date(at * 1000), "UTC"), legend: {show: true, live: true},
    cursor: {points: {size: 7}}, scales: {y: {range: (_, low, high) => [0, Math.max(high * 1.1, 1)]}},
    axes: [{...axis, size: 28, space: 80, incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000, 604800, 1209600, 2592000]}, {...axis, size: 62, values: (_, ticks) => ticks.map((n) => n.toLocaleString(root.lang))}],
    series: [{label: plot.dataset.time, value: "{YYYY}-{MM}-{DD} {HH}:{mm}"}, line(plot.dataset.good, token("--good")), line(plot.dataset.bad, token("--bad"))],
  }, data, plot);
  charts.set(plot, chart);
  new ResizeObserver(() => chart.setSize(size())).observe(figure);
}

function drawPast() { const figure = one("#past"); if (figure) draw(figure, columns(figure)); }
addEventListener("load", () => { drawPast(); startRates(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawPast);

// Rates: differences between two summaries, however they come.
function startRates() {
  const figure = one("#rates");
  if (!figure) return;
  const data = columns(figure);
  let before = null;
  draw(figure, data);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(figure, data));
  const look = () => {
    const {processed, failed, at} = one("#summary").dataset;
    const now = [Number(at), Number(processed), Number(failed)];
    if (before && now[0] > before[0]) {
      const span = now[0] - before[0];
      data[0].push(now[0]);
      [1, 2].forEach((i) => data[i].push(Math.max(now[i] - before[i], 0) / span));
      if (data[0].length > 150) data.forEach((column) => column.shift());
      const chart = charts.get(one(".plot", figure));
      if (chart) chart.setData(data); else draw(figure, data);
    }
    before = now;
  };
  look();
  document.addEventListener("htmx:after:swap", look);
}
