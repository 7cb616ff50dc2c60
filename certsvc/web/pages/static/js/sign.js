// The page where people sign: documents that wait, one document, the own e-signature. It shares the holder's sign-in.
import { byId, el } from "./dom.js";
import { Session } from "./session.js";
import { startShell } from "./shell.js";
import { drawDocument, leaveDocument } from "./sign_document.js";
import { drawSigner } from "./sign_signer.js";
import { drawWaiting } from "./sign_waiting.js";

const VIEWS = { waiting: drawWaiting, signer: drawSigner, document: drawDocument };
const TAB_OF = { waiting: "waiting", signer: "signer", document: "waiting" };

/** What the views share: the session, the document in hand, and the way to another view. */
const page = {
  session: new Session({ name: "holder", roles: ["holder"], onIn: signedIn, onOut: signedOut }),
  round: null,
  go(view, round = page.round) {
    page.round = round;
    if (location.hash === `#${view}`) draw();
    else location.hash = view;
  },
};

startShell(() => { if (page.session.person) draw(false); });
page.session.start();
window.addEventListener("hashchange", () => { if (page.session.person) draw(); });

function signedIn(person) {
  byId("who-name").textContent = person.name;
  draw(false);
}

function signedOut() {
  leaveDocument();
  page.round = null;
  byId("view").replaceChildren();
}

/** Draw the view of the address; after a move of the reader the focus goes to its heading. */
async function draw(moved = true) {
  leaveDocument();
  let name = location.hash.slice(1);
  if (!(name in VIEWS) || (name === "document" && !page.round)) name = "waiting";
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === TAB_OF[name]) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const place = el("div", { class: "view", data: { name } });
  byId("view").replaceChildren(place);
  await page.session.attempt(() => VIEWS[name](place, page));
  const title = place.querySelector(".view-title");
  if (moved && title) title.focus();
}
