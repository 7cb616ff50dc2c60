// The public catalog: four lists, one search, each list as a spreadsheet too.
import { call, Problem, trouble } from "./api.js";
import { announce, byId, el, facts } from "./dom.js";
import { startShell } from "./shell.js";
import { t } from "./words.js";

const STEP = 40;
const SILENCE_MS = 400;
/** Which columns name a row: the heading and what stands under it. */
const HEADS = { types: [2, 5], making: [1, 2], uses: [1, 2], "no-paper": [2, 4] };
const NUMBER = 0;

const tabs = [...document.querySelectorAll('[role="tab"]')];
const loaded = new Map();
let current = null;
let limit = STEP;
let speaking = 0;

startShell(() => { if (current) draw(); });
for (const tab of tabs) {
  tab.addEventListener("click", () => select(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    select(next);
    event.preventDefault();
  });
}
byId("search-form").addEventListener("submit", (event) => event.preventDefault());
byId("search").addEventListener("input", () => {
  limit = STEP;
  if (!current) return;
  const found = draw();
  clearTimeout(speaking);
  speaking = setTimeout(() => announce(words(found)), SILENCE_MS);
});
byId("more").addEventListener("click", () => {
  const first = limit;
  limit += STEP;
  draw();
  byId("entries").children[first]?.querySelector("summary").focus();
});
select(tabs.find((tab) => `#${tab.dataset.list}` === location.hash) || tabs[0]);

/** Show the list of `tab`; read it once. */
async function select(tab) {
  for (const other of tabs) {
    other.setAttribute("aria-selected", String(other === tab));
    other.tabIndex = other === tab ? 0 : -1;
  }
  const { list } = tab.dataset;
  byId("list").setAttribute("aria-labelledby", tab.id);
  byId("download").setAttribute("href", `/v1/catalog/lists/${list}?format=xlsx`);
  history.replaceState(null, "", `#${list}`);
  trouble(null);
  try {
    if (!loaded.has(list)) loaded.set(list, await call("GET", `/v1/catalog/lists/${list}`));
  } catch (error) {
    trouble(error, { retry: error instanceof Problem ? () => select(tab) : undefined });
    return;
  }
  if (tab.getAttribute("aria-selected") !== "true") return; // another was chosen meanwhile
  current = loaded.get(list);
  limit = STEP;
  byId("list-title").textContent = current.title;
  draw();
}

/** Draw what matches; gives how many rows do. */
function draw() {
  const asked = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = current.rows.filter((row) => {
    const text = row.join("\n").toLowerCase();
    return asked.every((word) => text.includes(word));
  });
  byId("entries").replaceChildren(...found.slice(0, limit).map(entry));
  if (!found.length) byId("entries").append(el("li", { class: "empty" }, t("catalog.none")));
  byId("count").textContent = words(found.length);
  byId("more").hidden = found.length <= limit;
  return found.length;
}

function words(found) {
  return t("catalog.count", { all: current.rows.length, found });
}

function entry(row) {
  const [head, under] = HEADS[current.name];
  const rest = current.header.map((name, column) => [name, row[column]]).filter((_, column) => column !== NUMBER && column !== head);
  return el("li", {}, el("details", {},
    el("summary", {}, el("span", {}, el("b", {}, row[head]), el("small", {}, row[under]))),
    facts(rest)));
}
