// Documents that a person was asked to sign: those that wait first.
import { el, facts, label, shape } from "./dom.js";
import { moment } from "./words.js";

/** Draw the list into `place`. */
export async function drawWaiting(place, page) {
  place.append(el("h2", { class: "view-title", tabindex: "-1", t: "sign.waiting" }));
  const rounds = await page.session.call("GET", "/v1/signings");
  if (!rounds.length) {
    place.append(el("p", { class: "card empty", t: "sign.none" }));
    return;
  }
  const waiting = rounds.filter((round) => round.my_turn);
  const others = rounds.filter((round) => !round.my_turn);
  place.append(el("p", { class: "hint", t: "sign.count", args: { count: waiting.length } }));
  place.append(el("ul", { class: "rounds", id: "rounds" }, [...waiting, ...others].map((round) => line(round, page))));
}

/** The state of a round, as word and symbol. */
export function roundState(round) {
  const good = round.my_turn || round.state === "complete";
  const name = round.my_turn ? "later" : round.state === "complete" ? "yes" : round.state === "open" ? "later" : "no";
  const words = el("span", {});
  if (round.my_turn) words.append(el("span", { t: "sign.my_turn" }));
  else words.append(round.state_zh);
  return el("span", { class: `state ${good ? "is-good" : ""}` }, shape(name), words);
}

function line(round, page) {
  const mine = round.steps.find((step) => step.step_id === round.my_step);
  const open = el("button", { type: "button", class: `button ${round.my_turn ? "primary" : ""}`, data: { action: "open" }, "aria-describedby": `title-${round.round_id}`, t: round.my_turn ? "sign.open" : "sign.look" });
  open.addEventListener("click", () => page.go("document", round.round_id));
  return el(
    "li",
    { class: "card", data: { round: round.round_id, state: round.state, turn: String(round.my_turn) } },
    el("h3", { id: `title-${round.round_id}` }, round.title),
    el("p", {}, roundState(round)),
    facts([
      [label("sign.my_reason"), mine ? mine.reason : ""],
      [label("sign.deadline"), round.state === "open" ? moment(round.deadline) : ""],
    ]),
    el("div", { class: "row" }, open),
  );
}
