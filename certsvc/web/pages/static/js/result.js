// The answer to a scan: light, symbol and word first; then why, the photo and the fields, the register, the seal.
import { announce, byId, el, facts, label, shape } from "./dom.js";
import { look } from "./reasons.js";
import { licenseFacts, verdictHead } from "./verdict.js";
import { english, has, moment, t } from "./words.js";

const BESIDE_PHOTO = 3;

/** Show a scan's answer in `place`. */
export function drawResult(place, answer, { quiet = false }) {
  const [first, ...others] = answer.reasons;
  const seen = look(first, answer.light);
  place.dataset.colour = seen.colour;
  place.dataset.reason = first?.code || "";
  place.dataset.group = seen.group;
  const body = el("div", { class: "verdict-body" });
  // When it was made and under which number stand on top: they tell this answer from a picture of an older one.
  body.append(el("p", { class: "made" }, el("b", { id: "result-made" }, t("result.made", { at: moment(answer.at) }))));
  body.append(personSection(answer));
  const advice = [seen.colour === "green" ? "" : seen.next, ...answer.notes].filter((sentence) => sentence);
  if (advice.length) body.append(el("section", { class: "next", id: "result-notes" }, el("h3", { t: "result.notes" }), advice.map((sentence) => el("p", {}, sentence))));
  body.append(reasonsSection([first, ...others].filter((reason) => reason), answer.light));
  if (answer.license) body.append(el("section", { id: "result-license" }, el("h3", { t: "result.license" }), licenseFacts(answer.license)));
  if (answer.seal) body.append(sealSection(answer.seal));
  body.append(el("p", { class: "hint" }, t("result.scan_id", { id: answer.scan_id })));
  const good = seen.colour === "green" && first.code === "ok";
  place.replaceChildren(verdictHead(seen, good ? t("result.good") : answer.text, seen.second), body);
  place.hidden = false;
  if (quiet) return;
  announce(`${seen.word}。${answer.text}`);
  byId("verdict-word").focus({ preventScroll: true });
  place.scrollIntoView({ block: "start" });
}

function personSection(answer) {
  const section = el("section", { id: "result-person" });
  if (!answer.fields.length && !answer.photo) {
    if (answer.license) section.append(el("p", { class: "hint", t: "result.no_fields" }));
    return section;
  }
  section.append(el("h3", { t: "result.person" }));
  if (answer.scene_name) section.append(el("p", { class: "hint", t: "result.scene", args: { scene: answer.scene_name } }));
  const row = el("div", { class: "face" });
  if (answer.photo) row.append(el("img", { id: "result-photo", src: `data:image/jpeg;base64,${answer.photo}`, alt: t("result.photo") }));
  const rows = answer.fields.map((field) => [field.name, field.value]);
  row.append(facts(rows.splice(0, answer.photo ? BESIDE_PHOTO : 2)));
  section.append(row, facts(rows));
  return section;
}

function reasonsSection(reasons, light) {
  const list = el("ul", { class: "checks", id: "result-reasons" });
  for (const reason of reasons) {
    const seen = look(reason);
    const manner = { green: "good", red: "bad", amber: "unknown" }[seen.colour];
    list.append(el("li", { data: { reason: reason.code } }, shape(seen.symbol, manner), el("span", { class: `what ${manner}` }, reason.code === "ok" ? t("result.state_ok") : english() ? `${reason.text_en} ${reason.text}` : reason.text)));
  }
  return el("section", { data: { light } }, el("h3", { t: "result.reasons" }), list);
}

function sealSection(seal) {
  const state = has(`seal.${seal.state}`) ? t(`seal.${seal.state}`) : seal.state;
  return el("section", { id: "result-seal" }, el("h3", { t: "result.seal" }), facts([[label("result.seal_name"), seal.name], [label("result.seal_owner"), seal.owner_name], [label("result.seal_state"), state]]));
}
