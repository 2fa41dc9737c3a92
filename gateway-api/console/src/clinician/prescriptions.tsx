/** Prescribing: what speaks against a medicine is shown before it is added; what can be overridden takes a reason, what cannot is explained. */
import type { DetectedIssue, MedicationRequest } from '@medplum/fhirtypes';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useWords } from '../language.ts';
import type { Key } from '../messages/en.ts';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { conceptOf } from '../parts/fhir-texts.ts';
import { Choice, Field } from '../parts/fields.tsx';
import { useLoaded } from '../parts/loading.ts';
import { WhenLoaded } from '../parts/states.tsx';
import type { Words } from '../words.ts';
import { alertsAgainst, medicines } from './checks.ts';
import type { Prescription } from './draft.ts';
import { type Medicine, NOTHING, orderOf, type Wanted, wantedFaults } from './medicines.ts';
import { Written } from './orders.tsx';

interface PrescriptionsProps {
  patient: string;
  encounter: string;
  me: string;
  of: readonly Prescription[];
  onChange(next: readonly Prescription[]): void;
}

interface Checked {
  order: MedicationRequest;
  issues: DetectedIssue[];
}

const saidOf = ({ medicationCodeableConcept, dosageInstruction }: MedicationRequest): string =>
  [conceptOf(medicationCodeableConcept), dosageInstruction?.[0]?.text ?? ''].filter((one) => one !== '').join(', ');

export function Prescriptions({ of, onChange, ...about }: PrescriptionsProps) {
  const { t } = useWords();
  const known = useLoaded(medicines);
  const [checked, setChecked] = useState<Checked | undefined>();
  const [wanted, setWanted] = useState<Wanted>(NOTHING);
  const add = (one: Prescription): void => {
    onChange([...of, one]);
    setChecked(undefined);
    setWanted(NOTHING);
  };
  return (
    <>
      <Written
        of={of.map(({ order }) => saidOf(order))}
        onRemove={(index) => onChange(of.filter((_, at) => at !== index))}
      />
      {checked === undefined ? (
        <WhenLoaded of={known}>
          {(all) => <Wanting {...about} {...{ all, wanted, setWanted }} onChecked={setChecked} />}
        </WhenLoaded>
      ) : (
        <Alerts checked={checked} onAdd={add} onLeave={() => setChecked(undefined)} />
      )}
      {of.length === 0 ? null : <p class="soft">{t('prescribedAtEnd')}</p>}
    </>
  );
}

interface WantingProps extends Omit<PrescriptionsProps, 'of' | 'onChange'> {
  all: readonly Medicine[];
  wanted: Wanted;
  setWanted(wanted: Wanted): void;
  onChecked(checked: Checked): void;
}

/** The dosage in the words of the page. */
function dosageSaid({ dose, times, instructions }: Wanted, { t }: Words): string {
  const amount = dose.trim() === '' ? '' : `${dose.trim()} mg`;
  const often = t('timesADay', { count: Number(times) });
  return [amount, often, instructions.trim()].filter((one) => one !== '').join(', ');
}

function Wanting({ all, wanted, setWanted, onChecked, ...about }: WantingProps) {
  const words = useWords();
  const { t } = words;
  const doing = useDoing();
  const [isTried, setTried] = useState(false);
  const faults = wantedFaults(wanted);
  const change = (some: Partial<Wanted>): void => setWanted({ ...wanted, ...some });
  const check = (): void => {
    setTried(true);
    if (faults.length > 0) return;
    doing.run(async () => {
      const now = new Date().toISOString();
      const medicine = all.find(({ code }) => code === wanted.code);
      const order = orderOf(wanted, medicine, { ...about, now, said: dosageSaid(wanted, words) });
      onChecked({ order, issues: await alertsAgainst(order) });
    });
  };
  const shared = (name: keyof Wanted) => ({
    value: wanted[name],
    fault: isTried && faults.includes(name) ? t('fieldFault') : undefined,
    onInput: (text: string) => change({ [name]: text }),
  });
  return (
    <>
      <Choice
        label={t('medicine')}
        value={wanted.code}
        options={[
          ['', t('otherMedicine')],
          ...all.map(({ code, ingredient }) => [code, `${ingredient} · ${code}`] as const),
        ]}
        onChoose={(code) => change({ code })}
      />
      {wanted.code === '' ? <Field label={t('medicineName')} hint={t('notChecked')} {...shared('name')} /> : null}
      <div class="fields">
        <Field label={t('dose')} type="decimal" {...shared('dose')} />
        <Field label={t('times')} type="decimal" {...shared('times')} />
        <Field label={t('quantity')} type="decimal" {...shared('quantity')} />
        <Field label={t('unit')} {...shared('unit')} />
        <Field label={t('refills')} type="decimal" {...shared('refills')} />
      </div>
      <Field label={t('instructions')} {...shared('instructions')} />
      <p class="actions">
        <button type="button" onClick={check} disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : 'checkMedicine')}
        </button>
      </p>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} again={check} />}
    </>
  );
}

interface AlertsProps {
  checked: Checked;
  onAdd(prescription: Prescription): void;
  onLeave(): void;
}

function Alerts({ checked: { order, issues }, onAdd, onLeave }: AlertsProps) {
  const { t } = useWords();
  const [reasons, setReasons] = useState<readonly string[]>(issues.map(() => ''));
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const isStopped = issues.some(({ severity }) => severity === 'high');
  const isAnswered = reasons.every((one) => one.trim() !== '');
  const kindOf = ({ code }: DetectedIssue): string => code?.coding?.[0]?.code ?? '';
  return (
    <>
      <h3 ref={heading} tabIndex={-1} dir="auto">
        {saidOf(order)}
      </h3>
      {issues.length === 0 ? <p class="notice good">{t('nothingAgainst')}</p> : null}
      {issues.map((issue, index) => (
        <div
          key={`${kindOf(issue)} ${index}`}
          class={issue.severity === 'high' ? 'notice bad' : 'notice warn'}
          role="alert"
        >
          <p>
            <strong>{t(ALERTS[kindOf(issue)] ?? 'alert-other')}</strong>: <bdi>{issue.code?.text}</bdi>
          </p>
          {issue.severity === 'high' ? (
            <p>{t('ruleHardStop')}</p>
          ) : (
            <Field
              label={t('alertReason')}
              hint={t('alertReasonHint')}
              value={reasons[index] ?? ''}
              onInput={(text) => setReasons(reasons.map((one, at) => (at === index ? text : one)))}
            />
          )}
        </div>
      ))}
      <p class="actions">
        {isStopped ? null : (
          <button
            type="button"
            class="main"
            disabled={!isAnswered}
            onClick={() => onAdd({ order, alerts: issues.map((issue, at) => ({ issue, reason: reasons[at] ?? '' })) })}
          >
            {t(issues.length === 0 ? 'addMedicine' : 'addAllTheSame')}
          </button>
        )}
        <button type="button" onClick={onLeave}>
          {t('changeMedicine')}
        </button>
      </p>
    </>
  );
}

const ALERTS: Readonly<Record<string, Key>> = {
  ...{ allergy: 'alert-allergy', 'duplicate-therapy': 'alert-duplicate', interaction: 'alert-interaction' },
  ...{ dose: 'alert-dose', pregnancy: 'alert-pregnancy', 'renal-function': 'alert-renal' },
};
