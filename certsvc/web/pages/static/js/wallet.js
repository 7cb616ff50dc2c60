// The wallet: one card per license, with its state in words, and what can be done with it.
import { call } from "./api.js";
import { announce, busy, byId, el, facts, label, shape } from "./dom.js";
import { day, t } from "./words.js";

/** Draw the caller's licenses into `place`. */
export async function drawWallet(place, page) {
  place.append(el("h2", { class: "view-title", tabindex: "-1", t: "holder.wallet" }));
  const [cards, matters] = await Promise.all([page.session.call("GET", "/v1/wallet"), call("GET", "/v1/catalog/matters")]);
  if (!cards.length) {
    place.append(el("p", { class: "card empty", t: "wallet.empty" }));
    return;
  }
  place.append(el("p", { class: "hint", t: "wallet.count", args: { count: cards.length } }));
  place.append(el("ul", { class: "wallet", id: "wallet" }, cards.map((card) => el("li", {}, licenseCard(card, page, grantable(card, matters))))));
}

/** 有效期 as a field: from and until, or open-ended. */
export function dates(card) {
  if (!card.valid_until) return t("wallet.dates_open", { from: day(card.valid_from) });
  return t("wallet.dates", { from: day(card.valid_from), until: day(card.valid_until) });
}

/** State as word and symbol. */
export function stateMark(card) {
  return el("span", { class: `state ${card.good ? "is-good" : "is-bad"}` }, shape(card.good ? "yes" : "no"), card.state_zh);
}

/** Whether some matter may use this license with the holder's consent: without one there is nothing to grant. */
export function grantable(card, matters) {
  return card.good && matters.some((matter) => matter.bases.includes("consent") && matter.allows[card.type]);
}

function licenseCard(card, page, mayGrant) {
  const show = el("button", { type: "button", class: "button primary", data: { action: "show" }, "aria-label": `${t("wallet.show")} ${card.type_name}`, t: "wallet.show" });
  show.addEventListener("click", () => page.go("show", card));
  const file = el("button", { type: "button", class: "button", data: { action: "file" }, "aria-label": `${t("wallet.file")} ${card.type_name}`, t: "wallet.file" });
  file.addEventListener("click", () => busy(file, () => page.session.attempt(() => download(card, page))));
  const grant = el("button", { type: "button", class: "button", data: { action: "grant" }, "aria-label": `${t("wallet.grant")} ${card.type_name}`, t: "wallet.grant" });
  grant.addEventListener("click", () => page.go("grants", card));
  return el(
    "article",
    { class: "license", data: { type: card.type, state: card.state, identifier: card.identifier } },
    el("div", { class: "license-band" }, el("h3", {}, card.type_name), stateMark(card)),
    el(
      "div",
      { class: "license-body" },
      el("p", { class: "holder" }, card.holder_name),
      el("p", { class: "dates" }, `${t("wallet.number")} ${card.number}`),
      el("p", { class: "dates" }, dates(card)),
      card.origin_text ? el("p", { class: "hint origin" }, card.origin_text) : null,
      card.scenes.length ? null : el("p", { class: "hint", t: "wallet.no_show" }),
      el("div", { class: "row" }, card.scenes.length ? show : null, mayGrant ? grant : null, file),
      details(card, page),
    ),
  );
}

function details(card, page) {
  const box = el("details", {}, el("summary", { t: "wallet.more" }));
  const rows = facts([
    [label("wallet.number"), card.number],
    [label("wallet.issuer"), card.issuer_name],
    ...(card.origin_text ? [[label("wallet.origin"), card.origin_text]] : []),
    [label("wallet.issued_on"), day(card.issued_on)],
    [label("wallet.state"), card.state_zh],
    [label("wallet.identifier"), card.identifier],
  ]);
  const place = el("div", {}, el("p", { class: "hint", t: "shell.loading" }));
  box.append(rows, el("h4", { class: "unseen", t: "decision.title" }), place);
  box.addEventListener("toggle", () => {
    if (!box.open || box.dataset.read) return;
    box.dataset.read = "1";
    page.session.attempt(async () => {
      const found = await decisions(card, page);
      place.replaceChildren(...(found.length ? found : [el("p", { class: "hint", t: "decision.none" })]));
    });
  });
  return box;
}

/** What was decided about a license, as blocks of text, newest first. */
export async function decisions(card, page) {
  const moves = await page.session.call("GET", `/v1/wallet/${encodeURIComponent(card.identifier)}/moves`);
  return moves
    .filter((move) => move.document_no)
    .sort((a, b) => b.at.localeCompare(a.at))
    .map((move) => {
      const lines = [move.basis, t("decision.document", { no: move.document_no }), move.until ? t("decision.until", { until: day(move.until) }) : ""];
      return el("div", { class: "decision" }, el("p", {}, el("b", {}, `${move.move_zh}　${day(move.decided_on)}`)), lines.filter((line) => line).map((line) => el("p", {}, line)), el("p", { class: "hint", t: "decision.object" }));
    });
}

async function download(card, page) {
  const data = await page.session.call("GET", `/v1/wallet/${encodeURIComponent(card.identifier)}/file`, { blob: true });
  const address = URL.createObjectURL(data);
  const name = `${card.identifier}.pdf`;
  const link = el("a", { href: address, download: name, class: "unseen" });
  byId("main").append(link);
  link.click();
  link.remove();
  // The browser needs the address until it has read the bytes.
  setTimeout(() => URL.revokeObjectURL(address), 60000);
  announce(t("wallet.file_done", { name }));
}
