// What the pages of a holder share: the sign-in (one for all of them), their views by address, and the thing in hand.
import { byId, el } from "./dom.js";
import { Session } from "./session.js";
import { startShell } from "./shell.js";

/**
 * Start a page. `views` are name -> function that draws into a place; `tabs` name -> tab that is lit; the first view is
 * where one begins. `inHand` names what the page keeps between views, and `needs` the view that is nothing without it.
 * `leave` ends what a view left running.
 */
export function startOwnPage({ views, tabs, first, inHand, needs, leave }) {
  const page = {
    session: new Session({ name: "holder", roles: ["holder"], onIn: signedIn, onOut: signedOut }),
    [inHand]: null,
    go(view, thing = page[inHand]) {
      page[inHand] = thing;
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
    leave();
    page[inHand] = null;
    byId("view").replaceChildren();
  }

  /** Draw the view of the address; after a move of the reader the focus goes to its heading. */
  async function draw(moved = true) {
    leave();
    let name = location.hash.slice(1);
    if (!Object.hasOwn(views, name) || (name === needs && !page[inHand])) name = first;
    for (const link of document.querySelectorAll("[data-view]")) {
      if (link.dataset.view === tabs[name]) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    const place = el("div", { class: "view", data: { name } });
    byId("view").replaceChildren(place);
    await page.session.attempt(() => views[name](place, page));
    const title = place.querySelector(".view-title");
    if (moved && title) title.focus();
  }
}
