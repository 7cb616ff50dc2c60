// Runs before everything else: closes a way in for what others wrote, and sets the 长辈版 and the language before the
// first paint, so that they do not flicker in.
"use strict";
(() => {
  // A name from outside that is taken for a key ("__proto__") adds nothing to what other objects inherit.
  for (const root of [Object, Array, Function]) Object.preventExtensions(root.prototype);
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
