/** Visits that are over and that no claim names: what a provider has not been paid for because it has not asked. */
import type { Claim, Encounter } from '@medplum/fhirtypes';
import { useState } from 'preact/hooks';
import { useWords } from '../language.ts';
import { conceptOf } from '../parts/fhir-texts.ts';
import { usePaged } from '../parts/loading.ts';
import { Empty, More, WhenLoaded } from '../parts/states.tsx';
import { BillVisit } from './bill-visit.tsx';
import { unbilledIn } from './unbilled-in.ts';

const QUERY = 'Encounter?status=finished&_sort=-_lastUpdated&_count=50&_revinclude=Claim:encounter';
export function Unbilled() {
  const { t, time } = useWords();
  const [answer, setAnswer] = useState<string | undefined>();
  const visits = usePaged<Encounter | Claim>(QUERY);
  return (
    <section>
      <h2>{t('unbilled')}</h2>
      <p class="soft">{t('unbilledLead')}</p>
      <div role="status">
        {answer === undefined ? null : (
          <p class="notice good">
            {t('sentToPayer')} <bdi>{answer}</bdi>
          </p>
        )}
      </div>
      <WhenLoaded of={visits}>
        {(found) => {
          const open = unbilledIn(found);
          return open.length === 0 ? (
            <Empty>{t('noUnbilled')}</Empty>
          ) : (
            <ul class="cards">
              {open.map((visit) => (
                <li key={visit.id} class="card">
                  <p>
                    <strong>{time(visit.period?.start)}</strong> · <bdi>{conceptOf({ coding: [visit.class] })}</bdi>{' '}
                    <code>{visit.id?.slice(0, 8)}</code>
                  </p>
                  <BillVisit
                    visit={visit}
                    onBilled={(said) => {
                      setAnswer(said);
                      visits.afresh();
                    }}
                  />
                </li>
              ))}
            </ul>
          );
        }}
      </WhenLoaded>
      <More of={visits} />
    </section>
  );
}
