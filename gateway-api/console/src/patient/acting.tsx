/** For whom a caretaker acts: chosen here, with what the patient lets him do, what not, and until when. */

import { useEffect } from 'preact/hooks';
import { type ActsFor, actsFor } from '../acting.ts';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { useLoaded } from '../parts/loading.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { useValue } from '../value.ts';

const ACTS = ['read', 'answer', 'revoke', 'bills', 'record', 'medication', 'book'] as const;

const mine = async (signal: AbortSignal): Promise<ActsFor[]> =>
  (await ask<{ delegations: ActsFor[] }>({ path: '/delegations', signal })).body.delegations;

export function Acting() {
  const { t } = useWords();
  const all = useLoaded(mine);
  const chosen = useValue(actsFor);
  const only = all.data?.length === 1 ? all.data[0] : undefined;
  useEffect(() => {
    if (only !== undefined && actsFor.now === undefined) actsFor.set(only);
  }, [only]);
  return (
    <>
      <p class="lead">{t('actingLead')}</p>
      <WhenLoaded of={all}>
        {(found) =>
          found.length === 0 ? (
            <Empty>{t('actsForNobody')}</Empty>
          ) : (
            <ul class="cards">
              {found.map((one) => (
                <Patient key={one.patient} of={one} isChosen={chosen?.patient === one.patient} />
              ))}
            </ul>
          )
        }
      </WhenLoaded>
    </>
  );
}

function Patient({ of, isChosen }: { of: ActsFor; isChosen: boolean }) {
  const { t, time, list } = useWords();
  const [may, mayNot] = [ACTS.filter((one) => of.acts.includes(one)), ACTS.filter((one) => !of.acts.includes(one))];
  const said = (acts: readonly (typeof ACTS)[number][]): string => list(acts.map((one) => t(`act-${one}`)));
  return (
    <li class="card">
      <h2>
        <bdi>{of.name || t('nameless')}</bdi> {isChosen ? <span class="tag good">{t('actingNow')}</span> : null}
      </h2>
      <p>{t('youMay', { what: said(may) })}</p>
      {mayNot.length === 0 ? null : <p class="soft">{t('youMayNot', { what: said(mayNot) })}</p>}
      {of.until === undefined ? null : <p class="soft">{t('staysUntil', { time: time(of.until) })}</p>}
      {isChosen ? null : (
        <p class="actions">
          <button type="button" class="main" onClick={() => actsFor.set(of)}>
            {t('actForThis', { name: of.name || t('nameless') })}
          </button>
        </p>
      )}
    </li>
  );
}
