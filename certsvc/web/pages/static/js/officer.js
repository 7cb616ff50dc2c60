// The officer's page: shows the officer first, then scans; one press opens the camera, the answer comes by itself.
import { byId } from "./dom.js";
import { drawRecords } from "./records.js";
import { drawResult } from "./result.js";
import { mountScanner } from "./scanner.js";
import { Session } from "./session.js";
import { startShell } from "./shell.js";
import { t } from "./words.js";

const result = byId("scan-result");
let last = null;

const session = new Session({ name: "officer", roles: ["officer", "clerk"], onIn: signedIn, onOut: signedOut });
const scanner = mountScanner(byId("scanner"), { onText: scan, onStart: clear });
byId("scan-again").addEventListener("click", () => { clear(); scanner.start(); });
startShell(() => { if (session.person) draw(); if (last) drawResult(result, last, { quiet: true }); });
session.start();
window.addEventListener("hashchange", () => { if (session.person) draw(); });

function signedIn(person) {
  byId("badge-person").textContent = person.name;
  draw();
  session.attempt(async () => {
    const me = await session.call("GET", "/v1/me");
    byId("badge-unit").textContent = me.authority_name || person.name;
    byId("badge-number").textContent = me.name;
    const term = document.querySelector(".badge-number [data-t]");
    term.dataset.t = me.roles.includes("officer") ? "officer.badge" : "officer.number";
    term.textContent = t(term.dataset.t);
    byId("badge-person").hidden = person.name === me.authority_name;
  });
}

function signedOut() {
  scanner.stop();
  clear();
  byId("view-records").replaceChildren();
}

function draw() {
  const records = location.hash === "#records";
  byId("view-scan").hidden = records;
  byId("view-records").hidden = !records;
  for (const link of document.querySelectorAll("[data-view]")) {
    if ((link.dataset.view === "records") === records) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!records) return;
  scanner.stop();
  session.attempt(() => drawRecords(byId("view-records"), session));
}

/** An answer of before never stays beside a new question. */
function clear() {
  last = null;
  result.hidden = true;
  result.replaceChildren();
  byId("again").hidden = true;
}

/** Ask the service about a code and show the answer. */
async function scan(text) {
  clear();
  await session.attempt(async () => {
    last = await session.call("POST", "/v1/scans", { body: { code: text } });
    drawResult(result, last, {});
    byId("again").hidden = false;
  });
}
