// Runs before the first paint, so that the 长辈版 and the language do not flicker in.
"use strict";
(() => {
  const root = document.documentElement;
  let kept = {};
  try {
    kept = { elder: localStorage.getItem("certsvc.elder"), size: localStorage.getItem("certsvc.size"), lang: localStorage.getItem("certsvc.lang") };
  } catch {
    // Storage may be switched off; the page then starts in its plain form.
  }
  if (kept.elder === "1") root.classList.add("elder");
  if (/^[2-4]$/.test(kept.size || "")) root.classList.add(`size-${kept.size}`);
  if (kept.lang === "en") root.lang = "en";
})();
