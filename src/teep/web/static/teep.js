// What the page does beyond links and forms. Each part looks for its own elements, so that a page without them pays nothing.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector, within = document) => within.querySelector(selector);
const root = document.documentElement;
root.classList.add("has-js");

// For charts, which come after this: elements, and a colour of the theme as it is computed.
globalThis.teep = {all, one, token};

function token(name) {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(${name})`;
  const {color} = getComputedStyle(probe);
  probe.remove();
  return color;
}

// --- Theme and language: applied as soon as they are chosen.
document.addEventListener("change", ({target}) => target.closest('[data-js="preferences"]')?.requestSubmit());

// --- Tabs: on a phone they scroll, to where one is.
one('.top [aria-current="page"]')?.scrollIntoView({block: "nearest", inline: "center"});

// --- Live: the page is read again every few seconds, but never under someone's hands.
const EVERY = 5;
let since = 0;
let paused = remembered() === "off";
const live = one('[data-js="live"]');

// A browser may forbid a page to keep anything.
function remembered(word) {
  try {
    if (word) localStorage.setItem("teep-live", word);
    return localStorage.getItem("teep-live");
  } catch { return null; }
}

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
  remembered(paused ? "off" : "on");
  showLive();
});
if (live) showLive();

// The stream's messages, too, wait while the page is paused.
document.addEventListener("htmx:sse:before:message", (event) => { if (paused) event.preventDefault(); });

// What was asked for before hands came to the page must not move it under them either: a tick would be another job's.
document.addEventListener("htmx:before:swap", (event) => {
  if (event.detail.ctx?.sourceElement?.id === "page" && (paused || busyHands())) event.preventDefault();
});

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
// data-ask="stop" and data-ask-stop. A second click on the same button within a moment is none.
const sent = new WeakMap();

document.addEventListener("submit", (event) => {
  const {target: form, submitter: button} = event;
  if (!button || form.method !== "post") return;
  if (button.dataset.ask && !button.dataset.sure) {
    event.preventDefault();
    ask(form, button);
  } else if (Date.now() - (sent.get(form) ?? 0) < 2000) event.preventDefault();
  else sent.set(form, Date.now());
});

function ask(form, button) {
  const dialog = document.createElement("dialog");
  const text = document.createElement("p");
  text.textContent = form.getAttribute(`data-ask-${button.dataset.ask}`) ?? button.dataset.ask;
  text.id = "ask";
  dialog.setAttribute("aria-labelledby", "ask");
  const choices = document.createElement("div");
  const no = Object.assign(document.createElement("button"), {className: "button", textContent: root.dataset.no});
  const yes = Object.assign(document.createElement("button"), {className: "button is-danger", textContent: button.textContent});
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => {
    dialog.close();
    button.dataset.sure = "yes";
    form.requestSubmit(button);
    delete button.dataset.sure;
  });
  dialog.addEventListener("close", () => { dialog.remove(); button.focus(); });
  choices.append(no, yes);
  dialog.append(text, choices);
  document.body.append(dialog);
  dialog.showModal();
}

// --- Filter: words are completed where the cursor stands.
const fields = new WeakMap();

// A page that is read again has none of what was put into it here.
function completed() {
  const input = one('[data-js="filter"]');
  if (!input || one("#filter-offers")) return;
  if (!fields.has(input)) fields.set(input, complete(input));
  input.after(fields.get(input));
  for (const [name, value] of [["role", "combobox"], ["aria-controls", "filter-offers"], ["aria-expanded", "false"], ["aria-autocomplete", "list"]]) input.setAttribute(name, value);
}
document.addEventListener("htmx:after:swap", completed);
completed();

function complete(input) {
  const list = Object.assign(document.createElement("ul"), {className: "offers", id: "filter-offers", hidden: true});
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.labels[0]?.textContent ?? "");
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
    const words = all("option", document.getElementById(input.dataset.words)).map((option) => option.value);
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
  return list;
}

// --- Keys: "/" goes to the filter, or to the search where there is none; unless that is switched off.
document.addEventListener("keydown", (event) => {
  if (root.dataset.keys === "off" || event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select")) return;
  const target = one('[data-js="filter"]') ?? one('[data-js="find"]');
  if (target) { event.preventDefault(); target.focus(); }
});
