// Signing in at the identity provider of the region and coming back (OpenID Connect, authorization code with PKCE).
import { el } from "./dom.js";

const BEGUN = "certsvc.login";
const LEFT = "certsvc.left";
const STATE_BYTES = 16;
const VERIFIER_BYTES = 32;

/** The provider's page, as far as it is the same for everybody; empty where there is none. */
export const loginUrl = () => document.documentElement.dataset.login ?? "";

function text(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Go there; `key` is where the session will be kept, and this page is where the way leads back to. */
export async function goToProvider(key) {
  const state = text(crypto.getRandomValues(new Uint8Array(STATE_BYTES)));
  const verifier = text(crypto.getRandomValues(new Uint8Array(VERIFIER_BYTES)));
  const challenge = text(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
  sessionStorage.setItem(BEGUN, JSON.stringify({ state, verifier, key, page: location.pathname + location.hash }));
  const more = new URLSearchParams({ state, code_challenge: challenge, code_challenge_method: "S256" });
  // Whoever signed out on this tab means it: the provider's own session would let the next one in as them.
  if (sessionStorage.getItem(LEFT)) more.set("prompt", "login");
  location.assign(`${loginUrl()}&${more}`);
}

/** What was begun on this tab, once; null when the answer is not to it. */
export function begun(state) {
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(BEGUN));
  } catch {
    // Not ours; as if there were nothing.
  }
  sessionStorage.removeItem(BEGUN);
  const ours = kept && state && kept.state === state && /^certsvc\.[a-z]+$/.test(kept.key) && /^\/(?!\/)/.test(kept.page);
  return ours ? kept : null;
}

/** The next sign-in on this tab asks who it is. */
export function left() {
  if (loginUrl()) sessionStorage.setItem(LEFT, "1");
}

/** Somebody has said who they are. */
export function entered() {
  sessionStorage.removeItem(LEFT);
}

/** The way there, for a plain page. */
export function providerButton(key) {
  return el("p", { class: "row" }, el("button", { type: "button", class: "button primary big", id: "login-go", t: "login.go", on: { click: () => goToProvider(key) } }));
}
