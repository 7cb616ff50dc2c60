// Keeps the screen on while a code is shown or the camera looks; where the browser cannot, nothing happens.
import { onMounted, onUnmounted } from "vue";

export function useAwake(): void {
  let lock: WakeLockSentinel | null = null;

  async function hold(): Promise<void> {
    if (document.hidden || !("wakeLock" in navigator)) return;
    try {
      lock = await navigator.wakeLock.request("screen");
    } catch {
      // A low battery may refuse it.
    }
  }

  onMounted(() => {
    void hold();
    // The browser lets go when the page is hidden.
    document.addEventListener("visibilitychange", hold);
  });
  onUnmounted(() => {
    document.removeEventListener("visibilitychange", hold);
    void lock?.release();
  });
}
