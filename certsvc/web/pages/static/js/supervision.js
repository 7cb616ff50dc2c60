// 电子监察: figures of a month with their charts, definitions and queries, and the cards to answer or rule on.
import { call } from "./api.js";
import { busy, byId, el, facts, keepFile, label } from "./dom.js";
import { Session } from "./session.js";
import { startShell } from "./shell.js";
import { bars, curves, percent, table } from "./supervision_charts.js";
import { t } from "./words.js";

const MEASURES = ["issued", "scanned", "fetched", "replaced"];
const CHARTED = 8;
const SHEET_DAYS = 10;
/** What waits for whoever is signed in: answers by departments, rulings by supervisors. */
const TODO = { supervision_clerk: ["returned", "open"], supervisor: ["answered"] };
const XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const session = new Session({ name: "supervision", roles: ["supervisor", "supervision_clerk", "auditor"], onIn: signedIn, onOut: signedOut });
let found = null;
let cards = [];
let next = "";
let asked = 0;
let mine = ["open"];

startShell(() => { if (found) { drawFigures(); drawCards(); } });
byId("month").value = monthInQuestion();
byId("month").addEventListener("change", readFigures);
byId("body").addEventListener("change", () => { readFigures(); readCards(); });
byId("period").addEventListener("submit", (event) => event.preventDefault());
byId("sheet").addEventListener("click", () => busy(byId("sheet"), () => session.attempt(takeSheet)));
byId("card-state").addEventListener("change", () => { say(""); readCards(); });
byId("more").addEventListener("click", () => readCards(next));
session.start();

/** In its first days a month is asked about the one before, whose sheet is being made. */
function monthInQuestion() {
  const [year, month, day] = new Date().toLocaleDateString("sv-SE", { timeZone: "Asia/Shanghai" }).split("-").map(Number);
  if (day > SHEET_DAYS) return `${year}-${String(month).padStart(2, "0")}`;
  return month === 1 ? `${year - 1}-12` : `${year}-${String(month - 1).padStart(2, "0")}`;
}

function signedIn(person) {
  byId("badge-person").textContent = person.name;
  mine = [...new Set((person.roles ?? []).flatMap((role) => TODO[role] ?? []))];
  if (!mine.length) mine = ["open"];
  say("");
  byId("body").replaceChildren(el("option", { value: "", t: "supervise.all" }));
  readFigures();
  readCards();
}

function signedOut() {
  found = null;
  cards = [];
  for (const name of ["figures", "days", "bodies", "cards"]) byId(name).replaceChildren();
}

function period() {
  const [year, month] = byId("month").value.split("-").map(Number);
  const last = new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
  return { from: `${byId("month").value}-01`, to: last, authority_code: byId("body").value };
}

async function readFigures() {
  if (!byId("month").value) return;
  const turn = (asked += 1);
  await session.attempt(async () => {
    const answer = await session.call("GET", `/v1/supervision/figures?${new URLSearchParams(period())}`);
    if (turn !== asked) return; // another month was chosen meanwhile
    found = answer;
    drawFigures();
  });
}

function drawFigures() {
  if (found.bodies.length) {
    const chosen = byId("body").value;
    byId("body").replaceChildren(el("option", { value: "", t: "supervise.all" }), ...found.bodies.map((one) => el("option", { value: one.authority_code }, one.name)));
    byId("body").value = chosen;
  }
  byId("body-field").hidden = byId("body").options.length < 2;
  byId("figures").replaceChildren(...found.figures.map(figure));
  const days = [...new Set(found.days.map((one) => one.day))].sort();
  const of = (day, measure) => found.days.filter((one) => one.day === day && one.measure === measure).reduce((sum, one) => sum + one.value, 0);
  byId("days").replaceChildren(...(days.length
    ? [
      curves(found.days, found.first, found.last, MEASURES, t("supervise.days")),
      el("ul", { class: "legend" }, MEASURES.map((measure, index) => el("li", { class: `legend-${index}`, t: `supervise.${measure}` }))),
      table(["supervise.day", ...MEASURES.map((measure) => `supervise.${measure}`)], days.map((day) => [day, ...MEASURES.map((measure) => of(day, measure))])),
    ]
    : [el("p", { class: "empty", t: "supervise.empty" })]));
  byId("bodies-card").hidden = !found.bodies.length;
  const names = found.figures.map((one) => one.name);
  byId("bodies").replaceChildren(table(["supervise.body", ...names], found.bodies.map((one) => [one.name, ...one.figures.map(short)])));
}

function short(one) {
  return one.denominator === null ? one.numerator : percent(one.rate);
}

function figure(one) {
  const share = one.denominator !== null;
  const shown = one.lines.slice(0, CHARTED);
  const heads = ["supervise.item", "supervise.numerator", ...(share ? ["supervise.denominator", "supervise.rate"] : [])];
  const rows = one.lines.map((line) => [line.name, line.numerator, ...(share ? [line.denominator ?? "", percent(line.rate)] : [])]);
  const value = share ? (one.rate === null ? t("supervise.none") : percent(one.rate)) : `${one.numerator} ${one.unit}`;
  return el("section", { class: "card figure", data: { figure: one.key } },
    el("h3", {}, one.name),
    el("p", { class: "figure-value" }, el("b", {}, value), share ? ` ${one.numerator} / ${one.denominator}` : ""),
    one.note ? el("p", { class: "notice amber" }, one.note) : null,
    ...(shown.length ? [bars(shown, one.name), table(heads, rows)] : [el("p", { class: "empty", t: "supervise.empty" })]),
    el("details", {}, el("summary", { t: "supervise.definition" }),
      el("p", {}, one.definition),
      facts([[label("supervise.numerator"), one.numerator_query], [label("supervise.denominator"), one.denominator_query]])));
}

async function takeSheet() {
  const query = new URLSearchParams({ month: byId("month").value, authority_code: byId("body").value });
  const file = await session.call("GET", `/v1/supervision/sheet?${query}`, { accept: XLSX });
  keepFile(`supervision-${byId("month").value}.xlsx`, [file], XLSX);
}

async function readCards(cursor = "") {
  const chosen = byId("card-state").value;
  const states = chosen === "todo" ? mine : [chosen];
  await session.attempt(async () => {
    const read = cursor ? [...cards] : [];
    for (const state of cursor ? states.slice(-1) : states) {
      const query = new URLSearchParams({ state, authority_code: byId("body").value, cursor });
      const page = await session.call("GET", `/v1/supervision/cards?${query}`);
      read.push(...page.cards);
      next = page.next;
    }
    cards = read;
    drawCards();
  });
}

function say(text) {
  byId("cards-said").textContent = text;
  byId("cards-said").hidden = !text;
}

function drawCards() {
  byId("cards").replaceChildren(...cards.map(card));
  if (!cards.length) byId("cards").append(el("li", { class: "empty", t: "supervise.no_cards" }));
  byId("more").hidden = !next;
}

function card(one) {
  return el("li", { class: `card-row card-${one.colour}`, data: { card: one.card_id } },
    el("h3", {}, `${one.colour_zh}　${one.clock_zh}　${one.department_name}`),
    facts([
      [label("supervise.handler"), one.handler || t("supervise.nobody")],
      [label("supervise.due"), one.due_on],
      [label("supervise.answer_due"), one.answer_due_on],
      [label("supervise.state"), one.state_zh],
      [label("supervise.subject"), one.subject],
      [label("supervise.law"), `${one.span_zh}（${one.law}）`],
      [label("supervise.answer"), one.answer],
      [label("supervise.ruling"), one.ruling],
    ]),
    one.state === "accepted" || one.state === "merged" ? null : form(one));
}

/** What may be done about a card; the service refuses whoever may not. */
function form(one) {
  const ruling = one.state === "answered";
  const field = `text-${one.card_id}`;
  const box = el("textarea", { id: field, rows: "2", maxlength: "1000" });
  const wrong = el("p", { class: "notice red", role: "alert", t: ruling ? "supervise.no_ruling" : "supervise.no_answer" });
  wrong.hidden = true;
  const act = (key, path, more) => {
    const button = el("button", { type: "button", class: "button", t: key });
    button.addEventListener("click", () => busy(button, () => session.attempt(async () => {
      if (!box.value.trim()) {
        wrong.hidden = false;
        box.focus();
        return;
      }
      await session.call("POST", `/v1/supervision/cards/${one.card_id}/${path}`, { body: { text: box.value.trim(), ...more } });
      await readCards();
      say(t(path === "answers" ? "supervise.done_answer" : "supervise.done"));
    })));
    return button;
  };
  const buttons = ruling
    ? [act("supervise.accept", "rulings", { accepted: true }), act("supervise.give_back", "rulings", { accepted: false })]
    : [act("supervise.send", "answers", {})];
  return el("div", { class: "field" }, el("label", { for: field, t: ruling ? "supervise.ruling" : "supervise.answer" }), box, wrong, el("p", { class: "row" }, buttons));
}
