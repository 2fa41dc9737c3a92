/** The claims desk of a payer: claims by how they stand, oldest first, and one of them beside what decided it. */
import { useCallback, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { useLoaded } from '../parts/loading.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { ClaimView } from './claim.tsx';
import { billedSaid, type QueuedClaim } from './queued.ts';
import { STATUSES, type Status } from './statuses.ts';

interface Queue {
  claims: QueuedClaim[];
  next?: string;
}

export function ClaimsDesk() {
  const { t } = useWords();
  const [status, setStatus] = useState<Status | ''>('submitted');
  const [opened, setOpened] = useState<QueuedClaim | undefined>();
  const [places, setPlaces] = useState<readonly string[]>([]);
  const path = places.at(-1) ?? `/claims?count=25${status === '' ? '' : `&status=${status}`}`;
  const load = useCallback(
    async (signal: AbortSignal): Promise<Queue> => (await ask<Queue>({ path, signal })).body,
    [path],
  );
  const queue = useLoaded(load);
  const choose = (next: Status | ''): void => {
    setStatus(next);
    setPlaces([]);
  };
  if (opened !== undefined)
    return (
      <ClaimView
        claim={opened}
        onLeave={() => {
          setOpened(undefined);
          queue.again();
        }}
      />
    );
  return (
    <>
      <p class="lead">{t('claimsLead')}</p>
      <div class="filters">
        <label>
          {t('filterStatus')}
          <select value={status} onChange={({ currentTarget }) => choose(currentTarget.value as Status | '')}>
            <option value="">{t('anyStatus')}</option>
            {STATUSES.map((one) => (
              <option key={one} value={one}>
                {t(`claim-${one}`)}
              </option>
            ))}
          </select>
        </label>
      </div>
      <WhenLoaded of={queue}>
        {({ claims, next }) => (
          <>
            {claims.length === 0 ? <Empty>{t('noClaims')}</Empty> : <Rows claims={claims} onOpen={setOpened} />}
            <p class="actions">
              {places.length === 0 ? null : (
                <button type="button" onClick={() => setPlaces(places.slice(0, -1))}>
                  {t('back')}
                </button>
              )}
              {next === undefined ? null : (
                <button type="button" onClick={() => setPlaces([...places, next])}>
                  {t('next')}
                </button>
              )}
            </p>
          </>
        )}
      </WhenLoaded>
    </>
  );
}

function Rows({ claims, onOpen }: { claims: readonly QueuedClaim[]; onOpen(claim: QueuedClaim): void }) {
  const words = useWords();
  const { t, time } = words;
  return (
    <ul class="cards">
      {claims.map((one) => (
        <li key={one.id} class="card row">
          <div>
            <p>
              <strong>{billedSaid(one, words)}</strong> · <bdi>{one.provider}</bdi>{' '}
              <span class="tag">{t(`claim-${one.status}`)}</span>
              {one.reason === undefined ? null : <code> {one.reason}</code>}
            </p>
            <p class="soft">
              {time(one.submittedAt)} · {t('lines', { count: one.lines })} · <code>{one.id.slice(0, 8)}</code>
              {one.assignee === undefined ? null : ` · ${one.assignee}`}
            </p>
          </div>
          <button type="button" aria-label={t('openClaim', { id: one.id.slice(0, 8) })} onClick={() => onOpen(one)}>
            {t('open')}
          </button>
        </li>
      ))}
    </ul>
  );
}
