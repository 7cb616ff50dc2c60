// The words of the pages, Chinese first. A word is a key with [Chinese, English]; elements carry data-t and change with
// the language. What the service says itself (names, sentences of law) stays Chinese.
const WORDS = {};

/** Make words known; every page calls this before it draws. */
export function addWords(words) {
  Object.assign(WORDS, words);
}

/** Whether the reader chose English. */
export function english() {
  return document.documentElement.lang === "en";
}

/** The word for `key` in the reader's language, with {places} filled from `args`. */
export function t(key, args = {}) {
  const pair = WORDS[key];
  if (!pair) return key;
  return pair[english() ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => String(args[name] ?? ""));
}

/** Both forms of a word: [Chinese, English]. */
export function both(key) {
  return [...WORDS[key]];
}

/** Whether there is a word for `key`. */
export function has(key) {
  return key in WORDS;
}

/** Put the words of the reader's language into every element under `root` that names one. */
export function applyWords(root = document) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t, node.dataset.args ? JSON.parse(node.dataset.args) : {});
  for (const node of root.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
}

/** 2026年1月1日 for "2026-01-01", and the other way for an English reader; other texts as they are. */
export function day(text) {
  const written = /^(\d{4})年(\d{1,2})月(\d{1,2})日$/.exec(text);
  if (written && english()) return `${written[1]}-${written[2].padStart(2, "0")}-${written[3].padStart(2, "0")}`;
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (!parts) return text;
  if (english()) return text;
  return `${parts[1]}年${Number(parts[2])}月${Number(parts[3])}日`;
}

const MOMENT = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Asia/Shanghai", year: "numeric", month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

/** 2026年1月1日 08:00:05, Beijing time, for an ISO instant. */
export function moment(iso) {
  const p = Object.fromEntries(MOMENT.formatToParts(new Date(iso)).map((part) => [part.type, part.value]));
  const clock = `${p.hour}:${p.minute}:${p.second}`;
  if (english()) return `${p.year}-${p.month.padStart(2, "0")}-${p.day.padStart(2, "0")} ${clock}`;
  return `${p.year}年${Number(p.month)}月${Number(p.day)}日 ${clock}`;
}
