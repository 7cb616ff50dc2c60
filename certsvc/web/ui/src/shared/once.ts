/** `work`, of which a second call does nothing while the first goes on: a form that is sent twice is one thing asked. */
export function once(work: () => Promise<void>): () => Promise<void> {
  let busy = false;
  return async () => {
    if (busy) return;
    busy = true;
    try {
      await work();
    } finally {
      busy = false;
    }
  };
}
