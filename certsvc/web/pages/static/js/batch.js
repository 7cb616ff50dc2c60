// Many files: one after another, one at a time on its way; a verdict each, and all of them as a table to keep.
import { Problem, troubleKind } from "./api.js";
import { askFile, unfitFor } from "./asking.js";
import { announce, byId, el, keepFile, shape } from "./dom.js";
import { lightOf, look } from "./reasons.js";
import { moment, t } from "./words.js";

/** How often a file that was refused for now is sent again: some minutes of a busy service. */
const MOST_WAITS = 30;
const AGAIN = ["429", "503"];
const COLUMNS = ["name", "word", "text", "next", "type", "number", "identifier", "state", "checked_at", "as_of", "later", "not_checked", "reason"];

let batch = null;

/** Check `files` as of `at`; `open` shows the verdict of one that was pressed; files over `limit` bytes are not sent. */
export function startBatch(files, { at, limit, open }) {
  stopBatch();
  const mine = { items: [...files].map((file) => ({ file, asked: askFile(file, at) })), open, limit, stopped: false, cancel: {}, wake: () => {} };
  batch = mine;
  byId("batch").hidden = false;
  byId("batch-cancel").hidden = false;
  byId("batch-cancel").onclick = () => stop(mine);
  byId("batch-csv").hidden = true;
  byId("batch-csv").onclick = () => keepTable(mine.items);
  byId("batch-list").replaceChildren(...mine.items.map((item) => { item.line = el("li", {}); drawLine(item, mine); return item.line; }));
  byId("batch-bar").max = mine.items.length;
  byId("batch-title").focus({ preventScroll: true });
  byId("batch").scrollIntoView({ block: "start" });
  return run(mine);
}

/** End what is under way and hide the list. */
export function stopBatch() {
  if (batch) stop(batch);
  batch = null;
  byId("batch").hidden = true;
}

/** Draw the list again in the language that was chosen. */
export function redrawBatch() {
  if (batch) { batch.items.forEach((item) => drawLine(item, batch)); progress(batch); }
}

function stop(mine) {
  mine.stopped = true;
  mine.cancel.now?.();
  mine.wake();
}

async function run(mine) {
  for (const item of mine.items) {
    progress(mine);
    if (!mine.stopped) await judge(item, mine);
    if (!item.verdict && !item.trouble) item.trouble = "batch.stopped";
    drawLine(item, mine);
  }
  if (batch !== mine) return;
  mine.done = true;
  progress(mine);
  byId("batch-cancel").hidden = true;
  byId("batch-csv").hidden = false;
  announce(byId("batch-text").textContent);
}

async function judge(item, mine) {
  const unfit = unfitFor(item.file);
  if (unfit) { item.trouble = `trouble.${unfit}`; return; }
  if (item.file.size > mine.limit) { item.trouble = "trouble.413"; return; }
  for (let waits = 0; !mine.stopped; waits += 1) {
    try {
      item.verdict = await item.asked.ask({ cancel: mine.cancel });
      return;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (!AGAIN.includes(error.kind) || waits === MOST_WAITS) { item.trouble = `trouble.${troubleKind(error)}`; return; }
      byId("batch-text").textContent = t("batch.waiting", { seconds: error.retryAfter });
      await pause(error.retryAfter, mine);
      progress(mine);
    }
  }
}

/** Wait, or until the reader stops everything. */
function pause(seconds, mine) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    mine.wake = () => { clearTimeout(timer); resolve(); };
    if (mine.stopped) mine.wake();
  });
}

function seenOf(item) {
  return item.verdict ? look(item.verdict, lightOf(item.verdict)) : null;
}

function progress(mine) {
  const ready = mine.items.filter((item) => item.verdict || item.trouble);
  const good = ready.filter((item) => seenOf(item)?.colour === "green").length;
  byId("batch-bar").value = ready.length;
  const key = mine.done ? (mine.stopped ? "batch.cancelled" : "batch.done") : "batch.progress";
  byId("batch-text").textContent = t(key, { count: mine.items.length, ready: mine.items.filter((item) => item.verdict).length, good, bad: ready.length - good });
}

function drawLine(item, mine) {
  const { line, verdict, trouble, file } = item;
  line.dataset.state = verdict ? "done" : trouble ? "trouble" : "waits";
  if (verdict) {
    const seen = seenOf(item);
    const manner = { green: "good", red: "bad", amber: "unknown" }[seen.colour];
    line.dataset.colour = seen.colour;
    const open = el("button", { type: "button", class: "button", on: { click: () => mine.open(item) } }, file.name);
    line.replaceChildren(shape(seen.symbol, manner), el("span", { class: `word ${manner}` }, seen.word), open);
    return;
  }
  line.replaceChildren(shape(trouble ? "doubt" : "later", "none"), el("span", { class: "word none" }, t(trouble || "batch.waits")), el("span", { class: "what" }, file.name));
}

// The table ----------------------------------------------------------------------------------------------------------

function keepTable(items) {
  const rows = [COLUMNS.map((name) => t(`batch.col.${name}`)), ...items.map(rowOf)];
  // The mark at the start tells office programs that this is UTF-8.
  keepFile(`${t("batch.file_name")}.csv`, ["\ufeff", rows.map((row) => row.map(cell).join(",")).join("\r\n"), "\r\n"], "text/csv;charset=utf-8");
}

function rowOf({ file, verdict, trouble }) {
  if (!verdict) return [file.name, t(trouble), ...COLUMNS.slice(2).map(() => "")];
  const { license } = verdict;
  const missing = verdict.not_checked.map((name) => t(`what.${name}`)).join("；");
  const when = (iso) => (iso ? moment(iso) : "");
  return [file.name, verdict.word, verdict.text, verdict.next, license?.type_name, license?.number, license?.identifier, license?.state_zh, when(verdict.checked_at), when(verdict.as_of), verdict.later?.word, missing, verdict.reason];
}

/** A cell that no office program takes for a formula. */
function cell(value) {
  const text = String(value ?? "");
  return `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}
