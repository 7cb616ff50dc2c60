// The public check: files, a code, a number or a receipt; now, or as of a moment.
import { call, Problem, trouble } from "./api.js";
import { askFile, askText, unfitFor } from "./asking.js";
import { redrawBatch, startBatch, stopBatch } from "./batch.js";
import { differencesSection, mayDiffer } from "./differences.js";
import { busy, byId, el } from "./dom.js";
import { askedMoment, wireMoment } from "./moment.js";
import { keepReceipt, receiptSection, wireReceipt } from "./receipt.js";
import { mountScanner } from "./scanner.js";
import { startShell } from "./shell.js";
import { showVerdict } from "./verdict.js";
import { both, t } from "./words.js";

const MEGABYTE = 1024 * 1024;
const limit = Number(document.documentElement.dataset.maxUpload) || 20 * MEGABYTE;
const place = byId("verdict");
let last = null;

startShell(() => { redrawBatch(); if (last) draw({ quiet: true }); });
wireTabs();
wireFile();
wireNumber();
wireMoment();
wireReceipt(place, startOver);
const scanner = mountScanner(byId("scanner"), { onText: checkCode });

function present(verdict, asked) {
  last = { verdict, asked };
  trouble(null);
  draw();
}

function draw({ quiet = false } = {}) {
  const { verdict, asked } = last;
  const sections = [...(mayDiffer(asked, verdict) ? [differencesSection(asked)] : []), receiptSection(verdict, () => renew(asked))];
  showVerdict(place, named(verdict, asked), { from: asked.from, sections, onAgain: again, quiet });
}

/** Ask the same again, with a receipt: what is shown is what the receipt says. */
async function renew(asked) {
  const verdict = await asked.ask({ receipt: true });
  if (last?.asked !== asked) return;
  present(verdict, asked);
  keepReceipt(verdict);
}

/** What is no PDF under the name of a seal object is told as that; the service is not told names. */
function named(verdict, { file }) {
  if (verdict.reason !== "not_a_pdf" || !/\.esl$/i.test(file?.name || "")) return verdict;
  const [word, text, next] = ["esl.word", "esl.text", "esl.next"].map(both);
  return { ...verdict, word: word[0], word_en: word[1], text: text[0], text_en: text[1], next: next[0], next_en: next[1] };
}

function startOver() {
  last = null;
  place.hidden = true;
  place.replaceChildren();
  trouble(null);
}

function again() {
  startOver();
  const tab = document.querySelector('[role="tab"][aria-selected="true"]');
  tab.scrollIntoView({ block: "center" });
  tab.focus();
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    trouble(error, { retry: error instanceof Problem && ["network", "slow", "429", "503", "500"].includes(error.kind) ? () => { startOver(); attempt(work); } : undefined });
  }
}

// Three ways ---------------------------------------------------------------------------------------------------------

function wireTabs() {
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  const select = (tab) => {
    for (const other of tabs) {
      const on = other === tab;
      other.setAttribute("aria-selected", String(on));
      other.tabIndex = on ? 0 : -1;
      byId(other.getAttribute("aria-controls")).hidden = !on;
    }
    if (tab.id !== "tab-code") scanner.stop();
    // Only who has the file may ask about its past; a receipt speaks of its own moment.
    byId("asof-box").hidden = tab.id !== "tab-file";
    stopBatch();
    startOver();
  };
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
}

// A file -------------------------------------------------------------------------------------------------------------

function wireFile() {
  const drop = byId("drop");
  const input = byId("file");
  input.addEventListener("change", () => { take([...input.files]); input.value = ""; });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files);
  });
}

/** One file is checked, many are a batch; a picture is looked at for a code. */
function take(files) {
  if (!files.length) return;
  stopBatch();
  startOver();
  if (files.length === 1 && files[0].type.startsWith("image/")) {
    byId("tab-code").click();
    scanner.look(files[0]);
    return;
  }
  const moment = askedMoment();
  if (!moment) return;
  if (files.length > 1) {
    const open = (item) => present(item.verdict, item.asked);
    startBatch(files, { at: moment.at, limit, open });
  } else {
    checkFile(files[0], moment.at);
  }
}

function checkFile(file, at) {
  startOver();
  const unfit = unfitFor(file);
  if (unfit) { trouble(new Problem(unfit)); return; }
  if (file.size > limit) {
    const detail = t("check.too_large", { size: (file.size / MEGABYTE).toFixed(1), limit: Math.floor(limit / MEGABYTE) });
    trouble(new Problem(413, { detail }));
    return;
  }
  attempt(() => sendFile(askFile(file, at)));
}

async function sendFile(asked) {
  const cancel = {};
  const text = byId("upload-text");
  const bar = byId("upload-bar");
  const progress = (percent) => {
    bar.value = percent;
    text.textContent = percent < 100 ? t("check.uploading", { percent }) : t("check.judging");
  };
  progress(0);
  byId("upload").hidden = false;
  byId("drop").hidden = true;
  byId("upload-cancel").onclick = () => cancel.now();
  let verdict = null;
  try {
    verdict = await asked.ask({ progress, cancel });
  } finally {
    byId("upload").hidden = true;
    byId("drop").hidden = false;
  }
  // Only now: what stands above the verdict has its height again, so the page stops at the verdict.
  if (verdict) present(verdict, asked);
}

// A code -------------------------------------------------------------------------------------------------------------

function checkCode(text) {
  startOver();
  return answer(askText("code", { code: text }));
}

function answer(asked) {
  return attempt(async () => present(await asked.ask(), asked));
}

// A number -----------------------------------------------------------------------------------------------------------

async function fillTypes(select) {
  const types = await call("GET", "/v1/catalog/types");
  select.replaceChildren(el("option", { value: "", t: "check.type_choose" }), ...types.map((kind) => el("option", { value: kind.type }, kind.name)));
}

function wireNumber() {
  const form = byId("number-form");
  const select = byId("number-type");
  // Focus and click come together: a second answer would replace the options, and the one that was chosen with them.
  let filling = false;
  const fill = async () => {
    if (filling || select.options.length) return;
    filling = true;
    await attempt(() => fillTypes(select));
    filling = false;
  };
  for (const kind of ["click", "focus"]) byId("tab-number").addEventListener(kind, fill);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!complete(form)) return;
    const body = { type: select.value, number: byId("number").value.trim(), holder_name: byId("holder-name").value.trim() };
    startOver();
    busy(byId("number-submit"), () => answer(askText("number", body)));
  });
}

/** Mark what is missing in words beside the field, and go to the first. */
function complete(form) {
  let first = null;
  for (const node of form.querySelectorAll("[required]")) {
    const empty = !node.value.trim();
    node.setAttribute("aria-invalid", String(empty));
    const id = `${node.id}-wrong`;
    byId(id)?.remove();
    const hint = byId(`${node.id}-hint`) ? [`${node.id}-hint`] : [];
    node.setAttribute("aria-describedby", [...(empty ? [id] : []), ...hint].join(" "));
    if (!empty) continue;
    const name = form.querySelector(`label[for="${node.id}"]`).textContent;
    node.after(el("p", { class: "wrong", id }, t("check.required", { name })));
    first ||= node;
  }
  first?.focus();
  return first === null;
}
