// Tells who shows a code that it was scanned: the newest use of the license since the first code, from the ledger of uses.
import { onUnmounted, shallowRef } from "vue";
import { Problem } from "../../../pages/static/js/api.js";
import { useSession } from "../shared/session";
import type { Use } from "../shared/types";

const LOOK_EVERY_MS = 5000;
/** Who holds several licenses may have had another use meanwhile. */
const NEWEST = 5;

/** The newest scan of `identifier` since `begun` (an instant of the service); nothing is asked without `identifier`. */
export function useScanned(identifier: string, begun: string) {
  const session = useSession();
  const scanned = shallowRef<Use | null>(null);
  let timer = 0;
  let over = false;

  async function look(): Promise<void> {
    if (!document.hidden) {
      try {
        const { uses } = await session.call<{ uses: Use[] }>("GET", `/v1/uses?limit=${NEWEST}`);
        const one = uses.find((use) => use.identifier === identifier && use.code_kind === "show");
        if (one && Date.parse(one.at) >= Date.parse(begun)) scanned.value = one;
      } catch (error) {
        // The code on the screen is what matters here; it tells of a lost network by itself.
        if (!(error instanceof Problem)) throw error;
      }
    }
    if (!over) timer = window.setTimeout(look, LOOK_EVERY_MS);
  }

  if (identifier) timer = window.setTimeout(look, LOOK_EVERY_MS);
  onUnmounted(() => {
    over = true;
    clearTimeout(timer);
  });
  return scanned;
}
