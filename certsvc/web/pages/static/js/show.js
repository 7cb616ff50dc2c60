// Where a show code leads when it was scanned with an ordinary camera: to the officers' page; others may see the state.
import { call, trouble } from "./api.js";
import { busy, byId } from "./dom.js";
import { startShell } from "./shell.js";
import { showVerdict } from "./verdict.js";

const place = byId("verdict");
let verdict = null;

startShell(() => { if (verdict) showVerdict(place, verdict, { from: "code", quiet: true }); });
byId("look").addEventListener("click", () => busy(byId("look"), look));

async function look() {
  const code = document.documentElement.dataset.codeBase + location.pathname;
  trouble(null);
  try {
    verdict = await call("POST", "/v1/verifications", { body: { code } });
    showVerdict(place, verdict, { from: "code" });
  } catch (error) {
    trouble(error, { retry: look });
  }
}
