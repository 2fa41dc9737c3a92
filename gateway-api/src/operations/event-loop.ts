/**
 * Measures how long the event loop is held: a timer that comes late was kept from coming by somebody's work, and nobody was
 * served meanwhile. One piece of work of half a second is one observation of half a second.
 */

const EVERY_MS = 20;

/** Observes each delay, in seconds, until the returned function is called. */
export function watchEventLoop(observe: (seconds: number) => void): () => void {
  let due = performance.now() + EVERY_MS;
  const timer = setInterval(() => {
    const now = performance.now();
    observe(Math.max(0, now - due) / 1000);
    due = now + EVERY_MS;
  }, EVERY_MS).unref();
  return () => clearInterval(timer);
}
