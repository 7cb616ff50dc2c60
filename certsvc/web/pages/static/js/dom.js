// Building pieces of a page. Text always enters as text, never as markup: nothing that a server or a code says can
// become an element.
import { t } from "./speech.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `t` names a word (kept as data-t so that the language can change later), `args` fill its places,
 * `on` holds listeners; other keys become properties where the element has them, else attributes.
 */
export function el(tag, attrs = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attrs)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "t") {
      node.dataset.t = value;
      if (attrs.args) node.dataset.args = JSON.stringify(attrs.args);
      node.textContent = t(value, attrs.args);
    } else if (key === "args") {
      continue;
    } else if (key === "on") {
      for (const [name, listener] of Object.entries(value)) node.addEventListener(name, listener);
    } else if (key === "data") {
      Object.assign(node.dataset, value);
    } else if (key === "class") {
      node.className = value;
    } else {
      node.setAttribute(key, value === true ? "" : String(value));
    }
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Shapes of 24 x 24, drawn with lines; every verdict has its own, so that colour is never the only sign. */
export const SHAPES = {
  ok: ["M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M7 12.5l3.4 3.4L17 9"],
  ended: ["M8 2.5h8L21.5 8v8L16 21.5H8L2.5 16V8z", "M7 12h10"],
  paused: ["M8 2.5h8L21.5 8v8L16 21.5H8L2.5 16V8z", "M10 8v8M14 8v8"],
  expired: ["M4 5h16v16H4z", "M4 10h16M8 2.5V6M16 2.5V6", "M9 13l6 5M15 13l-6 5"],
  early: ["M4 5h16v16H4z", "M4 10h16M8 2.5V6M16 2.5V6", "M12 13v3h3"],
  changed: ["M5 2.5h9l5 5V21.5H5z", "M8.5 10l7 8M15.5 10l-7 8"],
  replaced: ["M4 9h13l-4-4M20 15H7l4 4"],
  foreign: ["M12 2l10 10l-10 10L2 12z", "M9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.4-1 .9-1 1.7M12 16.6v.4"],
  unsealed: ["M5 2.5h9l5 5V21.5H5z", "M9 14.5a3 3 0 1 0 6 0a3 3 0 1 0-6 0M7.5 19.5l9-10"],
  doubt: ["M12 3l10 18H2z", "M12 10v5M12 17.8v.4"],
  later: ["M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M12 6.5V12l4 2.5"],
  used: ["M3 3h7v7H3zM14 3h7v7h-7zM3 14h7v7H3z", "M14 14l7 7M21 14l-7 7"],
  provisional: ["M5 2.5h9l5 5V21.5H5z", "M8 12h8M8 16h5"],
  noted: ["M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M12 11v6M12 7v.4"],
  seal: ["M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M12 7l1.4 3.2 3.6.4-2.7 2.4.8 3.5-3.1-1.8-3.1 1.8.8-3.5L7 10.6l3.6-.4z"],
  seal_only: ["M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M12 2v20M15 5.5v13M18 7.5v9"],
  yes: ["M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M7 12.5l3.4 3.4L17 9"],
  no: ["M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M8 8l8 8M16 8l-8 8"],
  unsure: ["M12 3l10 18H2z", "M12 10v5M12 17.8v.4"],
  dash: ["M12 2a10 10 0 1 0 0 20a10 10 0 1 0 0-20z", "M8 12h8"],
  home: ["M3 11.5l9-8l9 8", "M6 9.5V20.5h12V9.5", "M10 20.5v-6h4v6"],
  find: ["M10.5 4a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13z", "M15.5 15.5l5.5 5.5"],
  bars: ["M3 21h18", "M6.5 17v-5M12 17V5M17.5 17V9"],
  up: ["M12 16V4M7 9l5-5l5 5", "M4 15v5.5h16V15"],
  book: ["M4 4.5h7.5v15H4zM12.5 4.5H20v15h-7.5z", "M6.5 9h2.5M15 9h2.5"],
  card: ["M3 5h18v14H3z", "M3 9.5h18", "M6.5 15h5"],
  eye: ["M2 12c3-5 6-7 10-7s7 2 10 7c-3 5-6 7-10 7s-7-2-10-7z", "M12 9a3 3 0 1 0 0 6a3 3 0 1 0 0-6z"],
  key: ["M8 8a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9z", "M12 11l9-7M17 7l2.5 3"],
  pen: ["M4 20l1-5L16 4l4 4L9 19z", "M14 6l4 4"],
  list: ["M4 6h16M4 12h16M4 18h10"],
  camera: ["M3 7h4l2-3h6l2 3h4v13H3z", "M12 9.5a3.7 3.7 0 1 0 0 7.4a3.7 3.7 0 1 0 0-7.4z"],
};

/** A drawn shape; it says nothing to screen readers, the words beside it do. */
export function shape(name, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  svg.dataset.shape = name;
  if (className) svg.setAttribute("class", className);
  for (const d of SHAPES[name] || SHAPES.doubt) svg.append(svgPart("path", { d, fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linejoin": "round", "stroke-linecap": "round" }));
  return svg;
}

/** An element of an SVG picture. */
export function svgPart(tag, attrs) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attrs)) node.setAttribute(key, String(value));
  return node;
}

/** The element with `id`; pages name theirs once. */
export function byId(id) {
  return document.getElementById(id);
}

/** Say a sentence to screen readers. */
export function announce(text) {
  const place = byId("announce");
  place.textContent = "";
  // A change in the next turn is noticed even when the sentence is the same as before.
  setTimeout(() => { place.textContent = text; }, 60);
}

/** A list of names and values; rows are [name, value] and empty values are left out. */
export function facts(rows) {
  const list = el("dl", { class: "facts" });
  for (const [name, value] of rows) {
    if (value === "" || value === null || value === undefined) continue;
    list.append(typeof name === "string" ? el("dt", {}, name) : name, value instanceof Node ? value : el("dd", {}, value));
  }
  return list;
}

/** The name cell of a fact whose label is one of our words. */
export function label(key, args) {
  return el("dt", { t: key, args });
}

/** Run `work` while `button` shows that it is busy; a second press meanwhile does nothing. */
export async function busy(button, work) {
  if (button.getAttribute("aria-busy") === "true") return undefined;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** Let the browser keep `parts` as a file called `name`. */
export function keepFile(name, parts, type) {
  const address = URL.createObjectURL(new Blob(parts, { type }));
  const link = el("a", { href: address, download: name, class: "unseen" });
  byId("main").append(link);
  link.click();
  link.remove();
  // The browser needs the address until it has read the bytes.
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
