// The page of seals: what each is, how it stands, and the moves that the person signed in may make. Nothing else is shown.
import { announce, busy, byId, el, facts, shape } from "./dom.js";
import { moveForm } from "./seal_moves.js";
import { Session } from "./session.js";
import { startShell } from "./shell.js";
import { day, english, moment, t } from "./words.js";

const ROLES = ["seal_keeper", "seal_applicant", "seal_approver", "seal_maker", "seal_use_approver", "security", "auditor"];
const VOTERS = ["seal_use_approver", "seal_keeper"];
const STEP = 12;
const SHAPES = { active: "ok", stopped: "paused", cancelled: "ended", expired: "expired", replaced: "ended", refused: "ended", dropped: "ended" };

let rows = [];
let limit = STEP;
let me = { roles: [] };
let waiting = 0; // requests for use that this person may answer
const pictures = new Map();

const session = new Session({ name: "seals", roles: ROLES, onIn: signedIn, onOut: signedOut });
startShell(() => { if (session.person) draw(); });
byId("search-form").addEventListener("submit", (event) => event.preventDefault());
byId("search").addEventListener("input", () => { limit = STEP; draw(); });
byId("more").addEventListener("click", () => { limit += STEP; draw(); });
session.start();

function signedIn(person) {
  byId("badge-person").textContent = person.name;
  session.attempt(async () => {
    me = await session.call("GET", "/v1/me");
    byId("badge-unit").textContent = me.authority_name || person.name;
    await load();
  });
}

function signedOut() {
  rows = [];
  limit = STEP;
  waiting = 0;
  byId("search").value = "";
  byId("idle").hidden = true;
  for (const url of pictures.values()) URL.revokeObjectURL(url);
  pictures.clear();
  byId("seals").replaceChildren();
  byId("approvals").replaceChildren();
  byId("approvals").hidden = true;
}

/** Read everything again; what was done shows in what may be done next. */
async function load() {
  rows = await session.call("GET", "/v1/seals");
  draw();
  if (me.roles.some((role) => VOTERS.includes(role))) await drawApprovals();
  drawIdle();
}

/** Say that nothing waits for this person, and what will come to them. */
function drawIdle() {
  const mine = ROLES.filter((role) => me.roles.includes(role));
  const place = byId("idle");
  place.hidden = waiting > 0 || !mine.length || rows.some((row) => row.moves.length);
  place.replaceChildren(el("b", { t: "seals.idle" }), ...mine.map((role) => el("p", { t: `seals.idle.${role}` })));
}

/** Every word that was typed stands somewhere in what the card says. */
function found(row) {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const said = [row.name, row.owner_name, row.state_zh, row.state, row.seal_id].join(" ").toLowerCase();
  return words.every((word) => said.includes(word));
}

function draw() {
  const left = rows.filter(found);
  byId("search-form").hidden = !rows.length;
  byId("count").textContent = left.length ? t("seals.count", { count: left.length }) : t(rows.length ? "seals.not_found" : "seals.none");
  // What waits for this person comes first.
  const sorted = left.sort((a, b) => Number(b.under_way !== null) - Number(a.under_way !== null));
  byId("seals").replaceChildren(...sorted.slice(0, limit).map(card));
  byId("more").hidden = sorted.length <= limit;
}

function card(row) {
  const shown = row.current || row.under_way;
  const colour = row.state === "active" ? "is-good" : row.state === "stopped" ? "is-bad" : "";
  const image = el("img", { alt: t("seals.picture", { name: row.name }), width: "112", height: "112", hidden: true });
  showPicture(row, image);
  const place = el("div", { class: "seal-form" });
  const head = el("div", { class: "seal-head" },
    el("div", { class: "seal-picture" }, image),
    el("div", { class: "seal-name" },
      el("h3", {}, row.name),
      el("p", {}, el("span", { class: `state ${colour}`, data: { state: row.state } }, shape(SHAPES[row.state] || "doubt"), english() ? row.state : row.state_zh))));
  return el("li", { class: "card", data: { seal: row.seal_id } }, head, facts(about(row, shown)), buttons(row, place), place, past(row));
}

function about(row, shown) {
  const waiting = row.current && row.under_way;
  return [
    [t("seals.owner"), row.owner_name],
    [t("seals.used"), t("seals.times", { used: row.used_today, budget: row.daily_budget })],
    [t("seals.period"), row.valid_from ? t("seals.day_until", { from: day(local(row.valid_from)), until: day(local(row.valid_until)) }) : ""],
    [t("seals.types"), shown.scope_types.length ? t("seals.types_some", { count: shown.scope_types.length }) : ""],
    [t("seals.regions"), shown.regions.join("、")],
    [t("seals.hours"), shown.hours ? shown.hours.text : ""],
    [t("seals.manual"), shown.manual_needed ? t("seals.manual_some", { n: shown.manual_needed }) : ""],
    [t("seals.under_way"), waiting ? t("seals.under_way_text", { version: row.under_way.version, cause: row.under_way.cause_zh, state: row.under_way.state_zh }) : ""],
  ];
}

function buttons(row, place) {
  if (!row.moves.length) return null;
  const line = el("p", { class: "row" });
  for (const allowed of row.moves) {
    const name = allowed.move === "remake" ? t("seals.lost") : allowed.name;
    const button = el("button", { type: "button", class: "button", data: { move: allowed.move } }, name);
    button.addEventListener("click", () => {
      line.hidden = true;
      const back = () => { place.replaceChildren(); line.hidden = false; button.focus(); };
      const send = async (path, body) => {
        await session.call("POST", `/v1/seals/${encodeURIComponent(row.seal_id)}/${path}`, { body });
        announce(t("seals.done", { name }));
        await load();
        byId("seals-title").focus();
      };
      place.replaceChildren(moveForm(allowed, name, { send: (path, body) => session.attempt(() => send(path, body)), back }));
      place.querySelector("input, button").focus();
    });
    line.append(button);
  }
  return line;
}

function past(row) {
  const list = el("ul", { class: "uses" });
  const box = el("details", {}, el("summary", { t: "seals.history" }), list);
  box.addEventListener("toggle", () => {
    if (!box.open || list.children.length) return;
    session.attempt(async () => {
      const moves = await session.call("GET", `/v1/seals/${encodeURIComponent(row.seal_id)}/history`);
      list.replaceChildren(...moves.reverse().map(pastLine));
    });
  });
  return box;
}

function pastLine(move) {
  const words = [move.reason, move.document_no, move.filing_no].filter(Boolean).join("　");
  return el("li", {}, el("p", { class: "when" }, moment(move.at)), el("p", { class: "main" }, move.name === move.to_state_zh ? move.name : `${move.name} → ${move.to_state_zh}`),
    el("p", {}, t("seals.by", { actor: move.actor_name || move.actor })), words ? el("p", {}, words) : null);
}

async function showPicture(row, image) {
  const key = `${row.seal_id} ${row.version}`;
  try {
    if (!pictures.has(key)) {
      const data = await session.call("GET", `/v1/seals/${encodeURIComponent(row.seal_id)}/picture`, { blob: true });
      pictures.set(key, URL.createObjectURL(data));
    }
    image.src = pictures.get(key);
    image.hidden = false;
  } catch {
    // The words beside it say everything; a picture proves nothing.
  }
}

function local(iso) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" }).format(new Date(iso));
}

// 用印申请 -------------------------------------------------------------------------------------------------------------

async function drawApprovals() {
  const asked = (await session.call("GET", "/v1/seal-approvals")).filter((one) => one.state === "waiting" || one.state === "granted");
  waiting = me.roles.includes("seal_use_approver") ? asked.filter((one) => one.state === "waiting").length : 0;
  const place = byId("approvals");
  place.hidden = !asked.length;
  const name = (one) => rows.find((row) => row.seal_id === one.seal_id)?.name || one.seal_id;
  place.replaceChildren(el("h2", { class: "view-title", id: "approvals-title", t: "seals.approvals" }), el("ul", { class: "uses" }, asked.map((one) => approvalLine(one, name(one)))));
}

function approvalLine(one, seal) {
  const line = el("p", { class: "row" });
  if (one.state === "waiting" && me.roles.includes("seal_use_approver")) {
    for (const agrees of [true, false]) {
      const button = el("button", { type: "button", class: agrees ? "button primary" : "button", data: { vote: String(agrees) }, t: agrees ? "seals.agree" : "seals.disagree" });
      button.addEventListener("click", () => busy(button, () => session.attempt(async () => {
        await session.call("POST", `/v1/seal-approvals/${encodeURIComponent(one.approval_id)}/votes`, { body: { agrees } });
        await load();
      })));
      line.append(button);
    }
  }
  return el("li", { data: { approval: one.approval_id } }, el("p", { class: "main" }, `${one.state_zh}　${seal}`), el("p", {}, one.purpose),
    el("p", {}, t("seals.needed", { n: one.needed })), el("p", { class: "when" }, t("seals.until", { at: moment(one.expires_at) })), line.children.length ? line : null);
}
