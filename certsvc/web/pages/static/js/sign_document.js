// One document: who signs, every page of it, and then the confirmation with PIN and code, or the refusal.
import { Problem, trouble } from "./api.js";
import { announce, busy, byId, el, facts, label } from "./dom.js";
import { codeInput, codeParts, field, filled, pinInput } from "./sign_fields.js";
import { roundState } from "./sign_waiting.js";
import { moment, t } from "./words.js";

const WIDTH = 960;
const SHORT_DIGEST = 8;
let pictures = [];

/** Forget the pictures of the document that was open. */
export function leaveDocument() {
  for (const address of pictures) URL.revokeObjectURL(address);
  pictures = [];
}

/** Draw the document in hand into `place`. */
export async function drawDocument(place, page) {
  const round = await page.session.call("GET", `/v1/signings/${encodeURIComponent(page.round)}`);
  place.append(
    el("p", {}, el("button", { type: "button", class: "button quiet", id: "document-back", t: "sign.back", on: { click: () => page.go("waiting", null) } })),
    el("h2", { class: "view-title", tabindex: "-1" }, round.title),
    about(round),
  );
  const after = el("div", { id: "after-pages" });
  const pages = el("section", { class: "card", id: "pages", "aria-labelledby": "pages-title" },
    el("h3", { id: "pages-title", t: "sign.pages" }),
    el("p", { t: "sign.pages_text", args: { count: round.pages } }));
  place.append(pages, after);
  await showPages(pages, round, page);
  pages.append(el("p", { class: "hint", t: "sign.digest", args: { digest: round.sha256.slice(0, SHORT_DIGEST) } }), download(round, page));
  if (!round.my_turn) return;
  const signers = await page.session.call("GET", "/v1/signers");
  after.append(signers.some((one) => one.state === "active") ? confirmation(round, page) : noSigner(page));
  after.append(refusal(round, page));
}

function sealWord(round) {
  if (round.seal.sealed_at) return "sign.sealed";
  return round.state === "unsealed" ? "sign.seal_refused" : "sign.not_sealed";
}

function about(round) {
  const people = el("ol", { class: "signers", id: "signers" }, round.steps.map((step) => el("li", { data: { state: step.state } },
    el("b", {}, step.name), el("span", {}, step.reason), el("span", { class: "when" }, step.signed_at ? `${step.state_zh}　${moment(step.signed_at)}` : step.state_zh))));
  const seal = round.seal ? el("dd", {}, el("span", { t: sealWord(round) }), round.seal.trouble ? el("p", { id: "seal-trouble" }, round.seal.trouble) : null) : "";
  return el("section", { class: "card" },
    el("p", {}, roundState(round)),
    facts([
      [label("sign.asked_at"), moment(round.created_at)],
      [label("sign.deadline"), moment(round.deadline)],
      [label("sign.final_seal"), seal],
    ]),
    el("h3", { t: "sign.people" }), people);
}

/** Every page, one after the other: what is on the screen is the file with the digest that is confirmed. */
async function showPages(place, round, page) {
  for (let number = 1; number <= round.pages; number += 1) {
    const path = `/v1/signings/${encodeURIComponent(round.round_id)}/pages/${number}?sha256=${round.sha256}&width=${WIDTH}`;
    const address = URL.createObjectURL(await page.session.call("GET", path, { blob: true }));
    pictures.push(address);
    place.append(el("figure", { class: "sheet" },
      el("img", { src: address, alt: t("sign.page", { number, count: round.pages }) }),
      el("figcaption", { t: "sign.page", args: { number, count: round.pages } })));
  }
}

function download(round, page) {
  const button = el("button", { type: "button", class: "button", id: "document-file", t: "sign.file" });
  button.addEventListener("click", () => busy(button, () => page.session.attempt(async () => {
    const data = await page.session.call("GET", `/v1/signings/${encodeURIComponent(round.round_id)}/file`, { blob: true });
    const address = URL.createObjectURL(data);
    const name = `${round.round_id}.pdf`;
    const link = el("a", { href: address, download: name, class: "unseen" });
    byId("main").append(link);
    link.click();
    link.remove();
    // The browser needs the address until it has read the bytes.
    setTimeout(() => URL.revokeObjectURL(address), 60000);
    announce(t("sign.file_done", { name }));
  })));
  return el("p", { class: "row" }, button);
}

function noSigner(page) {
  return el("section", { class: "notice amber" }, el("p", { t: "sign.no_signer" }),
    el("p", { class: "row" }, el("button", { type: "button", class: "button primary", id: "go-apply", t: "sign.apply_go", on: { click: () => page.go("signer") } })));
}

function confirmation(round, page) {
  const pin = pinInput("sign-pin");
  const code = codeInput("sign-code");
  const wrong = el("p", { class: "wrong", id: "sign-wrong", role: "alert" });
  const go = el("button", { type: "submit", class: "button primary big", id: "sign-go", t: "sign.go" });
  const inputs = [[pin, "sign.pin"]];
  const form = el("form", { class: "card", id: "sign-form", novalidate: true },
    el("h3", { t: "sign.confirm_title" }), el("p", { t: "sign.confirm_text" }));
  if (round.needs_code) {
    inputs.unshift([code, "sign.code"]);
    const path = `/v1/signings/${encodeURIComponent(round.round_id)}/codes`;
    if (round.new_signer) form.append(el("p", { class: "hint", id: "sign-first-day", t: "sign.first_day" }));
    form.append(...codeParts(page, { path, body: { document_sha256: round.sha256 }, code }));
  }
  form.append(field("sign-pin", "sign.pin", pin), wrong, go);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!filled(wrong, inputs)) return;
    busy(go, async () => {
      announce(t("sign.busy"));
      const body = { document_sha256: round.sha256, pin: pin.value, code: code.value.trim() };
      try {
        trouble(null);
        await page.session.call("POST", `/v1/signings/${encodeURIComponent(round.round_id)}/signatures`, { body });
      } catch (error) {
        pin.value = "";
        if (!(error instanceof Problem)) throw error;
        if (error.kind === "401") return;
        // What the service says about PIN and code stands where they were typed.
        if (["pin_refused", "code_refused"].includes(error.code)) {
          wrong.textContent = error.detail;
          (error.code === "pin_refused" ? pin : code).focus();
        } else trouble(error);
        return;
      }
      announce(t("sign.done"));
      page.go("waiting", null);
    });
  });
  return form;
}

function refusal(round, page) {
  const reason = el("textarea", { id: "refuse-reason", rows: "3", maxlength: "200", required: true });
  const wrong = el("p", { class: "wrong", role: "alert" });
  const go = el("button", { type: "submit", class: "button", id: "refuse-go", t: "sign.refuse_go" });
  const form = el("form", { class: "card", id: "refuse-form", novalidate: true, hidden: true },
    el("h3", { t: "sign.refuse_title" }), el("p", { t: "sign.refuse_text" }),
    field("refuse-reason", "sign.refuse_reason", reason), wrong,
    el("div", { class: "row" }, el("button", { type: "button", class: "button primary", id: "refuse-no", t: "shell.cancel", on: { click: () => { form.hidden = true; open.hidden = false; open.focus(); } } }), go));
  const open = el("button", { type: "button", class: "button quiet", id: "refuse-open", t: "sign.refuse" });
  open.addEventListener("click", () => { form.hidden = false; open.hidden = true; reason.focus(); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!filled(wrong, [[reason, "sign.refuse_reason"]])) return;
    busy(go, () => page.session.attempt(async () => {
      const body = { reason: reason.value.trim().replace(/\s+/g, " ") };
      await page.session.call("POST", `/v1/signings/${encodeURIComponent(round.round_id)}/refusals`, { body });
      announce(t("sign.refuse_done"));
      page.go("waiting", null);
    }));
  });
  return el("div", {}, el("p", {}, open), form);
}
