// The frame of every page: 长辈版, language, where we are. Called once by each page's module.
import { announce, byId } from "./dom.js";
import { applyWords, english, t } from "./speech.js";

const SIZES = 4;

/** Wire the frame; `onLanguage` is called after the language changed, to redraw what the page made itself. */
export function startShell(onLanguage = () => {}) {
  const root = document.documentElement;
  const here = document.querySelector(`[data-place="${root.dataset.page}"]`);
  if (here) here.setAttribute("aria-current", "page");
  const elder = byId("elder-toggle");
  elder.setAttribute("aria-pressed", String(root.classList.contains("elder")));
  elder.addEventListener("click", () => {
    const on = root.classList.toggle("elder");
    elder.setAttribute("aria-pressed", String(on));
    keep("elder", on ? "1" : "0");
    announce(t(on ? "shell.elder_on" : "shell.elder_off"));
  });
  byId("font-larger").addEventListener("click", () => resize(root, 1));
  byId("font-smaller").addEventListener("click", () => resize(root, -1));
  showSizes(root);
  const language = byId("language-toggle");
  const showLanguage = () => {
    language.textContent = english() ? "中文" : "EN";
    language.lang = english() ? "zh-CN" : "en";
    if (english()) applyWords();
  };
  language.addEventListener("click", () => {
    root.lang = english() ? "zh-CN" : "en";
    keep("lang", english() ? "en" : "zh");
    applyWords();
    showLanguage();
    onLanguage();
  });
  showLanguage();
}

/** Keep a choice of the reader in this browser. */
function keep(name, value) {
  try {
    localStorage.setItem(`certsvc.${name}`, value);
  } catch {
    // Storage may be switched off; the choice then lasts for this page.
  }
}

function currentSize(root) {
  for (let size = 2; size <= SIZES; size += 1) if (root.classList.contains(`size-${size}`)) return size;
  return 1;
}

function resize(root, step) {
  const size = Math.min(SIZES, Math.max(1, currentSize(root) + step));
  for (let other = 2; other <= SIZES; other += 1) root.classList.toggle(`size-${other}`, other === size);
  keep("size", String(size));
  showSizes(root);
}

function showSizes(root) {
  const size = currentSize(root);
  byId("font-larger").disabled = size === SIZES;
  byId("font-smaller").disabled = size === 1;
}
