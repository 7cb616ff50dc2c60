// A show that is running: the code is replaced before it ends. Times are measured from the service's own figures with
// this device's stopwatch, so a wrong clock does no harm.
import { computed, onUnmounted, ref, shallowRef } from "vue";
import { Problem } from "../../../pages/static/js/api.js";
import { useSession } from "../shared/session";
import type { BundlePreview, Card, Coded, Scene, Shown } from "../shared/types";

/** A phone that was put down must not show for ever. */
const LONGEST_MS = 10 * 60 * 1000;
const TICK_MS = 250;

export type Running<T extends Coded> = T & { startedAt: number; refreshMs: number; lifeMs: number };
export type Maker<T extends Coded> = () => Promise<Running<T>>;
export type ShownBundle = Coded & { preview: BundlePreview };

/** What is shown: a license, under a 代亮 where it is somebody else's. */
export interface InHand {
  card: Card;
  delegationId: string;
}

/** New codes for a license in a scene, or for a bundle and a kind of reader. */
export function useCodes() {
  const session = useSession();

  async function make<T extends Coded>(path: string, body: object): Promise<Running<T>> {
    const startedAt = performance.now(); // before the question: the life of a code begins at the server
    const made = await session.call<T>("POST", path, { body });
    const span = (until: string) => new Date(until).getTime() - new Date(made.created_at).getTime();
    return { ...made, startedAt, refreshMs: span(made.refresh_at), lifeMs: span(made.expires_at) };
  }

  function ofLicense({ card, delegationId }: InHand, scene: Scene): Promise<Running<Shown>> {
    return make("/v1/shows", { identifier: card.identifier, scene: scene.code, delegation_id: delegationId });
  }

  async function ofBundle(bundle: string, reader: string): Promise<Running<ShownBundle>> {
    const made = await make<ShownBundle>("/v1/shows/bundles", { bundle, reader });
    return { ...made, good: made.preview.bundle.state !== "impaired" };
  }

  return { ofLicense, ofBundle };
}

/** The code on the screen and how long it lives; `renew` makes the next one now. */
export function useShow<T extends Coded>(make: Maker<T>, first: Running<T>) {
  const made = shallowRef(first);
  const stopped = ref(false);
  const paused = ref(false);
  const problem = shallowRef<Problem | null>(null);
  const now = ref(performance.now());
  const remaining = computed(() => Math.max(0, made.value.refreshMs - (now.value - made.value.startedAt)));
  let begun = performance.now();
  let busy = false;

  async function replace(): Promise<void> {
    if (busy) return;
    busy = true;
    try {
      made.value = await make();
      problem.value = null;
      stopped.value = false;
      paused.value = false;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.kind === "401") return;
      problem.value = error;
      // Wait before the next try, so that a lost network is not hammered.
      await new Promise((resolve) => setTimeout(resolve, error.retryAfter * 1000));
    } finally {
      busy = false;
    }
  }

  function tick(): void {
    now.value = performance.now();
    const over = now.value - begun > LONGEST_MS;
    if (now.value - made.value.startedAt >= made.value.lifeMs || (over && remaining.value === 0)) {
      // The code on the screen is dead: hide it and say so.
      stopped.value = true;
      paused.value = over;
    }
    if (remaining.value === 0 && !over && !document.hidden) void replace();
  }

  const timer = setInterval(tick, TICK_MS);
  const seen = () => !document.hidden && tick();
  document.addEventListener("visibilitychange", seen);
  onUnmounted(() => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", seen);
  });

  function renew(): Promise<void> {
    begun = performance.now();
    return replace();
  }

  return { made, stopped, paused, problem, remaining, renew };
}
