/** Whether she agreed to be seen at a distance: without that no visit begins, so it is asked for where visits are booked. */
import type { Consent } from '@medplum/fhirtypes';
import { actsFor, patientShown } from '../acting.ts';
import { ask, fhirPath, search } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { useLoaded } from '../parts/loading.ts';

const CATEGORIES = 'https://telemed-ledger.example/fhir/CodeSystem/consent-category';
const CODE = 'telehealth';

const agreed = async (signal: AbortSignal): Promise<boolean> =>
  (await search<Consent>(`Consent?status=active&category=${CATEGORIES}|${CODE}&_count=1`, signal)).found.length > 0;

/** As docs/telemedicine.md asks for it. @param patient `Patient/ID` */
const consentOf = (patient: string) => ({
  ...{ resourceType: 'Consent', status: 'active', patient: { reference: patient }, provision: { type: 'permit' } },
  scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'treatment' }] },
  category: [{ coding: [{ system: CATEGORIES, code: CODE }] }],
  policy: [{ uri: 'https://telemed-ledger.example/policies/telehealth' }],
});

export function Agreement() {
  const { t } = useWords();
  const known = useLoaded(agreed);
  const doing = useDoing();
  const agree = (): void =>
    doing.run(async (key) => {
      const headers = { 'Idempotency-Key': key };
      await ask({ method: 'POST', path: fhirPath('Consent'), body: consentOf(patientShown()), headers });
      known.again();
    });
  // A caretaker gives it where he answers for her. Where it cannot be known now, nothing is asked for twice: the visit says it.
  const mayAgree = actsFor.now === undefined || actsFor.now.acts.includes('answer');
  if (known.data !== false || !mayAgree) return null;
  return (
    <section class="notice warn">
      <h2>{t('agreeTitle')}</h2>
      <p>{t('agreeLead')}</p>
      <p class="actions">
        <button type="button" class="main" onClick={agree} disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : 'agree')}
        </button>
      </p>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite again={agree} />}
    </section>
  );
}
