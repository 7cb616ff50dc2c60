// Back from the identity provider: the code becomes a session of the page from which one went.
import { call, Problem, trouble } from "./api.js";
import { byId } from "./dom.js";
import { begun, entered } from "./provider.js";
import { startShell } from "./shell.js";
import "./words.js";

startShell();
const said = new URLSearchParams(location.search);
// A code in an address is good once, and is nobody's business even so.
history.replaceState(null, "", location.pathname);
finish();

async function finish() {
  const kept = begun(said.get("state"));
  if (!kept || !said.get("code")) {
    failed(new Problem("login"));
    return;
  }
  byId("back").href = kept.page;
  try {
    const answer = await call("POST", "/v1/sign-ins", { body: { code: said.get("code"), code_verifier: kept.verifier } });
    const me = await call("GET", "/v1/me", { token: answer.access_token });
    const until = Date.now() + answer.expires_in * 1000;
    sessionStorage.setItem(kept.key, JSON.stringify({ token: answer.access_token, name: me.name, roles: me.roles, until }));
    entered();
    location.replace(kept.page);
  } catch (error) {
    failed(error);
  }
}

function failed(error) {
  byId("waiting").hidden = true;
  byId("again").hidden = false;
  trouble(error);
}
