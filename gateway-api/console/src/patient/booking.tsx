/** Booking a visit, or moving one: with whom, when, and a look at it before it is written. */
import type { Appointment, Patient, Schedule, Slot } from '@medplum/fhirtypes';
import { useEffect, useRef, useState } from 'preact/hooks';
import { patientShown } from '../acting.ts';
import { ask, change, fhirPath, search, transactionOf } from '../api.ts';
import { useWords } from '../language.ts';
import { directory, type Member } from '../parts/directory.ts';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { Choice } from '../parts/fields.tsx';
import { useLoaded, usePaged } from '../parts/loading.ts';
import { Receipt } from '../parts/receipt.tsx';
import { Empty, More, WhenLoaded } from '../parts/states.tsx';
import { Progress } from '../parts/steps.tsx';
import { Problem } from '../problem.ts';
import { hrefOf } from '../route.ts';
import { Agreement } from './agreement.tsx';
import { bookedAt, byDay, type Offer, offersIn, whoIs } from './appointment.ts';
import { moved } from './wanted.ts';

const STEPS = ['stepWith', 'stepWhen', 'stepBook'] as const;

export function Booking() {
  const { t, time } = useWords();
  const [before] = useState(() => moved.take());
  // Who may book and not read is not shown the directory: he books with whoever offers it.
  const all = useLoaded(directory).data ?? [];
  const [offer, setOffer] = useState<Offer | undefined>();
  const [slot, setSlot] = useState<Slot | undefined>();
  const [step, setStep] = useState(0);
  const [done, setDone] = useState<{ transaction: string | undefined } | undefined>();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [step, done]);
  if (done !== undefined)
    return (
      <div role="status">
        <h2 ref={heading} tabIndex={-1}>
          {t('bookedNow')}
        </h2>
        <p class="notice good">{t('bookedFor', { time: time(slot?.start) })}</p>
        <Receipt of={done.transaction} />
        <p>
          <a class="button main" href={hrefOf('appointments')}>
            {t('toAppointments')}
          </a>
        </p>
      </div>
    );
  const name = STEPS[step]!;
  return (
    <div class="steps">
      {before === undefined ? null : <p class="notice">{t('movesIt', { time: time(before.start) })}</p>}
      <Progress of={STEPS} step={step} />
      <h2 ref={heading} tabIndex={-1}>
        {t(name)}
      </h2>
      {name === 'stepWith' && <With members={all} chosen={offer} onChoose={setOffer} />}
      {name === 'stepWhen' && offer !== undefined && <When offer={offer} chosen={slot} onChoose={setSlot} />}
      {name === 'stepBook' && offer !== undefined && slot !== undefined && (
        <Check {...{ before, offer, slot, members: all }} onDone={(transaction) => setDone({ transaction })} />
      )}
      <p class="actions">
        {name === 'stepBook' ? null : (
          <button
            type="button"
            class="main"
            disabled={step === 0 ? offer === undefined : slot === undefined}
            onClick={() => setStep(step + 1)}
          >
            {t('next')}
          </button>
        )}
        {step === 0 ? (
          <a class="button" href={hrefOf('appointments')}>
            {t('cancel')}
          </a>
        ) : (
          <button
            type="button"
            onClick={() => {
              setSlot(undefined);
              setStep(step - 1);
            }}
          >
            {t('back')}
          </button>
        )}
      </p>
    </div>
  );
}

interface WithProps {
  members: readonly Member[];
  chosen: Offer | undefined;
  onChoose(offer: Offer): void;
}

function With({ members, chosen, onChoose }: WithProps) {
  const { t, list } = useWords();
  const schedules = usePaged<Schedule>('Schedule?_count=100');
  return (
    <>
      <WhenLoaded of={schedules}>
        {(found) => {
          const offers = offersIn(found);
          if (offers.length === 0) return <Empty>{t('nobodyOffers')}</Empty>;
          return (
            <fieldset>
              <legend>{t('withWhom')}</legend>
              {offers.map((one) => (
                <label key={one.practitioners.join()} class="option">
                  <input
                    type="radio"
                    name="with"
                    checked={chosen?.practitioners.join() === one.practitioners.join()}
                    onChange={() => onChoose(one)}
                  />
                  <span>
                    <bdi>{list(namesOf(one, members)) || t('withSomebody')}</bdi>{' '}
                    <small>{whoIs(one.practitioners[0] ?? '', members)?.at}</small>
                  </span>
                </label>
              ))}
            </fieldset>
          );
        }}
      </WhenLoaded>
      <More of={schedules} />
    </>
  );
}

const namesOf = ({ practitioners }: Offer, members: readonly Member[]): string[] =>
  practitioners.flatMap((one) => whoIs(one, members)?.name ?? []);

interface WhenProps {
  offer: Offer;
  chosen: Slot | undefined;
  onChoose(slot: Slot): void;
}

function When({ offer, chosen, onChoose }: WhenProps) {
  const { t, date, hour } = useWords();
  const [from] = useState(() => new Date().toISOString());
  const schedules = offer.schedules.join();
  const slots = usePaged<Slot>(`Slot?status=free&schedule=${schedules}&start=ge${from}&_sort=start&_count=100`);
  const [day, setDay] = useState('');
  return (
    <>
      <WhenLoaded of={slots}>
        {(found) => {
          const days = byDay(found);
          const [first] = days.keys();
          const shown = days.has(day) ? day : (first ?? '');
          if (first === undefined) return <Empty>{t('noTimes')}</Empty>;
          return (
            <>
              <Choice
                label={t('whichDay')}
                value={shown}
                options={[...days.keys()].map((one) => [one, date(one)] as const)}
                onChoose={setDay}
              />
              <fieldset>
                <legend>{t('whichTime')}</legend>
                {days.get(shown)?.map((one) => (
                  <label key={one.id} class="option">
                    <input type="radio" name="time" checked={chosen?.id === one.id} onChange={() => onChoose(one)} />
                    <span>
                      {hour(one.start)} – {hour(one.end)}
                    </span>
                  </label>
                ))}
              </fieldset>
            </>
          );
        }}
      </WhenLoaded>
      <More of={slots} />
    </>
  );
}

interface CheckProps {
  before: Appointment | undefined;
  offer: Offer;
  slot: Slot;
  members: readonly Member[];
  onDone(transaction: string | undefined): void;
}

function Check({ before, offer, slot, members, onDone }: CheckProps) {
  const { t, time, list } = useWords();
  const doing = useDoing();
  const book = (): void =>
    doing.run(async (key) => {
      const { practitioners } = offer;
      if (before !== undefined) {
        const patient = before.participant.find(({ actor }) => actor?.reference?.includes('Patient/') === true);
        const at = bookedAt(slot, practitioners, patient?.actor?.reference ?? patientShown());
        onDone(transactionOf(await change(before, at, key)));
      } else onDone(await bookedFor(slot, practitioners, key));
    });
  return (
    <>
      <div class="card">
        <p>
          <strong>{time(slot.start)}</strong>
        </p>
        <p>
          <bdi>{list(namesOf(offer, members)) || t('withSomebody')}</bdi>{' '}
          <small>{whoIs(offer.practitioners[0] ?? '', members)?.at}</small>
        </p>
      </div>
      <Agreement />
      <p class="actions">
        <button type="button" class="main" onClick={book} disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : before === undefined ? 'bookIt' : 'moveIt')}
        </button>
      </p>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite again={book} />}
    </>
  );
}

/** One books as whom the place knows one: the record that it holds, of those that are one's own. @throws {Problem} */
async function bookedFor(slot: Slot, practitioners: readonly string[], key: string): Promise<string | undefined> {
  const own = patientShown();
  const known = await search<Patient>('Patient?_count=20')
    .then(({ found }) => found.map(({ id }) => `Patient/${id}`))
    .catch((): string[] => []);
  const tried = [own, ...known.filter((one) => one !== own)];
  for (const [number, patient] of tried.entries()) {
    const body = { resourceType: 'Appointment', ...bookedAt(slot, practitioners, patient) };
    // Each is a request of its own.
    const headers = { 'Idempotency-Key': number === 0 ? key : `${key.slice(0, -2)}${String(number).padStart(2, '0')}` };
    try {
      return transactionOf(await ask({ method: 'POST', path: fhirPath('Appointment'), body, headers }));
    } catch (error) {
      const isElsewhere = error instanceof Problem && error.rule === 'slot-not-free';
      if (!isElsewhere || number === tried.length - 1) throw error;
    }
  }
  return undefined;
}
