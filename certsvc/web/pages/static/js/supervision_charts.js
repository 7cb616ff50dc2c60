// Charts of 电子监察 as plain SVG: bars of a figure's lines, and one line per measure over days. Every chart has its table.
import { el, svgPart } from "./dom.js";
import { t } from "./words.js";

const WIDTH = 320;
const BAR = 18;
const GAP = 6;
const HEIGHT = 120;
const SVG = "http://www.w3.org/2000/svg";

function picture(height, label) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  svg.setAttribute("class", "chart");
  return svg;
}

/** A share for people, with one digit behind the point. */
export function percent(rate) {
  return rate === null ? "—" : `${(rate * 100).toFixed(1)}%`;
}

/** Bars of the first `lines`: the share where there is one, else the count. */
export function bars(lines, label) {
  const value = (line) => line.rate ?? line.numerator;
  const top = Math.max(...lines.map(value), lines.some((line) => line.rate !== null) ? 1 : 0) || 1;
  const svg = picture(lines.length * (BAR + GAP), label);
  lines.forEach((line, index) => {
    const y = index * (BAR + GAP);
    svg.append(
      svgPart("rect", { x: 0, y, width: WIDTH, height: BAR, class: "chart-ground" }),
      svgPart("rect", { x: 0, y, width: Math.max(1, (WIDTH * value(line)) / top), height: BAR, class: "chart-bar" }),
    );
  });
  return svg;
}

/** One polyline per measure over the days of the period. */
export function curves(days, first, last, measures, label) {
  const count = Math.round((Date.parse(last) - Date.parse(first)) / 86400000) + 1;
  const top = Math.max(1, ...days.filter((one) => measures.includes(one.measure)).map((one) => one.value));
  const svg = picture(HEIGHT, label);
  svg.append(svgPart("line", { x1: 0, y1: HEIGHT - 1, x2: WIDTH, y2: HEIGHT - 1, class: "chart-axis" }));
  measures.forEach((measure, index) => {
    const values = new Array(count).fill(0);
    for (const one of days) {
      if (one.measure === measure) values[Math.round((Date.parse(one.day) - Date.parse(first)) / 86400000)] = one.value;
    }
    const step = WIDTH / Math.max(1, count - 1);
    const points = values.map((value, day) => `${(day * step).toFixed(1)},${(HEIGHT - 2 - (value * (HEIGHT - 8)) / top).toFixed(1)}`);
    svg.append(svgPart("polyline", { points: points.join(" "), class: `chart-line chart-line-${index}` }));
  });
  return svg;
}

/** A table; the first column is the head of its row. */
export function table(heads, rows) {
  return el("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": t(heads[0]) },
    el("table", { class: "numbers" },
      el("thead", {}, el("tr", {}, heads.map((head) => (head.includes(".") ? el("th", { scope: "col", t: head }) : el("th", { scope: "col" }, head))))),
      el("tbody", {}, rows.map(([name, ...cells]) => el("tr", {}, el("th", { scope: "row" }, name), cells.map((cell) => el("td", {}, String(cell))))))));
}
