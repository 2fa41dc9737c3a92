/** Records of other members: what was asked for, how it stands, what came and until when. */
import { useCallback, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { Choice } from '../parts/fields.tsx';
import { useLoaded } from '../parts/loading.ts';
import { usePolled } from '../parts/polled.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { type AccessRequest, type AccessRequests, STATUS_SAID } from '../patient/access.ts';
import { purposeSaid, typesSaid } from '../patient/saying.ts';
import { session } from '../sign-in.ts';
import { useValue } from '../value.ts';
import { BREAK_GLASS } from './asked.ts';
import { Asking } from './asking.tsx';
import { WhatCame } from './came.tsx';
import { sought } from './opened.ts';

export function Others() {
  const { t } = useWords();
  const me = useValue(session)?.fhirUser ?? '';
  const [first] = useState(() => sought.take());
  const [isAsking, setAsking] = useState(first !== undefined);
  const [isAsked, setAsked] = useState(false);
  const [opened, setOpened] = useState<AccessRequest | undefined>();
  const [whose, setWhose] = useState(me);
  const [places, setPlaces] = useState<readonly string[]>([]);
  const path = places.at(-1) ?? '/access-requests?count=25';
  const load = useCallback(async (signal: AbortSignal) => (await ask<AccessRequests>({ path, signal })).body, [path]);
  const requests = useLoaded(load);
  usePolled(requests.again);
  if (opened !== undefined) return <WhatCame of={opened} onLeave={() => setOpened(undefined)} />;
  if (isAsking)
    return (
      <Asking
        first={first}
        onLeave={() => setAsking(false)}
        onAsked={() => {
          setAsking(false);
          setAsked(true);
          requests.again();
        }}
      />
    );
  return (
    <>
      <p class="lead">{t('othersLead')}</p>
      <p class="actions">
        <button type="button" class="main" onClick={() => setAsking(true)}>
          {t('askOthers')}
        </button>
      </p>
      <div role="status">{isAsked ? <p class="notice good">{t('askedNow')}</p> : null}</div>
      <Choice
        label={t('whoseRequests')}
        value={whose}
        options={[
          [me, t('visitsMine')],
          ['', t('visitsAll')],
        ]}
        onChoose={setWhose}
      />
      <WhenLoaded of={requests}>
        {({ accessRequests, next }) => {
          const shown = accessRequests.filter(({ practitioner }) => whose === '' || practitioner === whose);
          return (
            <>
              {shown.length === 0 ? <Empty>{t('noneAsked')}</Empty> : null}
              <ul class="cards">
                {shown.map((one) => (
                  <RequestCard key={one.id} request={one} onOpen={() => setOpened(one)} />
                ))}
              </ul>
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
          );
        }}
      </WhenLoaded>
    </>
  );
}

function RequestCard({ request, onOpen }: { request: AccessRequest; onOpen(): void }) {
  const words = useWords();
  const { t, time } = words;
  const { requestor, holder, purpose, types = [], status, pending, requestedAt, expiresAt, waitUntil } = request;
  const isHere = status === 'granted';
  return (
    <li class="card">
      <p>
        {t('asksFor', { who: requestor, what: typesSaid(types, words), holder, why: purposeSaid(purpose, words) })}{' '}
        <span class={isHere ? 'tag good' : 'tag'}>
          {t(pending === 'patient' ? 'waitsForPatient' : (STATUS_SAID[status] ?? 'statusOther'))}
        </span>{' '}
        {purpose === BREAK_GLASS ? <span class="tag bad">{t('glassBroken')}</span> : null}
      </p>
      <p class="soft">
        {time(requestedAt)}
        {isHere && expiresAt !== undefined ? ` · ${t('staysUntil', { time: time(expiresAt) })}` : ''}
        {pending === 'patient' && waitUntil !== undefined ? ` · ${t('waitsUntil', { day: time(waitUntil) })}` : ''}
      </p>
      {status === 'refused' ? <p class="soft">{t('refusedWhy')}</p> : null}
      {isHere ? (
        <p class="actions">
          <button type="button" onClick={onOpen}>
            {t('seeWhatCame')}
          </button>
        </p>
      ) : null}
    </li>
  );
}
