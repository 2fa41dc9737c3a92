/** A claim for a visit: under which coverage, which service, for how much. It is sent to the payer, which is shown the records by their hashes. */
import type { CapabilityStatement, ClaimResponse, Coverage, Encounter, Patient } from '@medplum/fhirtypes';
import { useEffect, useState } from 'preact/hooks';
import { ask, fhirPath, searchByForm } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { namedBy } from '../parts/fhir-texts.ts';
import { Choice, Field, Form } from '../parts/fields.tsx';
import { claimFor, type Draft } from './claim-for.ts';

const escaped = (text: string): string => text.replace(/[\\,|$]/g, '\\$&');

/** Of a patient, whom payers call by their own numbers or by the record. @throws {Problem} */
async function coveragesOf(patient: string): Promise<Coverage[]> {
  const [known] = await searchByForm<Patient>('Patient', { _id: patient.split('/').at(-1) ?? '' });
  const numbers = (known?.identifier ?? []).map(
    ({ system = '', value = '' }) => `${escaped(system)}|${escaped(value)}`,
  );
  const searches = [
    searchByForm<Coverage>('Coverage', { beneficiary: patient, status: 'active' }),
    ...(numbers.length === 0
      ? []
      : [searchByForm<Coverage>('Coverage', { 'beneficiary:identifier': numbers.join(','), status: 'active' })]),
  ];
  const found = (await Promise.all(searches)).flat();
  return [...new Map(found.map((one) => [one.id, one])).values()];
}

export function BillVisit({ visit, onBilled }: { visit: Encounter; onBilled(answer: string): void }) {
  const { t } = useWords();
  const [isOpen, setOpen] = useState(false);
  if (isOpen) return <Billing visit={visit} onBilled={onBilled} onLeave={() => setOpen(false)} />;
  return (
    <p class="actions">
      <button
        type="button"
        aria-label={t('billVisit', { id: visit.id?.slice(0, 8) ?? '' })}
        onClick={() => setOpen(true)}
      >
        {t('bill')}
      </button>
    </p>
  );
}

function Billing({ visit, onBilled, onLeave }: { visit: Encounter; onBilled(answer: string): void; onLeave(): void }) {
  const { t } = useWords();
  const doing = useDoing();
  const [coverages, setCoverages] = useState<readonly Coverage[] | undefined>();
  const [draft, setDraft] = useState<Draft>({ coverage: '', code: '', amount: '' });
  const { run } = doing;
  useEffect(() => {
    run(async () => {
      const found = await coveragesOf(visit.subject?.reference ?? '');
      setCoverages(found);
      setDraft((before) => ({ ...before, coverage: found[0] === undefined ? '' : `Coverage/${found[0].id}` }));
    });
  }, [visit, run]);
  const send = (): void =>
    doing.run(async (key) => {
      const today = new Date().toISOString().slice(0, 10);
      const own = await ask<CapabilityStatement>({ path: fhirPath('metadata') });
      const body = claimFor(visit, draft, own.body.publisher ?? '', today);
      const headers = { 'Idempotency-Key': key };
      const sent = await ask<ClaimResponse>({ method: 'POST', path: fhirPath('Claim/$submit'), body, headers });
      onBilled(sent.body.disposition ?? sent.body.outcome ?? '');
    });
  if (coverages?.length === 0) return <p class="notice warn">{t('noCoverage')}</p>;
  return (
    <Form onSend={send}>
      <Choice
        label={t('coverage')}
        value={draft.coverage}
        options={(coverages ?? []).map((one) => [`Coverage/${one.id}`, namedBy(one.payor[0] ?? {})])}
        onChoose={(coverage) => setDraft({ ...draft, coverage })}
      />
      <div class="filters">
        <Field
          label={t('serviceCode')}
          value={draft.code}
          isNeeded
          isCode
          onInput={(code) => setDraft({ ...draft, code })}
        />
        <Field
          label={t('amountUsd')}
          type="number"
          value={draft.amount}
          isNeeded
          onInput={(amount) => setDraft({ ...draft, amount })}
        />
      </div>
      <p class="actions">
        <button type="submit" class="main" disabled={doing.isBusy || draft.coverage === ''}>
          {t(doing.isBusy ? 'working' : 'submitClaim')}
        </button>
        <button type="button" onClick={onLeave}>
          {t('cancel')}
        </button>
      </p>
      <Done of={doing} again={send} />
    </Form>
  );
}
