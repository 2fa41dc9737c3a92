/** My medication today: what I take, and of each dose that I took it or did not; a slip is taken back. */
import type { MedicationRequest, MedicationStatement } from '@medplum/fhirtypes';
import { author, patientShown } from '../acting.ts';
import { ask, change, fhirPath, search } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { conceptOf } from '../parts/fhir-texts.ts';
import { useLoaded, usePaged } from '../parts/loading.ts';
import { Empty, More, WhenLoaded } from '../parts/states.tsx';
import { type Dose, dosesOf, statementOf } from './doses.ts';

/** Doses of a day: more than anybody takes. */
const MOST = 200;

async function today(signal: AbortSignal): Promise<Map<string, Dose[]>> {
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  const path = `MedicationStatement?effective=ge${midnight.toISOString()}&_count=${MOST}`;
  return dosesOf((await search<MedicationStatement>(path, signal)).found);
}

export function MyMedicines() {
  const { t } = useWords();
  const orders = usePaged<MedicationRequest>('MedicationRequest?status=active&_count=25&_sort=-authoredon');
  const doses = useLoaded(today);
  return (
    <>
      <p class="lead">{t('medicinesLead')}</p>
      <WhenLoaded of={orders}>
        {(all) => (
          <>
            {all.length === 0 ? <Empty>{t('noMedicines')}</Empty> : null}
            <WhenLoaded of={doses}>
              {(said) => (
                <ul class="cards">
                  {all.map((one) => (
                    <Medicine
                      key={one.id}
                      order={one}
                      doses={said.get(`MedicationRequest/${one.id}`) ?? []}
                      onSaid={doses.again}
                    />
                  ))}
                </ul>
              )}
            </WhenLoaded>
          </>
        )}
      </WhenLoaded>
      <More of={orders} />
    </>
  );
}

function Medicine({ order, doses, onSaid }: { order: MedicationRequest; doses: readonly Dose[]; onSaid(): void }) {
  const { t, time } = useWords();
  const doing = useDoing();
  const name = conceptOf(order.medicationCodeableConcept) || (order.medicationReference?.display ?? '');
  const say = (isTaken: boolean) => (): void =>
    doing.run(async (key, at) => {
      const body = statementOf(order, { isTaken, patient: patientShown(), author: author(), at });
      const headers = { 'Idempotency-Key': key };
      await ask({ method: 'POST', path: fhirPath('MedicationStatement'), body, headers });
      onSaid();
    });
  const takeBack = (statement: MedicationStatement) => (): void =>
    doing.run(async (key) => {
      await change(statement, { status: 'entered-in-error' }, key);
      onSaid();
    });
  return (
    <li class="card">
      <h2 dir="auto">{name}</h2>
      <p class="soft" dir="auto">
        {order.dosageInstruction?.map(({ text = '' }) => text).join(' ')}
      </p>
      <ul class="lines" aria-live="polite">
        {doses.map((one) => (
          <li key={one.statement.id}>
            <span class={one.isTaken ? 'tag good' : 'tag warn'}>{t(one.isTaken ? 'doseTaken' : 'doseMissed')}</span>
            <span class="when">{time(one.at)}</span>
            <button
              type="button"
              aria-label={t('takeBackDose', { what: name, time: time(one.at) })}
              onClick={takeBack(one.statement)}
              disabled={doing.isBusy}
            >
              {t('takeBack')}
            </button>
          </li>
        ))}
      </ul>
      <p class="actions">
        <button
          type="button"
          class="main"
          aria-label={t('tookThis', { what: name })}
          onClick={say(true)}
          disabled={doing.isBusy}
        >
          {t(doing.isBusy ? 'working' : 'tookIt')}
        </button>
        <button type="button" aria-label={t('missedThis', { what: name })} onClick={say(false)} disabled={doing.isBusy}>
          {t('missedIt')}
        </button>
      </p>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite />}
    </li>
  );
}
