// Where a printed code leads: the verdict of that code, at once.
import { call, trouble } from "./api.js";
import { byId } from "./dom.js";
import { startShell } from "./shell.js";
import { showVerdict } from "./verdict.js";

const place = byId("verdict");
let verdict = null;

startShell(() => { if (verdict) showVerdict(place, verdict, { from: "code", quiet: true }); });
check();

/** The text on paper is built again from the configured host: the address bar may show another one. */
async function check() {
  const code = document.documentElement.dataset.codeBase + location.pathname;
  trouble(null);
  try {
    verdict = await call("POST", "/v1/verifications", { body: { code } });
    // Where no license is listed there is nothing to compare the print with.
    byId("code-more-text").hidden = !verdict.license || Boolean(verdict.copy_facts);
    byId("code-more-copy").hidden = !verdict.copy_facts;
    byId("code-more-none").hidden = Boolean(verdict.license || verdict.copy_facts);
    showVerdict(place, verdict, { from: "code" });
  } catch (error) {
    trouble(error, { retry: check });
  }
}
