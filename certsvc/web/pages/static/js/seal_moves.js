// The form of one move of a seal: what it must carry, a clear confirmation, and a way back without effect.
import { busy, el } from "./dom.js";
import { t } from "./words.js";

const LONGEST = { reason: 200, document_no: 60, filing_no: 60 };
/** Moves that are asked for at another address. */
const SPECIAL = {
  make: ["making", () => ({})],
  remake: ["remakes", (said) => ({ cause: "key_lost", ...said })],
  renew: ["remakes", (said) => ({ cause: "certificate", ...said })],
};

let forms = 0;

/** The form for `allowed`; `send(path, body)` does it, `back()` leaves it. */
export function moveForm(allowed, name, { send, back }) {
  forms += 1;
  const form = el("form", { class: "form", novalidate: true, data: { form: allowed.move } });
  if (allowed.move === "remake") form.append(el("p", { class: "notice amber", t: "seals.lost_text" }));
  const inputs = allowed.needs.map((need) => field(form, need));
  const submit = el("button", { type: "submit", class: "button primary" }, t("seals.confirm", { name }));
  form.append(el("p", { class: "row" }, submit, el("button", { type: "button", class: "button", t: "shell.cancel", on: { click: back } })));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const empty = inputs.filter(({ input, wrong }) => mark(input, wrong));
    if (empty.length) {
      empty[0].input.focus();
      return;
    }
    const said = Object.fromEntries(inputs.map(({ need, input }) => [need, input.value.trim()]));
    const [path, body] = SPECIAL[allowed.move] || ["moves", (words) => ({ move: allowed.move, ...words })];
    busy(submit, () => send(path, body(said)));
  });
  return form;
}

function field(form, need) {
  const id = `seal-${need}-${forms}`;
  const input = el("input", { id, type: "text", maxlength: String(LONGEST[need]), autocomplete: "off", "aria-describedby": `${id}-wrong` });
  const wrong = el("p", { class: "wrong", id: `${id}-wrong`, hidden: true, t: "seals.fill" });
  form.append(el("div", { class: "field" }, el("label", { for: id, t: `seals.${need}` }), input, wrong));
  return { need, input, wrong };
}

/** Mark an empty field; whether it is one. */
function mark(input, wrong) {
  const empty = !input.value.trim();
  wrong.hidden = !empty;
  if (empty) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  return empty;
}
