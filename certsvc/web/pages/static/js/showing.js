// 亮证: choose a scene, see what will be seen, show the code. The code is replaced before it ends; times are measured from
// the service's own figures with this device's stopwatch, so a wrong clock does no harm.
import { Problem, problemBox } from "./api.js";
import { announce, busy, byId, el, facts, shape, svgPart } from "./dom.js";
import { decisions, stateMark } from "./wallet.js";
import { moment, t } from "./words.js";

const LONGEST_MS = 10 * 60 * 1000;
const TICK_MS = 250;
const RADIUS = 15;

/** The show that is running: its timer and its parts; null when none. */
let running = null;

/** Stop showing, whatever is on the screen. */
export function leaveShowing() {
  if (!running) return;
  clearInterval(running.timer);
  document.removeEventListener("visibilitychange", running.onVisible);
  running = null;
}

/** First step: which scene. */
export async function drawShowing(place, page) {
  const card = page.license;
  const list = el("ul", { class: "scenes", id: "scenes" });
  for (const scene of card.scenes) {
    const button = el("button", { type: "button", class: "button", data: { scene: scene.code } }, el("span", {}, scene.name), el("small", { t: `show.audience.${scene.audience}` }));
    button.addEventListener("click", () => busy(button, () => page.session.attempt(async () => preview(place, page, scene, await makeCode(page, scene)))));
    list.append(el("li", {}, button));
  }
  const back = el("button", { type: "button", class: "button", t: "shell.back", on: { click: () => page.go("wallet") } });
  place.replaceChildren(
    el("h2", { class: "view-title", tabindex: "-1", t: "show.choose" }),
    el("section", { class: "card" }, el("p", { class: "row" }, el("b", {}, card.type_name), stateMark(card)), el("p", { t: "show.choose_text" }), list, el("p", { class: "row" }, back)),
  );
}

async function makeCode(page, scene) {
  const startedAt = performance.now(); // before the question: the life of a code begins at the server
  const made = await page.session.call("POST", "/v1/shows", { body: { identifier: page.license.identifier, scene: scene.code } });
  const span = (from, to) => new Date(to) - new Date(from);
  return { ...made, startedAt, refreshMs: span(made.created_at, made.refresh_at), lifeMs: span(made.created_at, made.expires_at) };
}

function fieldList(made) {
  return made.fields.length ? facts(made.fields.map((field) => [field.name, field.value])) : el("p", { t: "show.none_fields" });
}

/** Second step: the fields, before anybody sees them. The code exists already but is not on the screen yet. */
function preview(place, page, scene, made) {
  const go = el("button", { type: "button", class: "button primary big", id: "show-go", t: "show.go" });
  go.addEventListener("click", () => busy(go, () => page.session.attempt(async () => {
    const fresh = performance.now() - made.startedAt < made.refreshMs / 2 ? made : await makeCode(page, scene);
    await showCode(place, page, scene, fresh);
  })));
  const edit = el("button", { type: "button", class: "button", id: "show-edit", t: "show.edit", on: { click: () => page.go("show") } });
  const title = el("h2", { class: "view-title", tabindex: "-1", t: "show.preview" });
  place.replaceChildren(title, el("section", { class: "card", id: "show-preview" }, el("p", { t: "show.preview_text", args: { scene: scene.name } }), fieldList(made), el("p", { class: "row" }, go, edit)));
  title.focus();
}

/** Third step: the code. */
async function showCode(place, page, scene, made) {
  leaveShowing();
  const picture = el("img", { id: "show-qr", alt: t("show.code_label", { type: made.type_name }), width: "340", height: "340" });
  const frame = el("div", { class: "code-frame", id: "code-frame" }, el("div", { class: "code-paper" }, picture), el("p", { class: "code-stop", t: "show.stopped" }));
  const ring = svgPart("circle", { cx: 18, cy: 18, r: RADIUS, fill: "none", "stroke-width": 4, class: "left", transform: "rotate(-90 18 18)", pathLength: 100, "stroke-dasharray": "100 100" });
  const clock = svgPart("svg", { viewBox: "0 0 36 36", "aria-hidden": "true" });
  clock.append(svgPart("circle", { cx: 18, cy: 18, r: RADIUS, fill: "none", "stroke-width": 4, class: "track" }), ring);
  const left = el("b", { id: "show-left" });
  const at = el("p", { class: "made", id: "show-made" });
  const why = el("div", { id: "show-why" });
  const stop = el("div", { id: "show-stop" });
  const seen = el("section", { class: "seen" });
  const refresh = el("button", { type: "button", class: "button", id: "show-refresh", t: "show.refresh" });
  const end = el("button", { type: "button", class: "button", id: "show-end", t: "show.end", on: { click: () => page.go("wallet") } });
  const title = el("h2", { class: "view-title", tabindex: "-1" }, made.type_name);
  place.replaceChildren(title, el("section", { class: "card shown", id: "showing" }, why, frame, el("p", { class: "ticker" }, clock, left), at, el("p", { t: "show.ask" }), stop, el("div", { class: "row" }, refresh, end), seen));
  const parts = { picture, frame, ring, left, at, why, stop, seen };
  running = { page, scene, parts, made: null, begun: performance.now(), busy: false, timer: 0, onVisible: () => { if (!document.hidden) tick(); } };
  refresh.addEventListener("click", () => busy(refresh, () => { if (running) running.begun = performance.now(); return renew(); }));
  document.addEventListener("visibilitychange", running.onVisible);
  running.timer = setInterval(tick, TICK_MS);
  await put(made);
  title.focus({ preventScroll: true });
  byId("showing")?.scrollIntoView({ block: "start" });
}

/** Put a new code on the screen. */
async function put(made) {
  const { parts, page } = running;
  running.made = made;
  parts.picture.src = `data:image/png;base64,${made.qr_png}`;
  parts.frame.classList.remove("stopped");
  parts.frame.classList.toggle("abnormal", !made.good);
  parts.stop.replaceChildren();
  parts.at.textContent = t("show.made", { at: moment(made.created_at) });
  parts.seen.replaceChildren(el("h3", { t: "show.seen" }), fieldList(made));
  tick();
  if (made.good) {
    parts.why.replaceChildren();
  } else if (!parts.why.hasChildNodes()) {
    parts.why.append(el("p", { class: "abnormal-words", id: "abnormal", t: "show.abnormal", args: { state: made.state_zh } }), el("p", { t: "show.abnormal_text" }));
    const found = await decisions(page.license, page);
    if (found.length) parts.why.append(found[0]);
  }
}

function tick() {
  if (!running?.made) return;
  const { parts, made } = running;
  const age = performance.now() - made.startedAt;
  const over = performance.now() - running.begun > LONGEST_MS;
  const remaining = Math.max(0, made.refreshMs - age);
  parts.ring.setAttribute("stroke-dasharray", `${(100 * remaining) / made.refreshMs} 100`);
  parts.left.textContent = t("show.left", { seconds: Math.ceil(remaining / 1000) });
  if (age >= made.lifeMs || (over && remaining === 0)) halt(over ? el("p", { class: "notice amber", t: "show.paused" }) : null);
  if (remaining === 0 && !over && !document.hidden) renew();
}

/** The code on the screen is dead: hide it and say so. */
function halt(message) {
  const { parts } = running;
  parts.frame.classList.add("stopped");
  parts.left.textContent = t("show.stopped");
  if (message && !parts.stop.hasChildNodes()) parts.stop.append(message);
}

async function renew() {
  const mine = running;
  if (!mine || mine.busy) return;
  mine.busy = true;
  try {
    const made = await makeCode(mine.page, mine.scene);
    if (mine !== running) return;
    await put(made);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (mine !== running || error.kind === "401") return;
    mine.parts.stop.replaceChildren(problemBox(error));
    // Wait before the next try, so that a lost network is not hammered.
    await new Promise((resolve) => { setTimeout(resolve, error.retryAfter * 1000); });
  } finally {
    mine.busy = false;
  }
}
