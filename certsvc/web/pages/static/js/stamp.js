// Stamping a document: choose a seal and a file, say where, look at it, confirm, download. Nothing is sealed before the
// keeper has seen exactly what will be sealed.
import { Problem, trouble, upload } from "./api.js";
import { announce, busy, byId, el, facts, label } from "./dom.js";
import { Session } from "./session.js";
import { clearSheet, Sheet } from "./sheet.js";
import { startShell } from "./shell.js";
import { Approval } from "./stamp_approval.js";
import { moment, t } from "./words.js";

const STAGES = ["choose", "place", "confirm", "done"];
const WIDTH_PX = 1000;
const DIGITS = 16;
/** Fields of the place that must not be empty where they are asked for. */
const WANTED = ["some", "keyword", "date", "watermark"];

const ways = [...document.querySelectorAll('[role="tab"]')];
let taken = null; // the upload
let shown = null; // the preview
let made = null; // the register row
let sheet = null;
let pictures = null;
let seals = [];

const session = new Session({ name: "stamp", roles: ["seal_keeper"], onIn: signedIn, onOut: () => { forget(); go("choose", { quiet: true }); } });
const approval = new Approval(byId("approval"), { session, onChange: offer });
startShell(() => { approval.redraw(); if (sheet) sheet.redraw(); if (pictures) pictures.redraw(); drawFacts(); });
wire();
session.start();

function signedIn(person) {
  byId("who").textContent = person.name;
  go("choose", { quiet: true });
  session.attempt(async () => {
    seals = (await session.call("GET", "/v1/seals")).filter((seal) => seal.state === "active");
    // Not a select: a small phone would cut the names, which differ only at their end.
    const choices = seals.map((seal, index) => el("label", { class: "tick" },
      el("input", { type: "radio", name: "seal", value: seal.seal_id, checked: index === 0 }), el("span", {}, `${seal.owner_name}　${seal.name}`)));
    byId("seals").replaceChildren(byId("seals").firstElementChild, ...choices);
    byId("seals").hidden = byId("drop").hidden = !seals.length;
    byId("no-seal").hidden = seals.length > 0;
    byId("file").disabled = !seals.length;
  });
}

/** The seal that is chosen. */
function chosen() {
  const id = document.querySelector('input[name="seal"]:checked')?.value;
  return seals.find((seal) => seal.seal_id === id);
}

/** Ask or seal: whichever is next. */
function offer() {
  byId("ask-now").hidden = !approval.unasked;
  byId("seal-now").hidden = !approval.ready;
}

function forget() {
  taken = shown = made = sheet = pictures = null;
  approval.forget();
  byId("file").value = "";
  for (const id of ["sheet", "shown", "shown-facts", "done-facts"]) clearSheet(id);
}

/** Show one stage; the heading takes the focus so that it is read out. */
function go(stage, { quiet = false } = {}) {
  for (const one of STAGES) byId(`stage-${one}`).hidden = one !== stage;
  for (const item of document.querySelectorAll("[data-stage]")) {
    if (item.dataset.stage === stage) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  if (quiet) return;
  trouble(null);
  byId(`${stage}-title`).focus();
  byId(`stage-${stage}`).scrollIntoView({ block: "start" });
}

function wire() {
  const drop = byId("drop");
  const input = byId("file");
  input.addEventListener("change", () => { if (input.files.length) take(input.files[0]); });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length && !input.disabled) take(event.dataTransfer.files[0]);
  });
  for (const tab of ways) {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = ways[(ways.indexOf(tab) + step + ways.length) % ways.length];
      next.focus();
      choose(next);
      event.preventDefault();
    });
  }
  byId("which").addEventListener("change", () => { byId("some-field").hidden = byId("which").value !== "some"; });
  for (const [tick, field] of [["dated", "date-field"], ["marked", "mark-field"]]) {
    byId(tick).addEventListener("change", () => { byId(field).hidden = !byId(tick).checked; });
  }
  for (const id of ["x", "y"]) byId(id).addEventListener("change", () => sheet?.move(Number(byId("x").value), Number(byId("y").value)));
  byId("stage-place").addEventListener("submit", (event) => { event.preventDefault(); if (!unfilled()) busy(byId("preview"), () => session.attempt(look)); });
  byId("stage-confirm").addEventListener("submit", (event) => { event.preventDefault(); confirm(); });
  byId("ask-now").addEventListener("click", () => withPurpose((purpose) => busy(byId("ask-now"), () => session.attempt(() => approval.ask(purpose)))));
  byId("purpose").addEventListener("input", () => missing("purpose", false));
  for (const id of WANTED) byId(id).addEventListener("input", () => missing(id, false));
  for (const button of document.querySelectorAll("[data-back]")) {
    button.addEventListener("click", () => {
      approval.forget();
      if (button.dataset.back === "choose") forget();
      go(button.dataset.back);
    });
  }
  byId("download").addEventListener("click", (event) => { event.preventDefault(); busy(byId("download"), () => session.attempt(download)); });
}

function choose(tab) {
  for (const other of ways) {
    const on = other === tab;
    other.setAttribute("aria-selected", String(on));
    other.tabIndex = on ? 0 : -1;
    byId(other.getAttribute("aria-controls")).hidden = !on;
  }
  const seamOnly = tab.id === "way-none";
  byId("seam").disabled = seamOnly;
  if (seamOnly) byId("seam").checked = true;
}

/** Upload and have the file judged; a refusal says every reason and what to do. */
async function take(file) {
  const bar = byId("sent");
  byId("sending").hidden = false;
  byId("drop").hidden = true;
  try {
    await session.attempt(async () => {
      const cancel = {};
      taken = await upload("/v1/stampings/uploads", file, (percent) => { if (percent < 100) bar.value = percent; else bar.removeAttribute("value"); }, cancel, { token: session.person?.token });
      if (!taken) return;
      go("place");
      sheet = new Sheet(byId("sheet"), {
        pages: taken.pages,
        picture: (page) => session.attempt(() => session.call("GET", `/v1/stampings/uploads/${taken.upload_id}/pages/${page}?width=${WIDTH_PX}`, { blob: true })),
        onSpot: (x, y) => { byId("x").value = x; byId("y").value = y; },
      });
      await sheet.show(taken.pages.length - 1);
    });
  } finally {
    byId("sending").hidden = true;
    byId("drop").hidden = false;
    byId("file").value = "";
  }
}

function way() {
  return ways.find((tab) => tab.getAttribute("aria-selected") === "true").id;
}

/** Mark what was asked for and left empty; whether there was any. */
function unfilled() {
  const asked = {
    some: way() === "way-point" && byId("which").value === "some",
    keyword: way() === "way-keyword",
    date: byId("dated").checked,
    watermark: byId("marked").checked,
  };
  const empty = WANTED.filter((id) => {
    const is = asked[id] && !byId(id).value.trim();
    missing(id, is);
    return is;
  });
  if (empty.length) byId(empty[0]).focus();
  return empty.length > 0;
}

/** What the form asks for. */
function wish() {
  const asked = { upload_id: taken.upload_id, seal_id: chosen().seal_id, lock: byId("lock").checked };
  if (way() === "way-point") {
    const which = byId("which").value;
    const pages = which === "this" ? String(sheet.page) : which === "some" ? byId("some").value.replace(/\s/g, "") : which;
    asked.point = { x_mm: sheet.x, y_mm: sheet.y, pages };
  } else if (way() === "way-keyword") {
    const anchor = document.querySelector('input[name="anchor"]:checked').value;
    asked.keyword = { text: byId("keyword").value.trim(), count: Number(byId("count").value) || 1, anchor };
  }
  if (byId("seam").checked) asked.seam = {};
  if (byId("dated").checked) asked.date = byId("date").value;
  if (byId("marked").checked) asked.watermark = byId("watermark").value.trim();
  return asked;
}

async function look() {
  shown = await session.call("POST", "/v1/stampings/previews", { body: wish() });
  go("confirm");
  drawFacts();
  byId("seal-now").hidden = true;
  await approval.begin(chosen(), shown);
  pictures = new Sheet(byId("shown"), {
    pages: taken.pages,
    numbers: shown.pages,
    picture: (page) => session.attempt(() => session.call("GET", `/v1/stampings/previews/${shown.preview_id}/pages/${page}?width=${WIDTH_PX}`, { blob: true })),
  });
  // The whole seal first; a seam alone begins on its first page.
  const whole = shown.marks.find((mark) => mark.kind === "stamp");
  await pictures.show(whole ? shown.pages.indexOf(whole.page) : 0);
}

function drawFacts() {
  if (shown) {
    const kinds = ["stamp", "slice", "date", "watermark", "sample"].map((kind) => [kind, shown.marks.filter((mark) => mark.kind === kind).length]).filter(([, count]) => count);
    byId("shown-facts").replaceChildren(facts([
      [label("stamp.seal"), `${chosen().owner_name}　${chosen().name}`],
      [label("stamp.marks"), kinds.map(([kind, count]) => t(`stamp.kind.${kind}`, { count })).join("，")],
      [label("stamp.digest"), `${shown.sha256.slice(0, DIGITS)}…`],
      [label("stamp.valid_until"), moment(shown.expires_at)],
    ]));
  }
  if (made) {
    byId("done-facts").replaceChildren(facts([
      [label("stamp.at"), moment(made.at)],
      [label("stamp.pages"), String(made.pages)],
      [label("stamp.digest"), `${made.sha256.slice(0, DIGITS)}…`],
    ]));
  }
}

function missing(id, is) {
  byId(`${id}-wrong`).hidden = !is;
  if (is) byId(id).setAttribute("aria-invalid", "true");
  else byId(id).removeAttribute("aria-invalid");
}

/** Do `work` with the purpose, or point at its field. */
function withPurpose(work) {
  const purpose = byId("purpose").value.trim();
  missing("purpose", !purpose);
  if (purpose) return work(purpose);
  byId("purpose").focus();
  return undefined;
}

function confirm() {
  if (!approval.ready) return;
  withPurpose((purpose) => busy(byId("seal-now"), () => session.attempt(async () => {
    if (new Date(shown.expires_at) <= new Date()) {
      // An approval may take longer than a preview lives: show it again, to be confirmed again.
      await look();
      announce(t("stamp.shown_again"));
      return;
    }
    const marks = shown.marks.map(({ page, rect }) => ({ page, rect }));
    const body = { preview_id: shown.preview_id, sha256: shown.sha256, marks, purpose, case_no: byId("case-no").value.trim(), approval_id: approval.id };
    made = await session.call("POST", "/v1/stampings", { body });
    approval.forget();
    go("done");
    drawFacts();
    announce(t("stamp.done"));
  })));
}

/** The file comes with the token, so it cannot be a plain link. */
async function download() {
  const blob = await session.call("GET", `/v1/stampings/${made.stamping_id}/file`, { blob: true });
  if (!blob) throw new Problem("network");
  const link = el("a", { href: URL.createObjectURL(blob), download: `${made.stamping_id}.pdf` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), WIDTH_PX);
}
