// The page as it was sealed beside the page now, with what differs framed; side by side, one above the other on a phone.
import { Problem, problemBox, upload } from "./api.js";
import { announce, el } from "./dom.js";
import { english, t } from "./words.js";

const PATH = "/v1/verifications/file/differences";
const NEAR = 0.012;

/** Whether a verdict is about a file that is not what was sealed. */
export function mayDiffer(asked, verdict) {
  return asked.from === "file" && verdict.family === "changed";
}

/** The section; `asked` keeps the answer, so that it is drawn again without asking again. */
export function differencesSection(asked) {
  const place = el("div", {});
  const section = el("section", { id: "verdict-differences" }, el("h3", { t: "differ.title" }), place);
  if (asked.comparison) draw(place, asked.comparison);
  else compare(asked, place);
  return section;
}

async function compare(asked, place) {
  place.replaceChildren(el("p", { role: "status", t: "differ.busy" }));
  try {
    asked.comparison = await upload(PATH, asked.file, () => {}, {});
    draw(place, asked.comparison);
    if (place.isConnected) announce(asked.comparison.text);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    place.replaceChildren(problemBox(error, { retry: () => compare(asked, place) }));
  }
}

function draw(place, found) {
  const parts = [el("p", { id: "differ-text", data: { outcome: found.outcome } }, english() ? found.text_en : found.text)];
  if (found.pages_sealed !== found.pages_now && found.outcome === "shown") parts.push(el("p", { t: "differ.counts", args: { sealed: found.pages_sealed, now: found.pages_now } }));
  for (const page of found.pages) parts.push(pair(page));
  if (found.more) parts.push(el("p", { class: "hint", t: "differ.more" }));
  else if (found.compared < Math.max(found.pages_sealed, found.pages_now)) parts.push(el("p", { class: "hint", t: "differ.some", args: { count: found.compared } }));
  place.replaceChildren(...parts);
}

function pair(page) {
  const where = page.region ? t("differ.where", { place: placeOf(page.region) }) : t("differ.whole");
  return el(
    "div",
    { class: "differ-page", role: "group", "aria-label": t("differ.page", { number: page.page }) },
    el("h4", { t: "differ.page", args: { number: page.page } }),
    el("p", { class: "hint" }, where),
    el("div", { class: "differ-pair" }, picture(page, "sealed"), picture(page, "now")),
  );
}

function picture(page, which) {
  const caption = el("figcaption", { t: `differ.${which}` });
  if (!page[which]) return el("figure", { data: { which } }, caption, el("p", { class: "empty", t: `differ.none_${which}` }));
  const frame = el("div", { class: "differ-frame" }, el("img", { src: `data:image/png;base64,${page[which]}`, alt: t(`differ.alt_${which}`, { number: page.page }) }));
  if (page.region) frame.append(mark(page.region));
  return el("figure", { data: { which } }, caption, frame);
}

/** A frame around what differs, a little outside of it. */
function mark([left, top, right, bottom]) {
  const box = el("div", { class: "differ-mark", "aria-hidden": "true" });
  const [x, y] = [Math.max(0, left - NEAR), Math.max(0, top - NEAR)];
  box.style.left = `${100 * x}%`;
  box.style.top = `${100 * y}%`;
  box.style.width = `${100 * (Math.min(1, right + NEAR) - x)}%`;
  box.style.height = `${100 * (Math.min(1, bottom + NEAR) - y)}%`;
  return box;
}

/** Where on the page, in words. */
function placeOf([left, top, right, bottom]) {
  const third = (low, high) => (high - low > 0.66 ? "all" : ["first", "middle", "last"][Math.min(2, Math.floor((3 * (low + high)) / 2))]);
  return t(`differ.down_${third(top, bottom)}`) + t(`differ.across_${third(left, right)}`);
}
