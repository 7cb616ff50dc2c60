// How a session ends before its token does: by signing out, and by being left alone on a counter, a shared PC or a phone.
import { el } from "./dom.js";
import { left } from "./provider.js";

/** Without a touch for so long a session ends; docs/protection.md says it too. */
export const IDLE_MS = 15 * 60_000;
const WARN_MS = 60_000;
const LOOK_MS = 5_000;
const ACTS = ["pointerdown", "keydown", "wheel"];

/** Let `token` open nothing from now on. Without network it ends by itself; the page has forgotten it in any case. */
export function endSession(token) {
  left();
  if (!token || !navigator.onLine) return;
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  // The page may be closed in this very moment; the request outlives it.
  fetch("/v1/sign-outs", { method: "POST", headers, body: JSON.stringify({ everywhere: false }), keepalive: true, credentials: "omit" }).catch(() => undefined);
}

/** Call `onIdle` when nobody has touched the page for long while `signedIn()`; a minute before, the page says so. */
export function watchIdle({ signedIn, onIdle }) {
  let last = Date.now();
  let box = null;
  const hide = () => {
    box?.remove();
    box = null;
  };
  const act = () => {
    last = Date.now();
    hide();
  };
  const show = () => {
    if (box) return;
    box = el("div", { class: "notice amber idle-soon", role: "alert", id: "idle-soon" }, el("b", { t: "login.idle_soon" }));
    box.append(el("p", { class: "row" }, el("button", { type: "button", class: "button", t: "login.stay", on: { click: act } })));
    document.body.append(box);
  };
  const look = () => {
    const left = last + IDLE_MS - Date.now();
    if (!signedIn()) act();
    // Without network nobody could sign in again, and an officer's device still has to check.
    else if (left > WARN_MS || !navigator.onLine) hide();
    else if (left > 0) show();
    else {
      hide();
      onIdle();
    }
  };
  const touched = (event) => {
    if (box?.contains(event.target)) return; // its button answers when it is let go: what goes away under a finger is pressed by nobody
    act();
  };
  for (const kind of ACTS) addEventListener(kind, touched, { capture: true, passive: true });
  // A device that slept has not looked meanwhile.
  document.addEventListener("visibilitychange", look);
  setInterval(look, LOOK_MS);
}
