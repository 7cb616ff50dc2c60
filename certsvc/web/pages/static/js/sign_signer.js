// The own e-signature: apply for it, look at it, change PIN and handwriting, stop and resume, end it.
import { Problem } from "./api.js";
import { announce, busy, byId, el, facts, label, shape } from "./dom.js";
import { makePad } from "./pad.js";
import { codeInput, codeParts, field, filled, pinInput, saidAtFields } from "./sign_fields.js";
import { applyWords, moment, t } from "./words.js";

const REASONS = ["cessationOfOperation", "keyCompromise", "superseded"];
const ENDED = ["withdrawn", "expired"];

/** Draw the own e-signature, or the application for one. */
export async function drawSigner(place, page) {
  place.append(el("h2", { class: "view-title", tabindex: "-1", t: "sign.signer" }), el("p", { class: "lead", t: "signer.lead" }));
  const all = await page.session.call("GET", "/v1/signers");
  const living = all.find((one) => !ENDED.includes(one.state));
  if (living) place.append(await card(living, page));
  else if ((await page.session.call("GET", "/v1/me")).holder_kind === "organisation") place.append(elsewhere());
  else place.append(application(await page.session.call("GET", "/v1/signers/agreement"), page));
  const ended = all.filter((one) => ENDED.includes(one.state));
  if (ended.length) {
    place.append(el("section", { class: "card" }, el("h3", { t: "signer.earlier" }), el("ul", { class: "uses" }, ended.map((one) => el("li", { class: "refused" },
      el("p", { class: "main" }, one.state_zh), el("p", {}, one.serial), el("p", { class: "when" }, one.ended_at ? moment(one.ended_at) : ""))))));
  }
}

/** Organisations have seals, and nothing to apply for here. */
function elsewhere() {
  return el("section", { class: "notice", id: "signer-elsewhere" }, el("p", { t: "signer.organisation" }),
    el("p", { class: "row" }, el("a", { class: "button", href: "/seals", t: "signer.organisation_go" })));
}

// Applying -----------------------------------------------------------------------------------------------------------

function application(agreement, page) {
  const agree = el("input", { type: "checkbox", id: "agree" });
  const pin = pinInput("pin-new");
  const again = pinInput("pin-again");
  const code = codeInput("act-code");
  const pad = makePad(() => { wrong.textContent = ""; });
  const wrong = el("p", { class: "wrong", id: "apply-wrong", role: "alert" });
  const go = el("button", { type: "submit", class: "button primary big", id: "apply-go", t: "signer.apply_go" });
  const form = el("form", { class: "card", id: "apply-form", novalidate: true },
    el("h3", { t: "signer.apply_title" }),
    el("details", { open: true }, el("summary", {}, agreement.title), el("ol", { class: "steps" }, agreement.points.map((point) => el("li", {}, point)))),
    el("label", { class: "tick" }, agree, el("span", { t: "signer.agree" })),
    field("pin-new", "signer.pin_new", pin, "signer.pin_hint"),
    field("pin-again", "signer.pin_again", again),
    padField(pad),
    el("p", { t: "signer.code_why" }),
    ...codeParts(page, { path: "/v1/signers/codes", body: { act: "apply" }, code }),
    wrong, go);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!filled(wrong, [[pin, "signer.pin_new"], [again, "signer.pin_again"]])) return;
    if (!agree.checked) wrong.textContent = t("signer.agree_first");
    else if (pin.value !== again.value) wrong.textContent = t("signer.pin_differs");
    else if (!pad.ready) wrong.textContent = t("signer.pad_empty");
    if (wrong.textContent || !filled(wrong, [[code, "sign.code"]])) return;
    const body = { agreement: agreement.version, pin: pin.value, handwriting: pad.picture(), code: code.value.trim() };
    busy(go, () => page.session.attempt(async () => {
      const made = await told({ "/pin": pin, "/code": code }, () => page.session.call("POST", "/v1/signers", { body }));
      if (!made) return;
      announce(t(made.state === "active" ? "signer.apply_done" : "signer.applied_done"));
      if (page.round) page.go("document");
      else page.go("signer");
    }));
  });
  return form;
}

/** The answer to `call`, or null after what the service said stands at the `inputs` (pointer -> input) it is about. */
async function told(inputs, call) {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Problem && saidAtFields(error, inputs)) return null;
    throw error;
  }
}

function padField(pad) {
  const box = el("fieldset", {}, el("legend", { t: "signer.pad" }), el("p", { class: "hint", t: "signer.pad_hint" }), pad.node);
  applyWords(box);
  return box;
}

// What there is ------------------------------------------------------------------------------------------------------

async function card(signer, page) {
  const path = `/v1/signers/${encodeURIComponent(signer.signer_id)}`;
  const picture = await page.session.call("GET", `${path}/handwriting`, { blob: true });
  const address = URL.createObjectURL(picture);
  const image = el("img", { src: address, alt: t("signer.picture"), id: "signer-picture", on: { load: () => URL.revokeObjectURL(address) } });
  const good = signer.state === "active" && !signer.locked;
  const box = el("section", { class: "card", id: "signer-card", data: { state: signer.state, locked: String(signer.locked) } },
    el("p", {}, el("b", { class: "signer-name" }, signer.name), " ", el("span", { class: `state ${good ? "is-good" : "is-bad"}` }, shape(good ? "yes" : "no"), signer.state_zh)),
    signer.locked ? el("p", { class: "notice red", t: "signer.locked" }) : null,
    el("figure", { class: "handwriting" }, image, el("figcaption", { t: "signer.picture" })),
    facts([
      [label("signer.until"), signer.valid_until ? moment(signer.valid_until) : ""],
      [label("signer.serial"), signer.serial],
      [label("signer.applied_at"), moment(signer.applied_at)],
    ]));
  const work = el("div", { id: "signer-work" });
  const offer = (id, key, make) => {
    const button = el("button", { type: "button", class: "button", id, t: key });
    button.addEventListener("click", () => { work.replaceChildren(make(page, path, work)); work.querySelector("input, canvas, button").focus(); });
    return button;
  };
  const buttons = el("div", { class: "row" });
  if (signer.state === "active" && !signer.locked) buttons.append(offer("do-pin", "signer.change_pin", pinForm), offer("do-rewrite", "signer.rewrite", rewriteForm), stopButton(page, path));
  if (signer.state === "stopped" && !signer.locked) buttons.append(offer("do-resume", "signer.resume", resumeForm));
  buttons.append(offer("do-withdraw", "signer.withdraw", withdrawForm));
  return el("div", {}, box, buttons, work);
}

function stopButton(page, path) {
  const button = el("button", { type: "button", class: "button", id: "do-stop", t: "signer.stop" });
  button.addEventListener("click", () => busy(button, () => send(page, "POST", `${path}/changes`, { change: "stop" }, "signer.stopped")));
  return button;
}

/** One small form: its fields, a button that sends it, and the way out first. */
function small(page, work, { id, title, text, parts, go, body, check, method = "POST", path, done, inputs = {} }) {
  const wrong = el("p", { class: "wrong", role: "alert" });
  const button = el("button", { type: "submit", class: "button primary", id: `${id}-go`, t: go });
  const form = el("form", { class: "card", id, novalidate: true }, el("h3", { t: title }), text ? el("p", { t: text }) : null, parts, wrong,
    el("div", { class: "row" }, el("button", { type: "button", class: "button", id: `${id}-no`, t: "shell.cancel", on: { click: () => work.replaceChildren() } }), button));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (check(wrong)) busy(button, () => send(page, method, path, body(), done, inputs));
  });
  return form;
}

async function send(page, method, path, body, done, inputs = {}) {
  await page.session.attempt(async () => {
    if (!(await told(inputs, () => page.session.call(method, path, { body })))) return;
    announce(t(done));
    page.go("signer");
  });
}

function pinForm(page, path, work) {
  const now = pinInput("pin-now");
  const code = codeInput("act-code");
  const pin = pinInput("pin-new");
  const again = pinInput("pin-again");
  const check = (wrong) => {
    if (!filled(wrong, [[now, "signer.pin_now"], [pin, "signer.pin_new"], [again, "signer.pin_again"]])) return false;
    if (pin.value !== again.value) wrong.textContent = t("signer.pin_differs");
    return !wrong.textContent && filled(wrong, [[code, "sign.code"]]);
  };
  const parts = [
    field("pin-now", "signer.pin_now", now), field("pin-new", "signer.pin_new", pin, "signer.pin_hint"), field("pin-again", "signer.pin_again", again),
    ...codeParts(page, { path: "/v1/signers/codes", body: { act: "pin" }, code }),
  ];
  const inputs = { "/pin": now, "/new_pin": pin, "/code": code };
  return small(page, work, { id: "pin-form", title: "signer.change_pin", parts, go: "signer.save", check, body: () => ({ pin: now.value, new_pin: pin.value, code: code.value.trim() }), path: `${path}/pin`, done: "signer.pin_changed", inputs });
}

function rewriteForm(page, path, work) {
  const pad = makePad();
  const check = (wrong) => {
    wrong.textContent = pad.ready ? "" : t("signer.pad_empty");
    return pad.ready;
  };
  return small(page, work, { id: "rewrite-form", title: "signer.rewrite", parts: [padField(pad)], go: "signer.save", check, body: () => ({ handwriting: pad.picture() }), method: "PUT", path: `${path}/handwriting`, done: "signer.rewritten" });
}

function resumeForm(page, path, work) {
  const pin = pinInput("pin-now");
  const check = (wrong) => filled(wrong, [[pin, "sign.pin"]]);
  return small(page, work, { id: "resume-form", title: "signer.resume", parts: [field("pin-now", "sign.pin", pin)], go: "signer.resume", check, body: () => ({ change: "resume", pin: pin.value }), path: `${path}/changes`, done: "signer.resumed", inputs: { "/pin": pin } });
}

function withdrawForm(page, path, work) {
  const why = el("select", { id: "withdraw-why" }, REASONS.map((value) => el("option", { value, t: `signer.why.${value}` })));
  return small(page, work, { id: "withdraw-form", title: "signer.withdraw", text: "signer.withdraw_text", parts: [field("withdraw-why", "signer.withdraw_why", why)], go: "signer.withdraw_go", check: () => true, body: () => ({ reason: byId("withdraw-why").value }), path: `${path}/withdrawal`, done: "signer.withdrawn" });
}
