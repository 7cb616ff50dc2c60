// What whoever is visited sees after scanning the officers' code: who came, from where, for what, until when.
import { call, trouble } from "./api.js";
import { byId, el, facts, label, shape } from "./dom.js";
import { startShell } from "./shell.js";
import { english, has, moment, t } from "./words.js";

const place = byId("proof");
let proof = null;

startShell(() => { if (proof) draw(); });
ask();

async function ask() {
  const token = location.pathname.split("/").at(-1);
  trouble(null);
  try {
    proof = await call("GET", `/v1/officers/${encodeURIComponent(token)}`);
    draw();
  } catch (error) {
    trouble(error, { retry: ask });
  }
}

/** The state in the reader's language; what the service says itself stays Chinese. */
function stateOf({ state, state_zh }) {
  const key = `proof.state.${state}`;
  return english() && has(key) ? t(key) : state_zh;
}

function draw() {
  const open = proof.state === "open";
  const officers = proof.officers.map((one) => el("li", {}, el("b", {}, one.badge), el("span", {}, one.authority_name), el("span", {}, one.unit)));
  place.dataset.state = proof.state;
  place.replaceChildren(
    el("div", { class: `notice ${open ? "green" : "amber"}` }, shape(open ? "yes" : "later", "notice-shape"), el("h2", { id: "proof-state" }, stateOf(proof)), el("p", {}, proof.text)),
    facts([
      [label("proof.body"), [proof.authority_name, ...proof.departments].join("、")],
      [label("proof.task"), [proof.task_kind_zh, proof.task_no].filter(Boolean).join("　")],
      [label("proof.kinds"), proof.kinds.join("、")],
      [label("proof.from"), moment(proof.opened_at)],
      [label("proof.until"), moment(proof.valid_until)],
    ]),
    ...(officers.length ? [el("h3", { t: "proof.officers" }), el("ul", { class: "officers", id: "proof-officers" }, officers)] : []),
  );
  place.hidden = false;
}
