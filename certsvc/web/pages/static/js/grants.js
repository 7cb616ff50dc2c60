// 授权: one system, one license, one matter, once. The 用证码 is shown here and nowhere else.
import { announce, busy, byId, el } from "./dom.js";
import { call } from "./api.js";
import { grantable } from "./wallet.js";
import { nameOf, readNames } from "./names.js";
import { moment, t } from "./words.js";

const CONSENT = "consent";
const MINUTES = ["30", "120", "1440"];

/** Draw the grants, and the form for a license that was chosen in the wallet. */
export async function drawGrants(place, page) {
  place.append(el("h2", { class: "view-title", tabindex: "-1", t: "holder.grants" }), el("p", { class: "lead", t: "grants.lead" }));
  const [grants, cards, matters] = await Promise.all([page.session.call("GET", "/v1/grants"), page.session.call("GET", "/v1/wallet"), call("GET", "/v1/catalog/matters"), readNames()]);
  const open = matters.filter((matter) => matter.bases.includes(CONSENT));
  const usable = cards.filter((card) => grantable(card, open));
  const formPlace = el("div", { id: "grant-place" });
  const list = grants.length ? el("ul", { class: "uses", id: "grants" }, grants.map((grant) => grantLine(grant, page, matters))) : el("p", { class: "card empty", t: "grants.empty" });
  // While something new is being granted, the list of before steps back.
  const ask = (card) => { list.hidden = true; formPlace.replaceChildren(grantForm(page, usable, open, card, formPlace)); };
  const chosen = usable.find((card) => card.identifier === page.license?.identifier);
  page.license = null;
  if (!usable.length) {
    formPlace.append(el("p", { class: "notice", t: "grants.none_matter" }));
  } else if (chosen) {
    ask(chosen);
  } else {
    formPlace.append(el("p", {}, el("button", { type: "button", class: "button primary", id: "grant-new", t: "grants.new", on: { click: () => { ask(usable[0]); byId("grant-license").focus(); } } })));
  }
  place.append(formPlace, list);
}

// What was granted ---------------------------------------------------------------------------------------------------

function stateOf(grant) {
  if (grant.withdrawn_at) return "taken";
  if (grant.used_at) return "used";
  return new Date(grant.expires_at) < new Date() ? "over" : "open";
}

function grantLine(grant, page, matters) {
  const state = stateOf(grant);
  const matter = matters.find((one) => one.code === grant.matter_code);
  const item = el("li", { class: state === "open" ? "" : "refused", data: { state, grant: grant.grant_id } });
  item.append(
    el("p", { class: "main" }, `${t(`grants.state.${state}`)}　${matter ? matter.name : grant.matter_code}`),
    el("p", {}, grant.client_name, grant.case_no ? `　${grant.case_no}` : ""),
    el("p", {}, t("grants.may_see", { names: grant.fields.map((key) => nameOf(key)).join("、") })),
    el("p", { class: "when" }, t("grants.until", { at: moment(grant.expires_at) })),
  );
  if (state === "open") {
    const take = el("button", { type: "button", class: "button", data: { action: "take" }, t: "grants.take" });
    take.addEventListener("click", () => confirm(t("grants.take_ask"), () => takeBack(grant, page), take));
    item.append(el("p", { class: "row" }, take));
  }
  return item;
}

async function takeBack(grant, page) {
  await page.session.attempt(async () => {
    await page.session.call("DELETE", `/v1/grants/${encodeURIComponent(grant.grant_id)}`);
    announce(t("grants.taken"));
    page.go("grants");
  });
}

/** Ask before something that cannot be undone; the way out comes first. */
function confirm(question, work, opener) {
  const dialog = el("dialog", { class: "ask", "aria-labelledby": "ask-text" });
  const shut = () => dialog.close();
  const yes = el("button", { type: "button", class: "button primary", id: "ask-yes", t: "grants.take" });
  yes.addEventListener("click", () => { shut(); work(); });
  dialog.append(el("p", { id: "ask-text" }, question), el("div", { class: "row" }, el("button", { type: "button", class: "button", id: "ask-no", t: "shell.cancel", on: { click: shut } }), yes));
  dialog.addEventListener("close", () => { dialog.remove(); opener.focus(); });
  byId("main").append(dialog);
  dialog.showModal();
}

// A new one ----------------------------------------------------------------------------------------------------------

function field(id, key, control, hint) {
  const box = el("div", { class: "field" }, el("label", { for: id, t: key }), control);
  if (hint) {
    control.setAttribute("aria-describedby", `${id}-hint`);
    box.append(el("p", { class: "hint", id: `${id}-hint`, t: hint }));
  }
  return box;
}

function grantForm(page, cards, matters, card, formPlace) {
  const license = el("select", { id: "grant-license" }, cards.map((one) => el("option", { value: one.identifier }, `${one.type_name}　${one.number}`)));
  license.value = card.identifier;
  const matter = el("select", { id: "grant-matter" });
  const client = el("input", { id: "grant-client", maxlength: "64", autocomplete: "off", spellcheck: "false", required: true });
  const caseNo = el("input", { id: "grant-case", maxlength: "64", autocomplete: "off", spellcheck: "false" });
  const fields = el("div", { id: "grant-fields" });
  const minutes = el("select", { id: "grant-minutes" }, MINUTES.map((value) => el("option", { value, t: `grants.minutes_${value}` })));
  const submit = el("button", { type: "submit", class: "button primary", id: "grant-submit", t: "grants.submit" });
  const wrong = el("p", { class: "wrong", id: "grant-wrong", role: "alert" });

  const pickMatter = () => {
    const found = matters.find((one) => one.code === matter.value);
    const type = cards.find((one) => one.identifier === license.value).type;
    fields.replaceChildren(...found.allows[type].map((key) => el("label", { class: "tick" }, el("input", { type: "checkbox", name: "field", value: key, checked: true }), nameOf(key))));
    if (document.documentElement.dataset.profile === "sandbox") client.value = `using-${found.authority_code.toLowerCase()}`;
  };
  const pickLicense = () => {
    const type = cards.find((one) => one.identifier === license.value).type;
    matter.replaceChildren(...matters.filter((one) => one.allows[type]).map((one) => el("option", { value: one.code }, one.name)));
    pickMatter();
  };
  license.addEventListener("change", pickLicense);
  matter.addEventListener("change", pickMatter);
  pickLicense();

  const form = el(
    "form",
    { class: "card", id: "grant-form", novalidate: true },
    el("h3", { t: "grants.new" }),
    field("grant-license", "grants.license", license),
    field("grant-matter", "grants.matter", matter),
    field("grant-client", "grants.client", client, "grants.client_hint"),
    field("grant-case", "grants.case", caseNo, "grants.case_hint"),
    el("fieldset", {}, el("legend", { t: "grants.fields" }), fields),
    field("grant-minutes", "grants.minutes", minutes),
    wrong,
    el("div", { class: "row" }, submit, el("button", { type: "button", class: "button", id: "grant-cancel", t: "shell.cancel", on: { click: () => page.go("grants") } })),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = [...form.querySelectorAll('[name="field"]:checked')].map((box) => box.value);
    wrong.textContent = wanted.length ? (client.value.trim() ? "" : t("check.required", { name: t("grants.client") })) : t("grants.none_field");
    client.setAttribute("aria-invalid", String(!client.value.trim()));
    if (wrong.textContent) return;
    const body = { identifier: license.value, client_id: client.value.trim(), matter_code: matter.value, case_no: caseNo.value.trim(), fields: wanted, minutes: Number(minutes.value) };
    busy(submit, () => page.session.attempt(async () => {
      const made = await page.session.call("POST", "/v1/grants", { body });
      formPlace.replaceChildren(grantCode(made, page));
      byId("grant-code-title").focus();
    }));
  });
  return form;
}

function grantCode(made, page) {
  const code = el("p", { class: "grant-code", id: "grant-code", translate: "no" }, made.code);
  const copy = el("button", { type: "button", class: "button primary", id: "grant-copy", t: "grants.copy" });
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(made.code);
    } catch {
      // Copying may be forbidden; then select the code so that the reader can do it.
      getSelection().selectAllChildren(code);
      return;
    }
    copy.textContent = t("grants.copied");
    announce(t("grants.copied"));
  });
  return el(
    "section",
    { class: "card", "aria-labelledby": "grant-code-title" },
    el("h3", { id: "grant-code-title", tabindex: "-1", t: "grants.code" }),
    code,
    el("p", { t: "grants.code_text" }),
    el("p", { class: "when" }, t("grants.until", { at: moment(made.expires_at) })),
    el("div", { class: "row" }, copy, el("button", { type: "button", class: "button", id: "grant-done", t: "grants.done", on: { click: () => page.go("grants") } })),
  );
}
