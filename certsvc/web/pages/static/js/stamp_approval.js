// The approval of one stamping: asked for exactly what the preview shows, waited for, and taken along when it is sealed.
// The same file placed in the same way is the same content, so an approval is found again after another upload.
import { announce, busy, el } from "./dom.js";
import { moment, t } from "./words.js";

const LOOK_AGAIN_MS = 5000;
const COLOURS = { waiting: "amber", granted: "green", refused: "red" };

/** What the rules of a seal ask for before a keeper may use it by hand. */
export class Approval {
  constructor(place, { session, onChange }) {
    this.place = place;
    this.session = session;
    this.onChange = onChange;
    this.forget();
  }

  /** Whether the seal may be used now as far as approval goes. */
  get ready() {
    return !this.needed || this.one?.state === "granted";
  }

  /** Whether there is nothing yet that could be waited for. */
  get unasked() {
    return this.needed > 0 && (!this.one || this.one.state === "refused");
  }

  /** The id to seal with, or empty. */
  get id() {
    return this.needed && this.one ? this.one.approval_id : "";
  }

  forget() {
    clearTimeout(this.timer);
    this.needed = 0;
    this.shown = null;
    this.one = null;
    this.place.replaceChildren();
    this.place.hidden = true;
  }

  /** Begin with a preview: what the seal asks for, and what was asked for this content before. */
  async begin(seal, shown) {
    this.forget();
    this.needed = seal.current?.manual_needed || 0;
    this.seal = seal;
    this.shown = shown;
    if (this.needed) {
      const all = await this.session.call("GET", "/v1/seal-approvals");
      const fits = (one) => one.seal_id === seal.seal_id && one.digest === shown.content_digest && new Date(one.expires_at) > new Date();
      const found = all.find((one) => fits(one) && ["granted", "waiting"].includes(one.state));
      if (found) this.one = await this.#read(found.approval_id);
    }
    this.#changed();
  }

  async ask(purpose) {
    this.one = await this.session.call("POST", "/v1/seal-approvals", { body: { seal_id: this.seal.seal_id, digest: this.shown.content_digest, purpose } });
    announce(t("stamp.asked"));
    this.#changed();
  }

  redraw() {
    if (!this.needed) return;
    this.place.hidden = false;
    const state = this.one?.state || "none";
    const lines = [el("b", { t: `stamp.approval.${state}`, args: { n: this.needed } })];
    if (this.one) lines.push(el("p", { t: "stamp.approval.purpose", args: { purpose: this.one.purpose } }));
    if (state === "waiting") {
      const agreed = this.one.votes.filter((vote) => vote.agrees).length;
      lines.push(el("p", { t: "stamp.approval.agreed", args: { agreed, n: this.one.needed } }), el("p", { t: "stamp.approval.wait" }));
      const again = el("button", { type: "button", class: "button", id: "approval-again", t: "stamp.approval.again" });
      again.addEventListener("click", () => busy(again, () => this.session.attempt(() => this.#look())));
      lines.push(el("p", { class: "row" }, again));
    }
    if (this.one && state !== "refused") lines.push(el("p", { t: "stamp.approval.until", args: { at: moment(this.one.expires_at) } }));
    this.place.replaceChildren(el("div", { class: `notice ${COLOURS[state] || "amber"}`, data: { approval: state } }, lines));
  }

  async #read(approvalId) {
    return this.session.call("GET", `/v1/seal-approvals/${encodeURIComponent(approvalId)}`);
  }

  async #look() {
    const asked = this.one;
    const found = await this.#read(asked.approval_id);
    if (this.one !== asked) return;
    this.one = found;
    if (found.state !== asked.state) announce(t(`stamp.approval.${found.state}`, { n: this.needed }));
    this.#changed();
  }

  #changed() {
    clearTimeout(this.timer);
    this.redraw();
    this.onChange();
    // Quietly: a look that fails is made again, and the button says what is wrong.
    if (this.one?.state === "waiting") this.timer = setTimeout(() => this.#look().catch(() => this.#changed()), LOOK_AGAIN_MS);
  }
}
