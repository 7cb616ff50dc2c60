// Finds a QR code in a picture: the browser's own reader where there is one, else ZXing as WebAssembly, served by us and
// fetched when first needed. The picture never leaves the device, only the text of the code does.
import { prepareZXingModule, readBarcodes } from "zxing-wasm/reader";
import engine from "zxing-wasm/reader/zxing_reader.wasm?url";

interface Detector {
  detect(source: ImageBitmapSource): Promise<{ rawValue: string }[]>;
}
interface DetectorClass {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

const FORMAT = "qr_code";
/** The longer side of what is looked at, in pixels: enough for a version-15 code that fills a third of the picture. */
const VIDEO_SIDE = 960;
const PICTURE_SIDES = [1200, 2000, 600];

prepareZXingModule({ overrides: { locateFile: () => engine } });

let own: Promise<Detector | null> | undefined;

async function ownDetector(): Promise<Detector | null> {
  const kind = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  try {
    return kind && (await kind.getSupportedFormats()).includes(FORMAT) ? new kind({ formats: [FORMAT] }) : null;
  } catch {
    return null;
  }
}

/** Pixels of a picture or a video frame, its longer side at most `side`. */
function pixels(source: CanvasImageSource, width: number, height: number, side: number): ImageData {
  const scale = Math.min(1, side / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

async function find(
  source: ImageBitmap | HTMLVideoElement,
  size: { width: number; height: number; sides: number[] },
): Promise<string | null> {
  own ??= ownDetector();
  try {
    const found = await (await own)?.detect(source);
    if (found?.[0]) return found[0].rawValue;
  } catch {
    // Some browsers name a detector that cannot run; ours can.
  }
  for (const side of size.sides) {
    const image = pixels(source, size.width, size.height, side);
    const [found] = await readBarcodes(image, { formats: ["QRCode"], tryHarder: true, maxNumberOfSymbols: 1 });
    if (found?.isValid) return found.text;
  }
  return null;
}

/** The text of a code in the picture of a camera that runs, or null. */
export async function readVideo(video: HTMLVideoElement): Promise<string | null> {
  if (!video.videoWidth) return null;
  return find(video, { width: video.videoWidth, height: video.videoHeight, sides: [VIDEO_SIDE] });
}

/** The text of a code in a file, or null when it is no picture or has none. */
export async function readPicture(file: Blob): Promise<string | null> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null;
  }
  try {
    return await find(bitmap, { width: bitmap.width, height: bitmap.height, sides: PICTURE_SIDES });
  } finally {
    bitmap.close();
  }
}

/** Full-width characters of a Chinese input method back to what the scan gun meant. */
export function plainText(text: string): string {
  return text.normalize("NFKC").replace(/。/g, ".").trim();
}
