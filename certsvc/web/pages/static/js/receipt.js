// 核验回执: asking for one after a check, and reading one that somebody else was given.
import { call, Problem, problemBox } from "./api.js";
import { announce, busy, byId, el, facts, keepFile, label, shape } from "./dom.js";
import { look } from "./reasons.js";
import { checkWord, recognitionFacts, reveal, verdictHead } from "./verdict.js";
import { both, english, has, moment, t } from "./words.js";

const MAX_CHARS = 16 * 1024;

/** The section of a verdict that offers a receipt; `renew` asks again and shows the new answer, receipt and all. */
export function receiptSection(verdict, renew) {
  const section = el("section", { id: "verdict-receipt" }, el("h3", { t: "receipt.title" }));
  if (verdict.receipt) {
    const again = el("button", { type: "button", class: "button", id: "receipt-again", t: "receipt.again", on: { click: () => keepReceipt(verdict) } });
    section.append(el("p", { id: "receipt-done", t: "receipt.done" }), el("p", { class: "row" }, again));
    return section;
  }
  const place = el("div", {});
  const make = el("button", { type: "button", class: "button", id: "receipt-make", t: "receipt.make" });
  const work = async () => {
    place.replaceChildren();
    try {
      await renew();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      place.replaceChildren(problemBox(error));
    }
  };
  make.addEventListener("click", () => busy(make, work));
  section.append(el("p", { t: "receipt.offer" }), el("p", { class: "row" }, make), place);
  return section;
}

/** Save the receipt of a verdict; its name holds nothing but the time. */
export function keepReceipt(verdict) {
  const name = `receipt-${verdict.checked_at.replace(/\D/g, "").slice(0, 14)}.jws`;
  keepFile(name, [verdict.receipt], "application/jose");
  announce(t("receipt.done"));
}

// Reading one --------------------------------------------------------------------------------------------------------

/** Wire the form; the answer is drawn in `place`. `startOver` clears what stood there. */
export function wireReceipt(place, startOver) {
  const [file, text, of] = ["receipt-file", "receipt-text", "receipt-of"].map(byId);
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    text.value = file.files[0].size > 2 * MAX_CHARS ? "" : (await file.files[0].text()).trim();
    wrong(text.value ? "" : "receipt.not_one");
    file.value = "";
  });
  text.addEventListener("input", () => wrong(""));
  of.addEventListener("change", () => { byId("receipt-of-name").textContent = of.files.length ? of.files[0].name : ""; });
  byId("receipt-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const receipt = text.value.replace(/\s+/g, "");
    if (!receipt || receipt.length > MAX_CHARS) { wrong(receipt ? "receipt.not_one" : "receipt.empty"); text.focus(); return; }
    startOver();
    busy(byId("receipt-submit"), () => read(place, receipt, of.files[0]));
  });
}

function wrong(key) {
  byId("receipt-text-wrong")?.remove();
  const text = byId("receipt-text");
  text.setAttribute("aria-invalid", String(Boolean(key)));
  if (!key) { text.removeAttribute("aria-describedby"); return; }
  text.after(el("p", { class: "wrong", id: "receipt-text-wrong" }, t(key)));
  text.setAttribute("aria-describedby", "receipt-text-wrong");
}

async function read(place, receipt, file) {
  try {
    const read = await call("POST", "/v1/verifications/receipts", { body: { receipt } });
    drawReceipt(place, read, file ? await fits(read.claims, file) : "");
  } catch (error) {
    if (!(error instanceof Problem) || error.kind !== "422") { byId("trouble").replaceChildren(problemBox(error)); return; }
    draw(place, "red", "no", "receipt.bad", error.detail, [el("section", { class: "next" }, el("h3", { t: "verdict.next" }), el("p", { t: "receipt.bad_next" }))]);
  }
}

/** Whether the receipt is about this file: same, other, kind (it is about no file) or unable; nothing is sent. */
async function fits(claims, file) {
  if (!["file", "digest"].includes(claims.asked?.kind)) return "kind";
  if (!crypto.subtle) return "unable";
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  const hex = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex === claims.asked.sha256 ? "same" : "other";
}

function drawReceipt(place, { claims, conclusion, state_zh: state }, fit) {
  const seen = look(conclusion);
  const manner = { green: "good", red: "bad", amber: "unknown" }[seen.colour];
  const said = el("section", { id: "receipt-said" }, el("h3", { t: "receipt.said" }), el("ul", { class: "checks" }, el("li", {}, shape(seen.symbol, manner), el("span", { class: `what ${manner}` }, (english() && conclusion?.text_en) || claims.text || t("verdict.unclear")))), el("p", { class: "hint", t: "receipt.then" }));
  const parts = [said];
  if (fit) parts.unshift(el("p", { class: `notice ${{ same: "green", other: "red" }[fit] || "amber"}`, id: "receipt-fit", data: { fit } }, t(`receipt.fit_${fit}`)));
  parts.push(factsOf(claims), checksOf(claims, state));
  const other = fit === "other";
  draw(place, other ? "red" : "", other ? "no" : "yes", other ? "receipt.other" : "receipt.good", t(other ? "receipt.other_text" : "receipt.good_text"), parts);
}

function factsOf(claims) {
  const when = (iso) => (iso ? moment(iso) : "");
  const kind = `receipt.kind.${claims.asked?.kind}`;
  const rows = [
    [label("receipt.checked_at"), when(claims.checked_at)],
    [label("asof.label"), when(claims.as_of)],
    [label("receipt.asked"), has(kind) ? t(kind) : ""],
    [label("receipt.digest"), claims.asked?.sha256],
    [label("facts.identifier"), claims.license?.identifier],
    ...(claims.recognition ? recognitionFacts(claims.recognition) : []),
    [label("receipt.basis"), claims.time_basis ? t(`basis.${claims.time_basis}`) : ""],
    [label("receipt.signatures"), claims.signature_count],
    [label("verdict.remarks"), (claims.remarks || []).map((one) => one.text).join("；")],
    [label("receipt.trust"), claims.trust_list?.sha256],
    [label("receipt.issuer"), claims.iss],
    [label("receipt.id"), claims.jti],
  ];
  return el("section", {}, el("h3", { t: "receipt.facts" }), facts(rows.filter(([, value]) => value)));
}

function checksOf(claims, state) {
  const line = (name, word) => el("li", {}, el("span", { class: "what" }, has(`what.${name}`) ? t(`what.${name}`) : name), el("span", { class: "word none" }, word));
  const checked = Object.entries(claims.checks || {}).filter(([, answer]) => answer !== "not_checked").map(([name, answer]) => line(name, name === "status" && answer === "bad" && state ? state : checkWord(name, answer)));
  const missing = [...(claims.not_checked || []).map((name) => line(name, t("is.not_checked"))), ...(claims.unreachable || []).map((host) => line(t(claims.recognition ? "what.partner" : "what.host", { host }), t("is.unreachable")))];
  return el("section", {}, el("h3", { t: "verdict.checked" }), el("ul", { class: "checks" }, checked), el("h3", { t: "verdict.not_checked" }), missing.length ? el("ul", { class: "checks" }, missing) : el("p", { t: "verdict.not_checked_none" }));
}

function draw(place, colour, symbol, word, sentence, parts) {
  place.dataset.colour = colour;
  place.dataset.reason = place.dataset.group = "receipt";
  const seen = { symbol, word: t(word) };
  place.replaceChildren(verdictHead(seen, sentence, both(word)[english() ? 0 : 1]), el("div", { class: "verdict-body" }, parts));
  reveal(place, `${seen.word}。${sentence}`);
}
