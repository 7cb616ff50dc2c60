// The newest inspection records of the officer's own unit.
import { el } from "./dom.js";
import { nameOf, readNames } from "./names.js";
import { look } from "./reasons.js";
import { has, moment, t } from "./words.js";

/** Draw the records into `place`. */
export async function drawRecords(place, session) {
  place.replaceChildren(el("h2", { class: "view-title", t: "officer.records" }), el("p", { class: "lead", t: "records.lead" }));
  const [rows] = await Promise.all([session.call("GET", "/v1/scans"), readNames()]);
  if (!rows.length) {
    place.append(el("p", { class: "card empty", t: "records.empty" }));
    return;
  }
  place.append(el("p", { class: "hint", t: "records.count", args: { count: rows.length } }));
  const list = el("ul", { class: "uses", id: "records" });
  for (const row of rows) {
    const seen = look(row.result);
    const kind = has(`records.kind.${row.code_kind}`) ? t(`records.kind.${row.code_kind}`) : row.code_kind;
    const item = el("li", { data: { outcome: row.outcome, colour: seen.colour } });
    item.append(el("p", { class: "when" }, moment(row.at)), el("p", { class: "main" }, `${seen.word}　${kind}`), el("p", {}, t("records.by", { badge: row.badge })));
    if (row.fields.length) item.append(el("p", {}, t("uses.fields", { names: row.fields.map((key) => nameOf(key)).join("、") })));
    list.append(item);
  }
  place.append(list);
}
