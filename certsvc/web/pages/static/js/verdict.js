// A verdict for anybody: colour, symbol and word first; then every check with its own word, and what was not checked.
import { announce, byId, el, facts, label, shape } from "./dom.js";
import { look, lightOf, onRegister } from "./reasons.js";
import { both, day, english, has, moment, t } from "./words.js";

/** How the service ends the name of a matter of which it shows only the beginning. */
const MASKED = "＊";
const FILE_CHECKS = ["integrity", "coverage", "modification", "trust"];
const SYMBOL_OF = { good: "yes", exact: "yes", bad: "no", none: "no", other_bytes: "no", unknown: "unsure", not_checked: "dash" };
const CLASS_OF = { good: "good", exact: "good", bad: "bad", none: "bad", other_bytes: "bad", unknown: "unknown", not_checked: "none" };

/** The head of every verdict, the officer's too: nothing else on the page has these colours. */
export function verdictHead(seen, sentence, second) {
  return el(
    "div",
    { class: "verdict-head" },
    shape(seen.symbol),
    el("div", {}, el("h2", { class: "verdict-word", id: "verdict-word", tabindex: "-1" }, seen.word), el("p", { class: "verdict-text", id: "verdict-text" }, sentence, el("small", { lang: english() ? "zh-CN" : "en" }, second))),
  );
}

/** Show a verdict in `place`; `from` is file, code or number; `sections` follow the checks; `onAgain` offers the next check. */
export function showVerdict(place, verdict, { from, onAgain, sections = [], quiet = false } = {}) {
  const seen = lookOf(verdict, from);
  place.dataset.colour = seen.colour;
  place.dataset.reason = verdict.reason;
  place.dataset.group = seen.group;
  const [first, second] = sentences(verdict, from);
  const body = el("div", { class: "verdict-body" });
  if (verdict.as_of) body.append(thenSection(verdict));
  body.append(el("section", { class: "next" }, el("h3", { t: "verdict.next" }), el("p", { id: "verdict-next" }, seen.next)));
  if (verdict.copy_facts) body.append(copySection(verdict.copy_facts, seen));
  if (verdict.license) body.append(licenseSection(verdict.license, Boolean(verdict.copy_facts)));
  if (verdict.recognition) body.append(recognitionSection(verdict.recognition));
  if (verdict.remarks.length) body.append(remarksSection(verdict.remarks));
  body.append(checksSection(verdict, from), notCheckedSection(verdict), ...sections);
  if (verdict.signatures.length) body.append(signaturesSection(verdict.signatures));
  body.append(detailsSection(verdict));
  body.append(el("p", { class: "made", id: "verdict-at" }, t("verdict.at", { at: moment(verdict.checked_at) })));
  if (onAgain) body.append(el("p", { class: "row" }, el("button", { type: "button", class: "button primary", id: "verdict-again", t: "verdict.again", on: { click: onAgain } })));
  place.replaceChildren(verdictHead(seen, first, second), body);
  if (quiet) place.hidden = false;
  else reveal(place, `${seen.word}。${first}`);
}

/** Bring an answer before the reader: eyes, keyboard and screen reader. */
export function reveal(place, sentence) {
  place.hidden = false;
  announce(sentence);
  byId("verdict-word").focus({ preventScroll: true });
  place.scrollIntoView({ block: "start" });
}

function lookOf(verdict, from) {
  // What was good then and is not now must never be green: nobody looks for the small print under a green head.
  const light = verdict.later && lightOf(verdict) === "green" ? "amber" : lightOf(verdict);
  // A code or a number that is good says that the registration is, not the paper in one's hand.
  const seen = verdict.reason === "ok" && from !== "file" ? onRegister(light) : look(verdict, light);
  return verdict.as_of ? { ...seen, word: t("asof.word", { word: seen.word }) } : seen;
}

/** Of which moment the verdict speaks, and what came after it. */
function thenSection(verdict) {
  const { later } = verdict;
  const lines = [el("b", {}, t("asof.answer", { at: moment(verdict.as_of) })), el("p", {}, t(later ? "asof.later" : "asof.same", { text: later ? (english() ? later.text_en : later.text) : "" }))];
  return el("section", { class: `notice ${later ? "red" : "amber"}`, id: "verdict-then" }, shape(later ? look(later).symbol : "later", "notice-shape"), lines);
}

/** The sentence under the word. The service says "verified" for what is good; what that covers depends on what was given. */
function sentences(verdict, from) {
  // A stamped document is no license: nothing may be said of a license's state.
  const own = `good.${from === "file" ? kindOfFile(verdict.license) : "code"}`;
  const pair = verdict.reason === "ok" && !verdict.as_of && verdict.indication === "TOTAL-PASSED" ? both(own) : [verdict.text, verdict.text_en];
  return english() ? pair.toReversed() : pair;
}

/** A stamped document is no license, of whose state something may be said; and what a source made was not issued here. */
function kindOfFile(license) {
  if (!license) return "document";
  return license.origin === "registered" ? "registered" : "file";
}

/** What anyone may know of a license. */
export function licenseFacts(license) {
  return facts([
    [label("facts.type"), license.type_name],
    [label("facts.number"), license.number],
    [label("facts.holder"), license.holder_masked],
    [label("facts.issuer"), license.issuer_name],
    [label("facts.origin"), license.origin_text],
    [label("facts.state"), license.state_zh],
    [label("facts.valid"), license.valid_until ? validity(license) : ""],
    [label("facts.identifier"), license.identifier],
    [label("facts.replaced_by"), license.replaced_by],
  ].filter(([, value]) => value));
}

/** From and until, each unbroken on a narrow screen. */
function validity(license) {
  const dates = [license.valid_from, license.valid_until].filter((date) => date).map(day);
  return el("dd", {}, dates.flatMap((date, index) => [index ? ` ${t("facts.valid_to")} ` : "", el("span", { class: "nobr" }, date)]));
}

/** For whom, for which matter only and until when an annotated copy was made, and how it stands in the words of the verdict. */
function copySection(copy, seen) {
  const state = el("dd", { class: { green: "good", red: "bad" }[seen.colour] || "unknown", id: "copy-state" }, seen.word);
  const masked = copy.matter.endsWith(MASKED) ? el("p", { class: "hint", t: "annotated.masked" }) : "";
  const rows = [
    [label("annotated.made_for"), copy.made_for],
    [label("annotated.matter"), copy.matter],
    [label("annotated.until"), moment(copy.until)],
    [label("annotated.state"), state],
    [label("annotated.number"), copy.number],
    [label("annotated.made_at"), moment(copy.made_at)],
  ];
  return el("section", { id: "verdict-copy" }, el("h3", { t: "annotated.title" }), el("p", { class: "hint", t: "annotated.text" }), facts(rows), masked);
}

function licenseSection(license, ofCopy) {
  const masked = license.holder_masked.includes("*") ? el("p", { class: "hint", t: "facts.masked" }) : null;
  return el("section", { id: "verdict-license" }, el("h3", { t: ofCopy ? "annotated.license" : "verdict.license" }), licenseFacts(license), masked || "");
}

/** Under which 互认 the license of another city was looked at, and why that did not help where it did not. */
function recognitionSection(cited) {
  const rows = recognitionFacts(cited);
  return el("section", { id: "verdict-recognition" }, el("h3", { t: "recognition.title" }), facts(rows));
}

/** The rows of a cited 互认, in a verdict and in a receipt. */
export function recognitionFacts(cited) {
  return [
    [label("recognition.partner"), cited.partner_name],
    [label("recognition.version"), t("recognition.version_no", { number: cited.list_version })],
    [label("recognition.since"), moment(cited.effective_from)],
    [label("recognition.note"), cited.note],
  ].filter(([, value]) => value);
}

/** Bytes may be added behind what was sealed; what the seals cover is then as it was, and says so. */
function onlyAddedTo(verdict) {
  return verdict.integrity === "bad" && verdict.signatures.length > 0 && verdict.signatures.every((one) => one.intact === "good" && one.valid === "good");
}

function checksSection(verdict, from) {
  // A code or a number says nothing about a file, so those rows stand under "not checked" only.
  const names = from === "file" ? [...FILE_CHECKS, "registry_match", "status"] : ["registry_match", "status"];
  const rows = names.filter((name) => verdict[name] !== "not_checked").map((name) => {
    const answer = name === "integrity" && onlyAddedTo(verdict) ? "good" : verdict[name];
    const word = el("span", { class: `word ${CLASS_OF[answer] || "unknown"}` }, wordOf(name, answer, verdict, from));
    return el("li", { data: { check: name, answer } }, shape(SYMBOL_OF[answer] || "unsure", CLASS_OF[answer] || "unknown"), el("span", { class: "what", t: `what.${name}` }), word);
  });
  const basis = verdict.time_basis ? el("p", { class: "hint", id: "verdict-basis", t: `basis.${verdict.time_basis}` }) : "";
  return el("section", { id: "verdict-checks" }, el("h3", { t: "verdict.checked" }), el("ul", { class: "checks" }, rows), basis);
}

function wordOf(name, answer, verdict, from) {
  if (name === "integrity" && onlyAddedTo(verdict)) return t("is.integrity.sealed_part");
  if (name === "status" && answer === "bad" && verdict.license) return verdict.license.state_zh;
  if (name === "registry_match" && answer === "exact" && from !== "file") return t("is.registry_match.exact_code");
  if (name === "registry_match" && answer === "exact" && verdict.copy_facts) return t("is.registry_match.exact_copy");
  return checkWord(name, answer);
}

/** The word for the answer of one check. */
export function checkWord(name, answer) {
  const own = `is.${name}.${answer}`;
  return t(has(own) ? own : answer === "not_checked" ? "is.not_checked" : "is.unknown");
}

function notCheckedSection(verdict) {
  const section = el("section", { id: "verdict-not-checked" }, el("h3", { t: "verdict.not_checked" }));
  const unasked = [...FILE_CHECKS, "registry_match"].filter((name) => verdict[name] === "not_checked");
  const names = [...new Set([...unasked, ...verdict.not_checked])];
  if (!names.length && !verdict.unreachable.length) {
    section.append(el("p", { t: "verdict.not_checked_none" }));
    return section;
  }
  const list = el("ul", { class: "checks" });
  for (const name of names) {
    const what = has(`what.${name}`) ? el("span", { class: "what", t: `what.${name}` }) : el("span", { class: "what" }, name);
    list.append(el("li", {}, shape("dash", "none"), what, el("span", { class: "word none", t: "is.not_checked" })));
  }
  // A partner's register is asked only of what is good in every other way: then it is the one that kept silent.
  const silent = verdict.recognition ? "partner" : "host";
  for (const host of verdict.unreachable) list.append(el("li", { data: { host } }, shape("dash", "none"), el("span", { class: "what" }, t(`what.${silent}`, { host })), el("span", { class: "word none", t: "is.unreachable" })));
  section.append(list);
  if (verdict.unreachable.length) section.append(el("p", { class: "hint", t: `verdict.unreachable_${silent}` }));
  return section;
}

/** What to look at beside the outcome, in the words of the answer. */
function remarksSection(remarks) {
  const lines = remarks.map((one) => el("li", { data: { remark: one.code } }, english() ? one.text_en : one.text));
  return el("section", { id: "verdict-remarks" }, el("h3", { t: "verdict.remarks" }), el("ul", {}, lines));
}

function signaturesSection(signatures) {
  const box = el("details", { id: "verdict-signatures" }, el("summary", { t: "verdict.signatures", args: { count: signatures.length } }));
  for (const item of signatures) box.append(el("div", { class: "signature" }, signatureFacts(item)));
  return box;
}

function signatureFacts(item) {
  const word = (answer) => (answer === "good" ? t("sig.good") : answer === "bad" ? t("sig.bad") : answer === "not_checked" ? t("is.not_checked") : t("is.unknown"));
  const named = (prefix, value) => (has(`${prefix}.${value}`) ? t(`${prefix}.${value}`) : value);
  return facts([
    [named("sig.kind", item.kind), item.field],
    [label("sig.signer"), item.signer],
    [label("sig.result"), item.text],
    [label("sig.time"), item.claimed_time ? moment(item.claimed_time) : ""],
    [label("sig.intact"), word(item.intact)],
    [label("sig.valid"), word(item.valid)],
    [label("sig.trust"), word(item.trust)],
    [label("sig.coverage"), named("cover", item.coverage)],
    [label("sig.modification"), named("mod", item.modification)],
    [label("sig.format"), item.format],
    [label("sig.digest"), item.digest_algorithm],
  ].filter(([, value]) => value));
}

function detailsSection(verdict) {
  const indication = verdict.sub_indication ? `${verdict.indication} / ${verdict.sub_indication}` : verdict.indication;
  return el("details", { id: "verdict-details" }, el("summary", { t: "verdict.details" }), facts([[label("verdict.indication"), indication], [label("verdict.reason"), verdict.reason]]));
}
