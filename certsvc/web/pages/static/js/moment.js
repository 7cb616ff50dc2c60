// 核验过去某一时刻: an optional moment, in Beijing time whatever the reader's clock shows; never one to come.
import { byId, el } from "./dom.js";
import { t } from "./words.js";

const SHANGHAI_MS = 8 * 60 * 60 * 1000;
const TOLERANCE_MS = 60 * 1000;

/** Wire the field; the latest moment that may be chosen is always now. */
export function wireMoment() {
  const input = byId("asof");
  const latest = () => input.setAttribute("max", new Date(Date.now() + SHANGHAI_MS).toISOString().slice(0, 16));
  latest();
  input.addEventListener("focus", latest);
  input.addEventListener("input", () => wrong(""));
  byId("asof-clear").addEventListener("click", () => { input.value = ""; wrong(""); input.focus(); });
}

/** What is asked: `{ at }` (null for now), or null when the field must be corrected first, which is said there. */
export function askedMoment() {
  const input = byId("asof");
  if (input.validity.badInput) return wrong("asof.broken");
  if (!input.value) return { at: null };
  const at = `${input.value.length === 16 ? `${input.value}:00` : input.value}+08:00`;
  if (!(new Date(at).getTime() <= Date.now() + TOLERANCE_MS)) return wrong("asof.future");
  return { at };
}

/** Say at the field what is wrong, or that nothing is; gives null. */
function wrong(key) {
  const input = byId("asof");
  byId("asof-wrong")?.remove();
  input.setAttribute("aria-invalid", String(Boolean(key)));
  input.setAttribute("aria-describedby", key ? "asof-wrong asof-hint" : "asof-hint");
  if (!key) return null;
  input.after(el("p", { class: "wrong", id: "asof-wrong" }, t(key)));
  byId("asof-box").open = true;
  input.focus();
  return null;
}
