/** Requests that wait for me: who asks for what and why, with an answer; and what became of the others. */
import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { Confirm } from '../parts/confirm.tsx';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { useLoaded } from '../parts/loading.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { goTo } from '../route.ts';
import { type AccessRequest, type AccessRequests, isWaiting, STATUS_SAID } from './access.ts';
import { useRequestEvents } from './live.ts';
import { purposeSaid, typesSaid } from './saying.ts';
import { answered } from './wanted.ts';

const load = async (signal: AbortSignal): Promise<AccessRequest[]> =>
  (await ask<AccessRequests>({ path: '/access-requests?count=50', signal })).body.accessRequests;

export function Requests() {
  const { t } = useWords();
  const requests = useLoaded(load);
  useRequestEvents(requests.again);
  const [asked, setAsked] = useState<AccessRequest | undefined>();
  const [refused, setRefused] = useState<readonly string[]>([]);
  return (
    <>
      <p class="lead">{t('requestsLead')}</p>
      <div role="status">{refused.length > 0 ? <p class="notice good">{t('refusedNow')}</p> : null}</div>
      <WhenLoaded of={requests}>
        {(all) => {
          const waiting = all.filter((one) => isWaiting(one) && !refused.includes(one.id));
          const others = all.filter((one) => !isWaiting(one));
          return (
            <>
              <h2>{t('waitingForMe')}</h2>
              {waiting.length === 0 ? <Empty>{t('noRequests')}</Empty> : null}
              <ul class="cards">
                {waiting.map((one) => (
                  <RequestCard key={one.id} request={one} onRefuse={() => setAsked(one)} />
                ))}
              </ul>
              {others.length === 0 ? null : (
                <>
                  <h2>{t('answeredRequests')}</h2>
                  <ul class="cards">
                    {others.map((one) => (
                      <RequestCard key={one.id} request={one} />
                    ))}
                  </ul>
                </>
              )}
            </>
          );
        }}
      </WhenLoaded>
      {asked === undefined ? null : (
        <Refusing
          request={asked}
          onDone={() => setRefused([...refused, asked.id])}
          onLeave={() => setAsked(undefined)}
        />
      )}
    </>
  );
}

function RequestCard({ request, onRefuse }: { request: AccessRequest; onRefuse?: () => void }) {
  const words = useWords();
  const { t, time } = words;
  const { requestor, holder, purpose, types = [], status, requestedAt, waitUntil, writtenReason } = request;
  const allow = (): void => {
    answered.set(request);
    goTo('consents/new');
  };
  return (
    <li class="card">
      <p>{t('asksFor', { who: requestor, what: typesSaid(types, words), holder, why: purposeSaid(purpose, words) })}</p>
      {writtenReason === undefined ? null : <p dir="auto">{t('emergencyReason', { reason: writtenReason })}</p>}
      <p class="soft">
        {time(requestedAt)}
        {waitUntil === undefined || onRefuse === undefined ? '' : ` · ${t('waitsUntil', { day: time(waitUntil) })}`}
      </p>
      {onRefuse === undefined ? (
        <p>
          <span class={status === 'granted' ? 'tag good' : 'tag'}>{t(STATUS_SAID[status] ?? 'statusOther')}</span>
        </p>
      ) : (
        <p class="actions">
          <button type="button" class="main" onClick={allow}>
            {t('allow')}
          </button>
          <button type="button" onClick={onRefuse}>
            {t('refuse')}
          </button>
        </p>
      )}
    </li>
  );
}

interface RefusingProps {
  request: AccessRequest;
  onDone(): void;
  onLeave(): void;
}

function Refusing({ request, onDone, onLeave }: RefusingProps) {
  const { t } = useWords();
  const doing = useDoing();
  const refuse = (): void =>
    doing.run(async () => {
      await ask({ method: 'POST', path: `/access-requests/${request.id}/refusal` });
      onDone();
      onLeave();
    });
  return (
    <Confirm title={t('refuseTitle')} action={t('refuse')} isBusy={doing.isBusy} onDo={refuse} onLeave={onLeave}>
      <p>{t('refuseWhat', { who: request.requestor })}</p>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite />}
    </Confirm>
  );
}
