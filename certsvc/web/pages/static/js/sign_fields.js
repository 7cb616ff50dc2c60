// Fields of the forms where people sign: a word of complaint stands at the field it is about.
import { announce, busy, byId, el } from "./dom.js";
import { t } from "./words.js";

/** A field whose label is one of our words. */
export function field(id, key, control, hint) {
  const box = el("div", { class: "field" }, el("label", { for: id, t: key }), control);
  if (hint) {
    control.setAttribute("aria-describedby", `${id}-hint`);
    box.append(el("p", { class: "hint", id: `${id}-hint`, t: hint }));
  }
  return box;
}

/** An input for digits that nobody should see or keep. */
export function pinInput(id) {
  return el("input", { id, type: "password", inputmode: "numeric", autocomplete: "off", maxlength: "12", required: true });
}

/** An input for the digits of a code. */
export function codeInput(id) {
  return el("input", { id, inputmode: "numeric", autocomplete: "one-time-code", maxlength: "6", required: true });
}

/** Put a word of complaint into `wrong` for the first empty input; whether all are filled. */
export function filled(wrong, inputs) {
  wrong.textContent = "";
  for (const [input, key] of inputs) {
    const empty = !input.value.trim();
    complain(input, "");
    input.setAttribute("aria-invalid", String(empty));
    if (empty && !wrong.textContent) {
      wrong.textContent = t("sign.required", { name: t(key) });
      input.focus();
    }
  }
  return !wrong.textContent;
}

/** Say at `input` what is wrong with it; an empty text takes that back. */
export function complain(input, text) {
  const id = `${input.id}-wrong`;
  byId(id)?.remove();
  input.setAttribute("aria-invalid", String(Boolean(text)));
  const others = (input.getAttribute("aria-describedby") || "").split(" ").filter((one) => one && one !== id);
  if (text) {
    input.after(el("p", { class: "wrong", id, role: "alert" }, text));
    others.unshift(id);
  }
  if (others.length) input.setAttribute("aria-describedby", others.join(" "));
  else input.removeAttribute("aria-describedby");
}

/** Refusals that speak of one field without naming it. */
const FIELD_OF = { pin_refused: "/pin", code_refused: "/code" };

/** Put what the service said at the fields it is about (pointer -> input); whether nothing is left to say elsewhere. */
export function saidAtFields(problem, inputs) {
  const pointer = FIELD_OF[problem.code];
  const said = pointer ? [{ pointer, detail: problem.detail }] : problem.errors;
  const placed = said.filter((one) => inputs[one.pointer] && one.detail);
  for (const one of placed) complain(inputs[one.pointer], one.detail);
  if (placed.length) inputs[placed[0].pointer].focus();
  return placed.length > 0 && placed.length === said.length;
}

/** A button that has a code sent (`path`, `body`), the message of the sandbox, and the field for its digits. */
export function codeParts(page, { path, body, code, hint = "sign.code_hint" }) {
  const message = el("div", { id: "code-message" });
  const button = el("button", { type: "button", class: "button", id: "code-get", t: "sign.code_get" });
  button.addEventListener("click", () => busy(button, () => page.session.attempt(async () => {
    await page.session.call("POST", path, { body });
    announce(t("sign.code_sent"));
    if (document.documentElement.dataset.profile === "sandbox") {
      const [newest] = await page.session.call("GET", "/v1/sandbox/messages");
      message.replaceChildren(el("div", { class: "notice" }, el("p", { t: "sign.code_sample" }), el("p", { id: "code-sample" }, newest.text)));
    } else {
      message.replaceChildren(el("p", { class: "notice green", t: "sign.code_sent" }));
    }
    code.focus();
  })));
  return [el("div", { class: "row" }, button), message, field(code.id, "sign.code", code, hint)];
}
