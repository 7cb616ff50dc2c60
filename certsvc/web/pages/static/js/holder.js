// The holder's page: licenses, showing one, who used them, grants.
import { el, byId } from "./dom.js";
import { drawGrants } from "./grants.js";
import { Session } from "./session.js";
import { startShell } from "./shell.js";
import { drawShowing, leaveShowing } from "./showing.js";
import { drawUses } from "./uses.js";
import { drawWallet } from "./wallet.js";

const VIEWS = { wallet: drawWallet, uses: drawUses, grants: drawGrants, show: drawShowing };
const TAB_OF = { wallet: "wallet", uses: "uses", grants: "grants", show: "wallet" };

/** What the views share: the session, the license in hand, and the way to another view. */
const page = {
  session: new Session({ name: "holder", roles: ["holder"], onIn: signedIn, onOut: signedOut }),
  license: null,
  go(view, license = page.license) {
    page.license = license;
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
  leaveShowing();
  page.license = null;
  byId("view").replaceChildren();
}

/** Draw the view of the address; after a move of the reader the focus goes to its heading. */
async function draw(moved = true) {
  leaveShowing();
  let name = location.hash.slice(1);
  if (!(name in VIEWS) || (name === "show" && !page.license)) name = "wallet";
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
