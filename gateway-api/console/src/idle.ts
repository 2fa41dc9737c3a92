/** Signs out whoever has left the browser alone. */
import { session, signOut } from './sign-in.ts';

/** A screen in a waiting room is read by the next one who sits there. */
const IDLE_MS = 10 * 60_000;
const LOOK_EVERY_MS = 5_000;

/** Watches from now on, as long as the page is there. @param now milliseconds, for tests */
export function watchIdleness(now: () => number = Date.now): void {
  let last = now();
  const seen = (): void => {
    last = now();
  };
  for (const event of ['pointerdown', 'keydown', 'wheel', 'touchstart'])
    addEventListener(event, seen, { passive: true, capture: true });
  session.watch(seen);
  setInterval(() => {
    if (session.now !== undefined && now() - last > IDLE_MS) void signOut('idle');
  }, LOOK_EVERY_MS);
}
