// How an answer looks: colour, symbol, word. The rules are those of the plain pages; the words follow the language.
import * as reasons from "../../../pages/static/js/reasons.js";
import type { Reason } from "./types";
import { t } from "./words";

/** The look of a reason; the worse of its own colour and of `light` is shown. */
export function look(told: Reason | null | undefined, light = ""): reasons.Look {
  t("verdict.unclear"); // asked so that a template that looks is drawn again when the language changes
  return reasons.look(told, light);
}
