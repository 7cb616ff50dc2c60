// 谁用过我的证: every scan, fetch and refusal, and what the issuer let the holder know.
import { el } from "./dom.js";
import { nameOf, readNames } from "./names.js";
import { look } from "./reasons.js";
import { moment, t } from "./words.js";

const GIVEN = ["ok", "given"];

/** Draw the ledger into `place`. */
export async function drawUses(place, page) {
  place.append(el("h2", { class: "view-title", tabindex: "-1", t: "holder.uses" }), el("p", { class: "lead", t: "uses.lead" }));
  const [rows] = await Promise.all([page.session.call("GET", "/v1/wallet/uses"), readNames()]);
  if (!rows.length) {
    place.append(el("p", { class: "card empty", t: "uses.empty" }));
    return;
  }
  const notices = rows.filter((row) => row.kind === "notice").length;
  place.append(el("p", { class: "hint", t: notices ? "uses.count_notices" : "uses.count", args: { count: rows.length - notices, notices } }), el("ul", { class: "uses", id: "uses" }, rows.map(line)));
}

function line(row) {
  const notice = row.kind === "notice";
  const item = el("li", { class: notice || GIVEN.includes(row.outcome) ? "" : "refused", data: { kind: row.kind, outcome: row.outcome } });
  item.append(el("p", { class: "when" }, moment(row.at)), el("p", { class: "main" }, `${t(`uses.kind.${row.kind}`)}　${row.type_name}`), el("p", {}, row.who), el("p", {}, row.why));
  if (notice) return item;
  item.append(el("p", {}, t("uses.result", { word: result(row) })));
  if (row.fields.length) item.append(el("p", {}, t("uses.fields", { names: row.fields.map((key) => nameOf(key)).join("、") })));
  else item.append(el("p", { class: "hint", t: "uses.no_fields" }));
  return item;
}

function result(row) {
  if (row.outcome === "given") return t("uses.given");
  return row.kind === "scan" ? look(row.result).word : t("uses.refused");
}
