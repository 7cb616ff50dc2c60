// The public check: a file, a code or a number; one verdict.
import { call, Problem, trouble, upload } from "./api.js";
import { announce, busy, byId, el } from "./dom.js";
import { mountScanner } from "./scanner.js";
import { startShell } from "./shell.js";
import { showVerdict } from "./verdict.js";
import { t } from "./words.js";

const MEGABYTE = 1024 * 1024;
const limit = Number(document.documentElement.dataset.maxUpload) || 20 * MEGABYTE;
const place = byId("verdict");
let last = null;

startShell(() => { if (last) showVerdict(place, last.verdict, { from: last.from, onAgain: again, quiet: true }); });
wireTabs();
wireFile();
wireNumber();
const scanner = mountScanner(byId("scanner"), { onText: checkCode });

function present(verdict, from) {
  last = { verdict, from };
  trouble(null);
  showVerdict(place, verdict, { from, onAgain: again });
}

function startOver() {
  last = null;
  place.hidden = true;
  trouble(null);
}

function again() {
  startOver();
  byId("file").value = "";
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
  input.addEventListener("change", () => { if (input.files.length) checkFile(input.files[0]); });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const { files } = event.dataTransfer;
    if (files.length > 1) announce(t("check.one_file"));
    if (files.length) checkFile(files[0]);
  });
}

function checkFile(file) {
  startOver();
  if (file.size > limit) {
    const detail = t("check.too_large", { size: (file.size / MEGABYTE).toFixed(1), limit: Math.floor(limit / MEGABYTE) });
    trouble(new Problem(413, { detail }));
    return;
  }
  attempt(() => sendFile(file));
}

async function sendFile(file) {
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
  try {
    const verdict = await upload("/v1/verifications/file", file, progress, cancel);
    if (verdict) present(verdict, "file");
  } finally {
    byId("upload").hidden = true;
    byId("drop").hidden = false;
    byId("file").value = "";
  }
}

// A code -------------------------------------------------------------------------------------------------------------

function checkCode(text) {
  startOver();
  return attempt(async () => present(await call("POST", "/v1/verifications", { body: { code: text } }), "code"));
}

// A number -----------------------------------------------------------------------------------------------------------

async function fillTypes(select) {
  const types = await call("GET", "/v1/catalog/types");
  select.replaceChildren(el("option", { value: "", t: "check.type_choose" }), ...types.map((kind) => el("option", { value: kind.type }, kind.name)));
}

function wireNumber() {
  const form = byId("number-form");
  const select = byId("number-type");
  const fill = () => attempt(() => fillTypes(select));
  byId("tab-number").addEventListener("click", () => { if (!select.options.length) fill(); });
  byId("tab-number").addEventListener("focus", () => { if (!select.options.length) fill(); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!complete(form)) return;
    const body = { type: select.value, number: byId("number").value.trim(), holder_name: byId("holder-name").value.trim() };
    startOver();
    busy(byId("number-submit"), () => attempt(async () => present(await call("POST", "/v1/verifications", { body }), "number")));
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
