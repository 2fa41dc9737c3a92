/**
 * What changes of her requests, as the gateway says it (server-sent events, GET /access-requests/events). By fetch: a browser's own
 * EventSource sends no token but in the address.
 */
import { useEffect } from 'preact/hooks';
import { actsFor } from '../acting.ts';
import { token } from '../sign-in.ts';

const RETRY_MS = 5_000;
const MOST_RETRY_MS = 60_000;

/** Reads until the stream ends. @param onEvent for each that names what happened; beats do not */
async function read(signal: AbortSignal, onEvent: () => void): Promise<void> {
  const bearer = await token();
  if (bearer === undefined) return;
  const acting = actsFor.now === undefined ? {} : { 'X-Patient': actsFor.now.patient };
  const headers = { Authorization: `Bearer ${bearer}`, Accept: 'text/event-stream', ...acting };
  const { ok, body } = await fetch('/access-requests/events', { headers, signal, cache: 'no-store' });
  if (!ok || body === null) throw new Error('no events');
  const lines = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ''; ; ) {
    const { done, value } = await lines.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop() ?? '';
    if (parts.some((line) => line.startsWith('event:'))) onEvent();
  }
}

/** Calls while the page is shown. It comes again after a fault, later each time. @param onChange the same function */
export function useRequestEvents(onChange: () => void): void {
  useEffect(() => {
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const listen = (waitMs: number): void => {
      read(leaving.signal, onChange).then(
        () => again(RETRY_MS),
        () => again(Math.min(waitMs * 2, MOST_RETRY_MS)),
      );
    };
    const again = (waitMs: number): void => {
      if (!leaving.signal.aborted) timer = setTimeout(() => listen(waitMs), waitMs);
    };
    listen(RETRY_MS);
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [onChange]);
}
