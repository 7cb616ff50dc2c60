// Who is signed in on this page, for this tab only. The token lives in sessionStorage and travels as Bearer; it never
// stands in an address.
import { call, Problem, trouble } from "./api.js";
import { announce, busy, byId, el } from "./dom.js";
import { endSession, watchIdle } from "./leaving.js";
import { loginUrl, providerButton } from "./provider.js";
import { t } from "./words.js";

/** So many names are too many to look through. */
const MANY_PEOPLE = 12;

/** The role and the unit beside a name, as far as the name does not say them already. */
function whatOf(person, role) {
  const unit = person.authority_name && person.authority_name !== person.name ? el("small", {}, person.authority_name) : null;
  return [t(`role.${role}`) === person.name ? null : el("small", { t: `role.${role}` }), unit];
}

/** A sign-in for people with one of `roles`, kept under `name`; `onIn` and `onOut` draw the page. */
export class Session {
  constructor({ name, roles, onIn, onOut }) {
    this.key = `certsvc.${name}`;
    this.roles = roles;
    this.onIn = onIn;
    this.onOut = onOut;
    this.kept = this.#read();
  }

  /** {token, name} of the person, or null. */
  get person() {
    return this.kept;
  }

  /** Show the page as signed in, or the login. */
  start() {
    byId("logout").addEventListener("click", () => this.end(t("login.left")));
    watchIdle({ signedIn: () => this.kept !== null, onIdle: () => this.#leave(new Problem("idle")) });
    if (this.kept) this.#in();
    else this.#login();
  }

  /** Call the service as this person; an ended session leads back to the login with a sentence that says so. */
  async call(method, path, options = {}) {
    try {
      return await call(method, path, { ...options, token: this.kept?.token });
    } catch (error) {
      if (error instanceof Problem && error.kind === "401") this.#out(error);
      throw error;
    }
  }

  /** Run `work`; what goes wrong is shown, with another try where that can help. A lost session was shown already. */
  async attempt(work) {
    try {
      trouble(null);
      return await work();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const again = ["network", "slow", "429", "500", "503"].includes(error.kind);
      if (error.kind !== "401") trouble(error, { retry: again ? () => this.attempt(work) : undefined });
      return undefined;
    }
  }

  /** Forget the person, and let the token open nothing from now on. */
  end(sentence = "") {
    this.#leave(null);
    if (sentence) announce(sentence);
  }

  #leave(problem) {
    endSession(this.kept?.token);
    this.#out(problem);
  }

  #read() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.key));
      return kept && kept.until > Date.now() ? kept : null;
    } catch {
      return null;
    }
  }

  #out(problem) {
    this.kept = null;
    sessionStorage.removeItem(this.key);
    byId("signed-in").hidden = true;
    this.onOut();
    this.#login().then(() => trouble(problem));
  }

  #in() {
    byId("login").hidden = true;
    byId("signed-in").hidden = false;
    this.onIn(this.kept);
  }

  async #login() {
    const place = byId("login");
    place.hidden = false;
    place.replaceChildren(el("h2", { id: "login-title", tabindex: "-1", t: "login.title" }));
    const sandbox = document.documentElement.dataset.profile === "sandbox";
    if (loginUrl()) place.append(providerButton(this.key));
    else if (!sandbox) {
      place.append(el("p", { id: "login-production", t: "login.production" }), el("p", { class: "hint", t: "login.production_next" }));
    }
    if (!sandbox) return;
    place.append(el("p", { t: "login.pick" }), el("p", { class: "hint", t: "login.sandbox" }));
    await this.attempt(async () => this.#offer(place, await call("GET", "/v1/sandbox/people")));
  }

  #offer(place, people) {
    const fitting = people.filter((person) => person.roles.some((role) => this.roles.includes(role)));
    if (!fitting.length) {
      place.append(el("p", { class: "empty", t: "login.none" }));
      return;
    }
    const list = el("ul", { class: "people", id: "people" });
    for (const person of fitting) {
      const role = person.roles.find((one) => this.roles.includes(one));
      const button = el("button", { type: "button", class: "button", data: { subject: person.subject } }, el("span", {}, person.name), ...whatOf(person, role));
      button.addEventListener("click", () => busy(button, () => this.attempt(() => this.#enter(person))));
      list.append(el("li", {}, button));
    }
    if (fitting.length > MANY_PEOPLE) {
      place.append(this.#finder(list));
    }
    place.append(list);
  }

  /** A box that leaves only the people whose name holds what was typed. */
  #finder(list) {
    const box = el("input", { id: "people-find", type: "search", autocomplete: "off" });
    const none = el("p", { class: "empty", role: "status", id: "people-none" });
    box.addEventListener("input", () => {
      const wanted = box.value.trim();
      let left = 0;
      for (const item of list.children) {
        item.hidden = !item.textContent.includes(wanted);
        left += item.hidden ? 0 : 1;
      }
      none.textContent = left ? "" : t("login.not_found");
    });
    return el("div", { class: "field" }, el("label", { for: "people-find", t: "login.find" }), box, none);
  }

  async #enter(person) {
    const answer = await call("POST", "/v1/sandbox/login", { body: { subject: person.subject } });
    this.kept = { token: answer.access_token, name: person.name, roles: person.roles, until: Date.now() + answer.expires_in * 1000 };
    sessionStorage.setItem(this.key, JSON.stringify(this.kept));
    announce(t("login.done", { name: person.name }));
    this.#in();
  }
}
