// What the console's own parts share; what the service answers is in openapi/certsvc.json.
import type { Component } from "vue";
import type { Me } from "../shared/types";

/** One view of the console: who may see it is said here, and refused by the service all the same. */
export interface View {
  /** What stands behind "#" in the address; what follows a "/" is the view's own. */
  key: string;
  /** Chinese and English name. */
  name: readonly [string, string];
  /** What it is for, in one sentence. */
  lead: readonly [string, string];
  /** A key of SHAPES in dom.js. */
  symbol: string;
  /** Whoever has one of these may see it. */
  roles: readonly string[];
  load: () => Promise<{ default: Component }>;
}

/** What every view is given: who looks, and what follows the "/" in the address (an identifier, or nothing). */
export interface ViewProps {
  me: Me;
  rest: string;
}
