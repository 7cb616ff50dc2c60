// 好差评: whoever holds the code of a completed service rates it, once, without a login.
import { call, Problem, trouble } from "./api.js";
import { announce, busy, byId, el, facts, label } from "./dom.js";
import { startShell } from "./shell.js";
import { moment, t } from "./words.js";

const BAD = 2;
const path = `/v1/ratings/${encodeURIComponent(location.pathname.split("/").at(-1))}`;
let service = null;

startShell(() => { if (service) draw(); });
byId("rate-form").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
ask();

async function ask() {
  trouble(null);
  try {
    service = await call("GET", path);
    draw();
  } catch (error) {
    trouble(error, { retry: error instanceof Problem && error.kind !== "404" ? ask : undefined });
  }
}

function draw() {
  byId("rate-what").replaceChildren(
    el("h2", { id: "rate-matter" }, service.matter_name),
    facts([
      [label("rate.body"), service.authority_name],
      [label("rate.channel"), service.channel_zh],
      [label("rate.completed"), moment(service.completed_at)],
    ]),
  );
  byId("rate-what").hidden = false;
  byId("rate-form").hidden = !service.open;
  byId("rate-closed").hidden = service.open || service.mark > 0;
  byId("rate-done").hidden = !service.mark;
  if (service.mark) {
    byId("rate-done-mark").textContent = t("rate.done_mark", { mark: service.mark_zh });
    byId("rate-done-next").textContent = service.mark <= BAD ? t("rate.done_bad") : "";
  }
  if (service.open && !byId("rate-marks").children.length) drawMarks();
}

function drawMarks() {
  const marks = Object.keys(service.marks).sort((one, other) => other - one);
  byId("rate-marks").replaceChildren(...marks.map((mark) => el("label", { class: "rate-mark" },
    el("input", { type: "radio", name: "mark", value: mark, on: { change: () => drawReasons(Number(mark)) } }),
    el("span", {}, service.marks[mark]))));
}

function drawReasons(mark) {
  const fitting = service.reasons.filter((reason) => reason.good === mark > BAD);
  byId("rate-reasons").replaceChildren(...fitting.map((reason) => el("label", { class: "tick" },
    el("input", { type: "checkbox", name: "reason", value: reason.key }), el("span", {}, reason.name))));
  byId("rate-reasons-box").hidden = false;
}

async function send() {
  const chosen = document.querySelector('input[name="mark"]:checked');
  if (!chosen) {
    announce(t("rate.choose"));
    document.querySelector('input[name="mark"]').focus();
    return;
  }
  const reasons = [...document.querySelectorAll('input[name="reason"]:checked')].map((one) => one.value);
  const body = { mark: Number(chosen.value), reasons, text: byId("rate-text").value.trim().replace(/\s+/g, " ") };
  await busy(byId("rate-submit"), async () => {
    try {
      trouble(null);
      service = await call("POST", path, { body });
      draw();
      byId("rate-done").focus();
    } catch (error) {
      trouble(error);
    }
  });
}
