/** What came of a request: the records that another member delivered, as they are called, and until when they stay here. */
import type { Resource } from '@medplum/fhirtypes';
import { useCallback } from 'preact/hooks';
import { searchByForm } from '../api.ts';
import { useWords } from '../language.ts';
import { useLoaded } from '../parts/loading.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import type { AccessRequest } from '../patient/access.ts';
import { KINDS, type Kind, typesOf } from '../patient/draft.ts';
import { lineOf } from './critical.ts';

/** Of one type so many are shown; the rest is told of. */
const MOST = 50;
/** Files have no patient to be found by. */
const FOUND = typesOf(Object.keys(KINDS) as Kind[]).filter((type) => type !== 'Binary');

interface Came {
  type: string;
  records: Resource[];
}

async function cameOf(patient: string, types: readonly string[], signal: AbortSignal): Promise<Came[]> {
  const asked = FOUND.filter((type) => types.length === 0 || types.includes(type));
  const form = { patient: `Patient/${patient}`, _count: String(MOST) };
  return Promise.all(asked.map(async (type) => ({ type, records: await searchByForm<Resource>(type, form, signal) })));
}

export function WhatCame({ of, onLeave }: { of: AccessRequest; onLeave(): void }) {
  const { t, time } = useWords();
  const { patient = '', types, expiresAt, holder, delivery } = of;
  const asked = (types ?? []).join();
  const load = useCallback(
    (signal: AbortSignal) => cameOf(patient, asked === '' ? [] : asked.split(','), signal),
    [patient, asked],
  );
  const came = useLoaded(load);
  return (
    <>
      <p>
        <button type="button" onClick={onLeave}>
          {t('back')}
        </button>
      </p>
      <h2>{t('cameFrom', { holder })}</h2>
      <p class="notice">{expiresAt === undefined ? t('staysOpen') : t('staysUntil', { time: time(expiresAt) })}</p>
      {delivery === undefined ? null : <p class="notice warn">{t('stillComing')}</p>}
      <WhenLoaded of={came}>
        {(all) => {
          const some = all.filter(({ records }) => records.length > 0);
          if (some.length === 0) return <Empty>{t('nothingCame')}</Empty>;
          return some.map(({ type, records }) => (
            <section key={type}>
              <h3>{type}</h3>
              <ul class="lines">
                {records.map((one) => {
                  const { text, more } = lineOf(one);
                  return (
                    <li key={one.id}>
                      <span class="what" dir="auto">
                        {text || type} <small>{more}</small>
                      </span>
                      <span class="when">{time(one.meta?.lastUpdated)}</span>
                    </li>
                  );
                })}
              </ul>
              {records.length === MOST ? <p class="soft">{t('notAllHere', { count: MOST })}</p> : null}
            </section>
          ));
        }}
      </WhenLoaded>
    </>
  );
}
