// A scan gun is a keyboard, and the counter's Chinese input method is on: letters come full-width, marks come as those of
// Chinese, keys come as "Process" while the method composes, and the gun's Enter may end the composition only.
const MARKS: Record<string, string> = { "。": ".", "、": "/", "—": "_", "―": "_", "·": "`" };
const TOKEN = /^[A-Za-z0-9_-]{22}$/;
const CITIZEN = /^[0-9]{17}[0-9X]$/;
const ORGANISATION = /^[0-9A-Z]{18}$/;
const CASE = /^[^/\\?#%\s]{2,64}$/;

/** What the gun meant; the service reads it in the same way (`commands/counter/check.py`). */
export function plain(text: string): string {
  return text
    .replace(/[。、—―·]/g, (mark) => MARKS[mark] ?? "")
    .normalize("NFKC")
    .trim();
}

export type Read = { kind: "code" | "case" | "unknown"; text: string } | { kind: "holder"; text: string; type: string };

/** What was scanned: the holder's code, a number of an identity document, a case number. */
export function read(typed: string, codeBase: string, wantsCase: boolean): Read {
  const text = plain(typed);
  if (TOKEN.test(text) || text.startsWith(`${codeBase}/s/`)) return { kind: "code", text };
  const upper = text.toUpperCase();
  if (CITIZEN.test(upper)) return { kind: "holder", text: upper, type: "111" };
  if (ORGANISATION.test(upper)) return { kind: "holder", text: upper, type: "001" };
  return wantsCase && CASE.test(text) ? { kind: "case", text } : { kind: "unknown", text: "" };
}

/** The keys of one field: tells when the gun's Enter was meant, also where it only ended a composition. */
export class Keys {
  private pressed = false;

  constructor(private readonly send: () => void) {}

  readonly down = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" && event.code !== "Enter" && event.code !== "NumpadEnter") return;
    if (event.isComposing || event.key === "Process") {
      this.pressed = true;
      return;
    }
    event.preventDefault();
    this.pressed = false;
    this.send();
  };

  readonly composed = (): void => {
    if (!this.pressed) return;
    this.pressed = false;
    // The field has its text after the event.
    setTimeout(this.send);
  };
}
