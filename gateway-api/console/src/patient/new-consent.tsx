/**
 * A consent in three steps: to whom, what, for how long; then what it would let be seen, by the gateway's own decision, before it is given.
 * What can be chosen here has one meaning: nothing is nested, and one person or organisation is named.
 */
import type { Consent } from '@medplum/fhirtypes';
import { useEffect, useRef, useState } from 'preact/hooks';
import { author, patientShown } from '../acting.ts';
import { useWords } from '../language.ts';
import { directory, type Member } from '../parts/directory.ts';
import { KindChoice } from '../parts/kind-choice.tsx';
import { useLoaded } from '../parts/loading.ts';
import { WhenLoaded } from '../parts/states.tsx';
import { Progress } from '../parts/steps.tsx';
import { hrefOf } from '../route.ts';
import { session } from '../sign-in.ts';
import { consentOf, KINDS, type Kind, typesOf } from './draft.ts';
import { Preview } from './preview.tsx';
import { answered } from './wanted.ts';

interface Choice {
  organisation: string;
  /** `system|value`; empty for anybody there. */
  person: string;
  isEverything: boolean;
  kinds: readonly Kind[];
  /** Types that were asked for and are none of the choices. */
  others: readonly string[];
  purpose: string;
  /** Days from today; empty until it is withdrawn. */
  days: string;
}

const DAY_MS = 86_400_000;
const STEPS = ['stepWho', 'stepWhat', 'stepLong', 'stepCheck'] as const;
const DAYS = [
  ['30', 'days30'],
  ['90', 'days90'],
  ['365', 'days365'],
  ['', 'daysOpen'],
] as const;
const PURPOSES = [
  ['TREAT', 'forTreatment'],
  ['HPAYMT', 'forPayment'],
  ['HRESCH', 'forResearch'],
] as const;

const dayIn = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);

function firstChoice(members: readonly Member[]): Choice {
  const request = answered.take();
  const nothing = { organisation: '', person: '', isEverything: false, kinds: [], others: [] };
  if (request === undefined) return { ...nothing, purpose: 'TREAT', days: '90' };
  const { requestor, practitioner, types = [], purpose } = request;
  const people = members.find(({ name }) => name === requestor)?.people ?? [];
  const person = people.find(({ value }) => value === practitioner);
  const isChoice = (kind: Kind): boolean => KINDS[kind].every((type) => types.includes(type));
  const kinds = (Object.keys(KINDS) as Kind[]).filter(isChoice);
  const covered: readonly string[] = typesOf(kinds);
  return {
    ...{ organisation: requestor, person: person === undefined ? '' : `${person.system}|${person.value}` },
    ...{ isEverything: types.length === 0, kinds, others: types.filter((type) => !covered.includes(type)) },
    ...{ purpose, days: '30' },
  };
}

export function NewConsent() {
  const members = useLoaded(directory);
  return <WhenLoaded of={members}>{(all) => <Steps members={all} />}</WhenLoaded>;
}

function Steps({ members }: { members: readonly Member[] }) {
  const { t } = useWords();
  const [choice, setChoice] = useState<Choice>(() => firstChoice(members));
  const [step, setStep] = useState(0);
  const [given, setGiven] = useState<{ isKept: boolean; transactionId: string | undefined } | undefined>();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [step, given]);
  const change = (some: Partial<Choice>): void => setChoice({ ...choice, ...some });
  if (given !== undefined) return <Given {...given} heading={heading} />;
  const name = STEPS[step]!;
  const isReady = isDone(choice, step);
  return (
    <form
      class="steps"
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) setStep(step + 1);
      }}
    >
      <Progress of={STEPS} step={step} />
      <h2 ref={heading} tabIndex={-1}>
        {t(name)}
      </h2>
      {name === 'stepWho' && <Who members={members} choice={choice} change={change} />}
      {name === 'stepWhat' && <What choice={choice} change={change} />}
      {name === 'stepLong' && <HowLong choice={choice} change={change} />}
      {name === 'stepCheck' && (
        <Preview
          consent={written(choice, members)}
          receiver={choice.organisation}
          purpose={choice.purpose}
          onGiven={setGiven}
        />
      )}
      <p class="actions">
        {name === 'stepCheck' ? null : (
          <button type="submit" class="main" disabled={!isReady}>
            {t('next')}
          </button>
        )}
        {step === 0 ? (
          <a class="button" href={hrefOf('consents')}>
            {t('cancel')}
          </a>
        ) : (
          <button type="button" onClick={() => setStep(step - 1)}>
            {t('back')}
          </button>
        )}
      </p>
    </form>
  );
}

function isDone({ organisation, isEverything, kinds, others }: Choice, step: number): boolean {
  if (step === 0) return organisation !== '';
  return step !== 1 || isEverything || kinds.length + others.length > 0;
}

function written(choice: Choice, members: readonly Member[]): Consent {
  const { organisation, person, isEverything, kinds, others, purpose, days } = choice;
  const found = members
    .find(({ name }) => name === organisation)
    ?.people.find(({ system, value }) => `${system}|${value}` === person);
  return consentOf({
    receiver: { organisation, ...(found === undefined ? {} : { person: found }) },
    patient: patientShown(),
    ...(session.now?.role === 'caretaker' ? { performer: author() } : {}),
    types: isEverything ? [] : [...typesOf(kinds), ...others],
    ...{ purpose, today: dayIn(0), ...(days === '' ? {} : { until: dayIn(Number(days)) }) },
  });
}

interface PartProps {
  choice: Choice;
  change(some: Partial<Choice>): void;
}

function Who({ members, choice, change }: PartProps & { members: readonly Member[] }) {
  const { t } = useWords();
  const people = members.find(({ name }) => name === choice.organisation)?.people ?? [];
  return (
    <>
      <fieldset>
        <legend>{t('whichOrganisation')}</legend>
        {members.map(({ name, kind }) => (
          <label key={name} class="option">
            <input
              type="radio"
              name="organisation"
              checked={choice.organisation === name}
              onChange={() => change({ organisation: name, person: '' })}
            />
            <span>
              <bdi>{name}</bdi> <small>{t(`member-${kind}`)}</small>
            </span>
          </label>
        ))}
      </fieldset>
      {people.length === 0 ? null : (
        <label>
          {t('whichPerson')}
          <select value={choice.person} onChange={({ currentTarget }) => change({ person: currentTarget.value })}>
            <option value="">{t('anybodyThere')}</option>
            {people.map(({ system, value, name }) => (
              <option key={value} value={`${system}|${value}`}>
                {name}
              </option>
            ))}
          </select>
        </label>
      )}
    </>
  );
}

function What({ choice, change }: PartProps) {
  const { t } = useWords();
  const { isEverything, kinds, others, purpose } = choice;
  return (
    <>
      <KindChoice {...{ kinds, isEverything }} legend={t('whichRecords')} onChange={change}>
        {others.map((type) => (
          <label key={type} class="option">
            <input
              type="checkbox"
              checked={!isEverything}
              onChange={() => change({ others: others.filter((one) => one !== type) })}
            />
            <span>{type}</span>
          </label>
        ))}
      </KindChoice>
      <label>
        {t('whatFor')}
        <select value={purpose} onChange={({ currentTarget }) => change({ purpose: currentTarget.value })}>
          {PURPOSES.map(([code, key]) => (
            <option key={code} value={code}>
              {t(key)}
            </option>
          ))}
          {PURPOSES.some(([code]) => code === purpose) ? null : <option value={purpose}>{purpose}</option>}
        </select>
      </label>
    </>
  );
}

function HowLong({ choice, change }: PartProps) {
  const { t, date } = useWords();
  return (
    <fieldset>
      <legend>{t('howLong')}</legend>
      {DAYS.map(([days, key]) => (
        <label key={key} class="option">
          <input type="radio" name="days" checked={choice.days === days} onChange={() => change({ days })} />
          <span>
            {t(key)} {days === '' ? null : <small>{t('untilDay', { day: date(dayIn(Number(days))) })}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

interface GivenProps {
  isKept: boolean;
  transactionId: string | undefined;
  heading: { current: HTMLHeadingElement | null };
}

function Given({ isKept, transactionId, heading }: GivenProps) {
  const { t } = useWords();
  return (
    <div role="status">
      <h2 ref={heading} tabIndex={-1}>
        {t(isKept ? 'consentKept' : 'consentGiven')}
      </h2>
      <p class="notice good">{t(isKept ? 'consentKeptLead' : 'consentGivenLead')}</p>
      {transactionId === undefined ? null : (
        <p class="soft">
          {t('transaction')} <code dir="ltr">{transactionId}</code>
        </p>
      )}
      <p>
        <a class="button main" href={hrefOf('consents')}>
          {t('toConsents')}
        </a>
      </p>
    </div>
  );
}
