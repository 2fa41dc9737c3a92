/** What is asked again while the page is shown, for what nobody tells of. */
import { useEffect } from 'preact/hooks';

const EVERY_MS = 10_000;

/** @param again the same function as long as it asks the same */
export function usePolled(again: () => void): void {
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') again();
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [again]);
}
