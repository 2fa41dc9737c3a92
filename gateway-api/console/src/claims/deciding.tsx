/** A claim is decided: by the rules where no person has to, else by a person within them, who gives a reason and signs. */
import type { Claim, ParametersParameter } from '@medplum/fhirtypes';
import { useState } from 'preact/hooks';
import { ask, fhirPath } from '../api.ts';
import { useWords } from '../language.ts';
import type { StaffKey } from '../messages/staff/en.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { conceptOf } from '../parts/fhir-texts.ts';
import { Choice, Field, Form } from '../parts/fields.tsx';
import { parametersOf } from '../parts/parameters.ts';
import { session } from '../sign-in.ts';
import type { Status } from './statuses.ts';

const DECISIONS = ['approve', 'reduce', 'deny', 'pend'] as const;
type Decision = (typeof DECISIONS)[number];
/** Those that a person decides. */
const FOR_PEOPLE: readonly Status[] = ['pended', 'queued', 'countersign', 'appealed'];
type Waiting = 'pended' | 'queued' | 'countersign' | 'appealed';
const WHY: Record<Waiting, StaffKey> = {
  ...{ pended: 'whyPended', queued: 'whyQueued', countersign: 'whyCountersign', appealed: 'whyAppealed' },
};

interface DecidingProps {
  claim: Claim;
  status: Status;
  /** It was decided, or stands otherwise. */
  onChange(): void;
}

export function Deciding({ claim, status, onChange }: DecidingProps) {
  if (status === 'submitted') return <ByRules claim={claim} onChange={onChange} />;
  return FOR_PEOPLE.includes(status) ? <ByPerson claim={claim} status={status as Waiting} onChange={onChange} /> : null;
}

const pathOf = ({ id }: Claim): string => fhirPath(`Claim/${id}/$adjudicate`);

function ByRules({ claim, onChange }: Omit<DecidingProps, 'status'>) {
  const { t } = useWords();
  const doing = useDoing();
  const decide = (): void =>
    doing.run(async (key) => {
      await ask({ method: 'POST', path: pathOf(claim), headers: { 'Idempotency-Key': key } });
      onChange();
    });
  return (
    <>
      <p class="soft">{t('decideLead')}</p>
      <p class="actions">
        <button type="button" class="main" onClick={decide} disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : 'decide')}
        </button>
      </p>
      <Done of={doing} again={decide} />
    </>
  );
}

/** As `$adjudicate` takes it. @param less by sequence, by how much less is paid */
function decisionOf(
  { decision, reason, less }: { decision: Decision; reason: string; less: Readonly<Record<number, string>> },
  currency: string,
): ParametersParameter[] {
  const reductions = Object.entries(less).filter(([, value]) => Number(value) > 0);
  const items = reductions.map(([sequence, value]) => ({
    name: 'item',
    part: [
      { name: 'sequence', valuePositiveInt: Number(sequence) },
      { name: 'reduction', valueMoney: { value: Number(value), currency } as never },
    ],
  }));
  return [
    { name: 'decision', valueCode: decision === 'reduce' ? 'approve' : decision },
    { name: 'reason', valueString: reason },
    ...(decision === 'reduce' ? items : []),
  ];
}

function ByPerson({ claim, status, onChange }: Omit<DecidingProps, 'status'> & { status: Waiting }) {
  const { t } = useWords();
  const doing = useDoing();
  const [decision, setDecision] = useState<Decision>('approve');
  const [reason, setReason] = useState('');
  const [less, setLess] = useState<Readonly<Record<number, string>>>({});
  const currency = claim.item?.[0]?.net?.currency ?? 'USD';
  const sign = (): void =>
    doing.run(async (key) => {
      const body = parametersOf(...decisionOf({ decision, reason: reason.trim(), less }, currency));
      await ask({ method: 'POST', path: pathOf(claim), body, headers: { 'Idempotency-Key': key } });
      onChange();
    });
  if (session.now?.fhirUser === undefined) return <p class="notice warn">{t('signInByName')}</p>;
  return (
    <Form title={t('yourDecision')} onSend={sign}>
      <p class="notice">{t(WHY[status])}</p>
      <Choice
        label={t('decision')}
        value={decision}
        options={DECISIONS.map((one) => [one, t(`decide-${one}`)])}
        onChoose={setDecision}
      />
      {decision === 'reduce'
        ? claim.item?.map(({ sequence, productOrService, net }) => (
            <Field
              key={sequence}
              type="number"
              label={t('lessOf', { what: conceptOf(productOrService), currency: net?.currency ?? currency })}
              value={less[sequence] ?? ''}
              onInput={(value) => setLess({ ...less, [sequence]: value })}
            />
          ))
        : null}
      <Field rows={3} label={t('decisionReason')} value={reason} onInput={setReason} isNeeded max={500} />
      <p class="soft">{t('signsByName')}</p>
      <p class="actions">
        <button type="submit" class="main" disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : 'signDecision')}
        </button>
      </p>
      <Done of={doing} again={sign} />
    </Form>
  );
}
