// A box to write a name in, with finger, pen or mouse; or a picture of a signature on paper.
import { byId, el } from "./dom.js";

const PIXELS = [900, 360];
const LINE = 9;
const MAX_SIDE = 1600;

/** The pad: `node` to put into a page, `picture()` gives a data address or an empty text, `ready` says whether there is one. */
export function makePad(onChange = () => {}) {
  const canvas = el("canvas", { id: "pad", width: PIXELS[0], height: PIXELS[1], tabindex: "0", role: "img", "aria-label": "", "data-t-label": "signer.pad_label" });
  const pen = canvas.getContext("2d");
  let written = false;
  let last = null;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  const clear = () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    written = false;
    onChange();
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    last = at(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    pen.lineWidth = LINE;
    pen.lineCap = "round";
    pen.lineJoin = "round";
    pen.strokeStyle = "#10182a";
    // Between two events the finger passed other points; without them a quick hand draws corners.
    const passed = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const step of passed.length ? passed : [event]) {
      const here = at(step);
      pen.beginPath();
      pen.moveTo(...last);
      pen.lineTo(...here);
      pen.stroke();
      last = here;
    }
    written = true;
    onChange();
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { last = null; });
  const file = el("input", { type: "file", id: "pad-file", class: "pick unseen", accept: "image/png,image/jpeg" });
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    file.value = "";
    if (!chosen) return;
    clear();
    written = await draw(chosen, canvas, pen);
    onChange();
  });
  const node = el("div", { class: "pad-frame" }, canvas, el("div", { class: "row" },
    el("button", { type: "button", class: "button", id: "pad-clear", t: "signer.pad_clear", on: { click: clear } }),
    file, el("label", { for: "pad-file", class: "button", t: "signer.pad_file" })));
  return { node, get ready() { return written; }, picture: () => (written ? canvas.toDataURL("image/png") : "") };
}

/** Put a chosen picture into the box; whether the browser could read it. */
async function draw(chosen, canvas, pen) {
  let picture;
  try {
    picture = await createImageBitmap(chosen, { resizeWidth: MAX_SIDE, resizeQuality: "high" });
  } catch {
    return false;
  }
  const scale = Math.min(canvas.width / picture.width, canvas.height / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  pen.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
  picture.close();
  return byId("pad") !== null;
}
