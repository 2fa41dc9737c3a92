/** The first page of a patient's desk: what waits for her, and what happened last. */
import type { AuditEvent, Consent } from '@medplum/fhirtypes';
import { useCallback } from 'preact/hooks';
import { ask, search } from '../api.ts';
import { useWords } from '../language.ts';
import { useLoaded } from '../parts/loading.ts';
import { WhenLoaded } from '../parts/states.tsx';
import { hrefOf } from '../route.ts';
import { type AccessRequests, isWaiting } from './access.ts';
import { useRequestEvents } from './live.ts';
import { BY_OTHERS, Entries } from './log.tsx';

const waiting = async (signal: AbortSignal): Promise<number> => {
  const { body } = await ask<AccessRequests>({ path: '/access-requests?status=requested', signal });
  return body.accessRequests.filter(isWaiting).length;
};
const inForce = async (signal: AbortSignal): Promise<number> =>
  (await search<Consent>('Consent?status=active&_count=100', signal)).found.length;

export function Home() {
  const { t, language } = useWords();
  const requests = useLoaded(waiting);
  const consents = useLoaded(inForce);
  useRequestEvents(requests.again);
  const latest = useCallback(
    (signal: AbortSignal) => search<AuditEvent>(`AuditEvent?${BY_OTHERS}&_count=5`, signal),
    [language],
  );
  const log = useLoaded(latest);
  return (
    <>
      <div class="tiles">
        <a class={`tile ${(requests.data ?? 0) > 0 ? 'calling' : ''}`} href={hrefOf('requests')}>
          <strong>{requests.data ?? '–'}</strong>
          <span>{t('tileRequests', { count: requests.data ?? 0 })}</span>
        </a>
        <a class="tile" href={hrefOf('consents')}>
          <strong>{consents.data ?? '–'}</strong>
          <span>{t('tileConsents', { count: consents.data ?? 0 })}</span>
        </a>
        <a class="tile" href={hrefOf('health')}>
          <span>{t('tileHealth')}</span>
        </a>
        <a class="tile" href={hrefOf('bills')}>
          <span>{t('tileBills')}</span>
        </a>
      </div>
      <h2>{t('lastSeen')}</h2>
      <WhenLoaded of={log}>{({ found }) => <Entries of={found} />}</WhenLoaded>
      <p>
        <a href={hrefOf('log')}>{t('wholeLog')}</a>
      </p>
    </>
  );
}
