// Reading a code: camera, picture, or text. The browser's own BarcodeDetector is used where there is one, else the
// reader in qr/; either way the picture never leaves the device, only the text of the code does.
import { Problem, trouble } from "./api.js";
import { announce, busy, byId, el, shape } from "./dom.js";
import { decode } from "./qr/decode.js";
import { t } from "./words.js";

const LOOK_EVERY_MS = 150;
const VIDEO_SIDE = 720;
const PICTURE_SIDES = [1000, 1800, 600];

/** The browser's own reader, or null. */
async function ownDetector() {
  if (!("BarcodeDetector" in window)) return null;
  try {
    const formats = await window.BarcodeDetector.getSupportedFormats();
    return formats.includes("qr_code") ? new window.BarcodeDetector({ formats: ["qr_code"] }) : null;
  } catch {
    return null;
  }
}

/** Pixels of a picture or a video frame, its longer side at most `side`. */
function pixels(source, width, height, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

async function detect(detector, source, width, height, sides) {
  if (detector) {
    try {
      const found = await detector.detect(source);
      if (found.length) return found[0].rawValue;
    } catch {
      // Some browsers name a detector that cannot run; ours can.
    }
  }
  for (const side of sides) {
    const image = pixels(source, width, height, side);
    const text = decode(image.data, image.width, image.height);
    if (text !== null) return text;
  }
  return null;
}

/** Full-width characters of a Chinese input method back to what the scan gun meant. */
export function plainText(text) {
  return text.normalize("NFKC").replace(/。/g, ".").replace(/\s+/g, "");
}

/** Put the three ways into `place`; `onText` gets the text once per code. Gives `start`, `stop`, and `look` for a picture. */
export function mountScanner(place, { onText, onStart = () => {} }) {
  const video = el("video", { playsinline: true, muted: true, id: "scan-video" });
  video.muted = true;
  const stopButton = el("button", { type: "button", class: "button", id: "scan-stop", t: "scan.stop" });
  const view = el("div", { id: "scan-open", hidden: true }, el("div", { class: "scan-view" }, video, el("div", { class: "scan-aim" })), el("p", { t: "scan.aim" }), stopButton);
  const start = el("button", { type: "button", class: "button primary big", id: "scan-start" }, shape("camera"), el("span", { t: "scan.start" }));
  const file = el("input", { class: "pick unseen", type: "file", accept: "image/*", id: "scan-picture" });
  const pick = el("label", { class: "button", for: "scan-picture", t: "scan.picture" });
  const text = el("input", { id: "scan-text", maxlength: "512", autocomplete: "off", autocapitalize: "off", spellcheck: "false", inputmode: "url" });
  const submit = el("button", { type: "submit", class: "button", id: "scan-submit", t: "scan.submit" });
  const form = el("form", { novalidate: true }, el("label", { for: "scan-text", t: "scan.text" }), text, submit);
  const ways = el("div", { class: "scan-ways" }, el("div", {}, start), el("div", {}, file, pick), form);
  place.replaceChildren(view, ways);

  let stream = null;
  let timer = 0;

  const stop = () => {
    clearTimeout(timer);
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    video.srcObject = null;
    view.hidden = true;
    start.hidden = false;
  };

  const deliver = async (found) => {
    stop();
    trouble(null);
    announce(t("scan.busy"));
    await onText(plainText(found));
  };

  const open = async () => {
    trouble(null);
    onStart();
    const detector = await ownDetector();
    try {
      if (!navigator.mediaDevices) throw new Problem("camera");
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "environment", width: { ideal: 1280 } } });
    } catch {
      trouble(new Problem("camera"));
      file.focus();
      return;
    }
    video.srcObject = stream;
    view.hidden = false;
    start.hidden = true;
    await video.play();
    stopButton.focus({ preventScroll: true });
    const watch = async () => {
      if (!stream) return;
      const found = video.videoWidth ? await detect(detector, video, video.videoWidth, video.videoHeight, [VIDEO_SIDE]) : null;
      if (!stream) return;
      if (found !== null) await deliver(found);
      else timer = setTimeout(watch, LOOK_EVERY_MS);
    };
    watch();
  };

  start.addEventListener("click", () => busy(start, open));
  stopButton.addEventListener("click", () => { stop(); start.focus(); });
  const look = (picture) => {
    trouble(null);
    return readPicture(picture)
      .then((found) => { if (found === null) throw new Problem("no_code"); return deliver(found); })
      .catch((error) => { trouble(error); byId("scan-text").focus(); })
      .finally(() => { file.value = ""; });
  };
  file.addEventListener("change", () => { if (file.files.length) look(file.files[0]); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    byId("scan-text-wrong")?.remove();
    const written = plainText(text.value);
    text.setAttribute("aria-invalid", String(!written));
    if (!written) {
      text.after(el("p", { class: "wrong", id: "scan-text-wrong", t: "scan.empty" }));
      text.setAttribute("aria-describedby", "scan-text-wrong");
      text.focus();
      return;
    }
    text.value = "";
    busy(submit, () => deliver(written));
  });
  // A camera left running in a pocket is nobody's wish.
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); });
  return { start: () => busy(start, open), stop, look };
}

async function readPicture(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Problem("no_code");
  }
  try {
    return await detect(await ownDetector(), bitmap, bitmap.width, bitmap.height, PICTURE_SIDES);
  } finally {
    bitmap.close();
  }
}
