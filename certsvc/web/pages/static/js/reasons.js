// What a family of reasons looks like. Words and next steps come from the service, with every answer; a page knows only
// the colour and the symbol. Ended, expired, changed, not ours and "cannot be checked now" each have their own symbol, so
// that none is ever taken for another.
import { both, english, t } from "./speech.js";

/** family -> [colour, symbol] */
const FAMILIES = {
  ok: ["green", "ok"],
  registered: ["green", "ok"],
  ended: ["red", "ended"],
  paused: ["red", "paused"],
  expired: ["red", "expired"],
  early: ["red", "early"],
  replaced: ["red", "replaced"],
  changed: ["red", "changed"],
  foreign: ["red", "foreign"],
  seal_only: ["amber", "seal_only"],
  before: ["red", "early"],
  unsealed: ["red", "unsealed"],
  unknown: ["red", "foreign"],
  code: ["amber", "used"],
  doubt: ["amber", "doubt"],
  broken: ["amber", "doubt"],
  later: ["amber", "later"],
  provisional: ["amber", "provisional"],
  noted: ["amber", "noted"],
  seal: ["amber", "seal"],
};

const WORSE = { green: 0, amber: 1, red: 2 };
const PLAIN_SYMBOL = { green: "ok", amber: "doubt", red: "no" };
const MILD = ["broken", "provisional", "code", "later"];

/**
 * How an answer looks; `told` is a verdict or a reason of the service, or nothing. `light` (green, red, amber) is the
 * service's own judgement; the worse of the two is shown, so that a family this page does not know yet can never look
 * better than it is.
 */
export function look(told, light = "") {
  const family = told?.family || "doubt";
  const [own, symbol] = FAMILIES[family] || FAMILIES.doubt;
  const colour = WORSE[light] > WORSE[own] ? light : own;
  const [word, second] = turned(told?.word || t("verdict.unclear"), told?.word_en || "");
  return {
    colour,
    symbol: own === "green" && colour !== "green" ? PLAIN_SYMBOL[colour] : symbol,
    group: family,
    word: word || second,
    second,
    next: turned(told?.next || "", told?.next_en || "")[0],
  };
}

/** How a code or a number looks whose registration is good: that says nothing of the paper in one's hand. */
export function onRegister(light) {
  const [word, wordEn] = both("registered.word");
  const [next, nextEn] = both("registered.next");
  return look({ family: "registered", word, word_en: wordEn, next, next_en: nextEn }, light);
}

/** The reader's language first. */
function turned(zh, en) {
  return english() ? [en, zh] : [zh, en];
}

/** The light of a verdict: green only for TOTAL-PASSED; red for what failed, unless only the upload was at fault. */
export function lightOf(verdict) {
  if (verdict.indication === "TOTAL-PASSED") return "green";
  if (verdict.indication !== "TOTAL-FAILED") return "amber";
  return MILD.includes(verdict.family) ? "amber" : "red";
}
