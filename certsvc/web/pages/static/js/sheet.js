// A page of a document as a picture, with pages to turn and, when wanted, a circle that says where the seal goes.
import { announce, byId, el } from "./dom.js";
import { t } from "./words.js";

const STEP_MM = 1;
const FAR_STEP_MM = 10;
const SEAL_MM = 42;

/**
 * Shows pages in `place`. `picture(page)` gives a Blob; `pages` are {width_mm, height_mm}; with `onSpot` a tap, a drag or
 * an arrow key chooses a point. Pages count from 1.
 */
export class Sheet {
  constructor(place, { pages, numbers, picture, onSpot }) {
    this.place = place;
    this.pages = pages;
    this.numbers = numbers || pages.map((_, index) => index + 1);
    this.picture = picture;
    this.onSpot = onSpot;
    this.at = 0;
    this.asked = 0;
    this.image = el("img", { alt: "", draggable: "false" });
    this.frame = el("div", { class: "sheet-frame" }, this.image);
    this.words = el("p", { class: "sheet-number", "aria-live": "polite" });
    this.back = el("button", { type: "button", class: "button", t: "stamp.previous", on: { click: () => this.turn(-1) } });
    this.on = el("button", { type: "button", class: "button", t: "stamp.next", on: { click: () => this.turn(1) } });
    place.replaceChildren(this.frame, el("div", { class: "sheet-turn" }, this.back, this.words, this.on));
    if (onSpot) this.#withSpot();
  }

  /** The page that is shown. */
  get page() {
    return this.numbers[this.at];
  }

  get size() {
    return this.pages[this.page - 1];
  }

  /** Draw the words again, after the language changed. */
  redraw() {
    this.words.textContent = t("stamp.page_of", { page: this.page, count: this.pages.length });
    this.image.alt = t("stamp.picture", { page: this.page });
    this.back.disabled = this.at === 0;
    this.on.disabled = this.at === this.numbers.length - 1;
  }

  /** Show the page at a position of `numbers`; an older answer never replaces a newer one. */
  async show(at) {
    this.at = Math.max(0, Math.min(at, this.numbers.length - 1));
    this.redraw();
    const { width_mm: wide, height_mm: high } = this.size;
    this.frame.style.aspectRatio = `${wide} / ${high}`;
    this.asked += 1;
    const mine = this.asked;
    const blob = await this.picture(this.page);
    if (mine !== this.asked || !blob) return;
    URL.revokeObjectURL(this.image.src);
    this.image.src = URL.createObjectURL(blob);
    await this.image.decode();
    this.frame.dataset.page = String(this.page);
    if (this.spot) this.move(this.x, this.y);
  }

  turn(step) {
    return this.show(this.at + step);
  }

  /** Put the circle's middle at a point in millimetres; it is kept whole on the page. */
  move(x, y) {
    const { width_mm: wide, height_mm: high } = this.size;
    const inside = (value, side) => Math.round(2 * Math.min(Math.max(value, SEAL_MM / 2), Math.max(side - SEAL_MM / 2, SEAL_MM / 2))) / 2;
    this.x = inside(x, wide);
    this.y = inside(y, high);
    this.spot.style.left = `${(100 * this.x) / wide}%`;
    this.spot.style.top = `${(100 * this.y) / high}%`;
    this.spot.style.width = `${(100 * SEAL_MM) / wide}%`;
    this.onSpot(this.x, this.y);
  }

  #withSpot() {
    this.spot = el("button", { type: "button", class: "spot", "data-t-label": "stamp.spot", "aria-label": t("stamp.spot"), "aria-describedby": "sheet-hint" });
    this.frame.append(this.spot);
    this.frame.classList.add("taking");
    const point = (event) => {
      const box = this.frame.getBoundingClientRect();
      this.move(((event.clientX - box.left) / box.width) * this.size.width_mm, ((event.clientY - box.top) / box.height) * this.size.height_mm);
    };
    this.frame.addEventListener("click", (event) => { if (event.target !== this.spot) { point(event); this.#say(); } });
    // Without this the browser takes the move for a drag of text or of the picture, and cancels ours.
    this.frame.addEventListener("dragstart", (event) => event.preventDefault());
    this.spot.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.spot.focus();
      this.spot.setPointerCapture(event.pointerId);
      const follow = (moved) => point(moved);
      const end = () => { this.spot.removeEventListener("pointermove", follow); this.#say(); };
      this.spot.addEventListener("pointermove", follow);
      this.spot.addEventListener("pointerup", end, { once: true });
      this.spot.addEventListener("pointercancel", end, { once: true });
    });
    this.spot.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      const step = event.shiftKey ? FAR_STEP_MM : STEP_MM;
      this.move(this.x + way[0] * step, this.y + way[1] * step);
      this.#say();
      event.preventDefault();
    });
    const size = this.size;
    this.move(size.width_mm * 0.7, size.height_mm * 0.75);
  }

  #say() {
    announce(t("stamp.spot_at", { x: this.x, y: this.y }));
  }
}

/** Forget the picture in `id`. */
export function clearSheet(id) {
  byId(id).replaceChildren();
}
