/** A clinician's day: who waits and since when, who is being seen, who comes later; one of them opened is the visit. */
import type { Appointment, Encounter, Patient } from '@medplum/fhirtypes';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { search } from '../api.ts';
import { useWords } from '../language.ts';
import type { Key } from '../messages/en.ts';
import { Choice } from '../parts/fields.tsx';
import { useLoaded } from '../parts/loading.ts';
import { usePolled } from '../parts/polled.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { session } from '../sign-in.ts';
import { useValue } from '../value.ts';
import { opened } from './opened.ts';
import { Unplanned } from './unplanned.tsx';
import { VisitView } from './visit.tsx';
import { STATES, type State, today, type Visit, visitsOf } from './visits.ts';

const PAGE = 50;
const TITLES: Record<State, Key> = { waiting: 'waitingRoom', 'under-way': 'beingSeen', later: 'laterToday' };

interface Day {
  visits: Visit[];
  isMore: boolean;
}

async function dayOf(whose: string, count: number, signal: AbortSignal): Promise<Day> {
  const { start, end } = today(new Date());
  const mine = whose === '' ? '' : `&practitioner=${encodeURIComponent(whose)}`;
  const booked = `Appointment?status=booked,arrived,checked-in&date=ge${start}&date=lt${end}&_sort=date`;
  const open = 'Encounter?class=VR&status=arrived,triaged,in-progress,onleave&_sort=date';
  const [appointments, encounters] = await Promise.all([
    search<Appointment | Patient>(`${booked}${mine}&_count=${count}&_include=Appointment:patient`, signal),
    search<Encounter | Patient>(`${open}${mine}&_count=${count}&_include=Encounter:patient`, signal),
  ]);
  const isMore = appointments.next !== undefined || encounters.next !== undefined;
  return { visits: visitsOf([...appointments.found, ...encounters.found]), isMore };
}

export function Today() {
  const { t } = useWords();
  const visit = useValue(opened);
  const me = useValue(session)?.fhirUser ?? '';
  const [whose, setWhose] = useState(me);
  const [count, setCount] = useState(PAGE);
  const load = useCallback((signal: AbortSignal) => dayOf(whose, count, signal), [whose, count]);
  const day = useLoaded(load);
  usePolled(day.again);
  useEffect(() => {
    if (visit === undefined) day.again();
  }, [visit, day.again]);
  if (visit !== undefined) return <VisitView key={visit.key} visit={visit} onLeave={() => opened.set(undefined)} />;
  return (
    <>
      <p class="lead">{t('todayLead')}</p>
      {me === '' ? null : (
        <Choice
          label={t('whoseVisits')}
          value={whose}
          options={[
            [me, t('visitsMine')],
            ['', t('visitsAll')],
          ]}
          onChoose={setWhose}
        />
      )}
      <WhenLoaded of={day}>
        {({ visits, isMore }) => (
          <>
            {STATES.map((state) => (
              <Part key={state} state={state} visits={visits.filter((one) => one.state === state)} />
            ))}
            {isMore ? (
              <p class="actions">
                <button type="button" onClick={() => setCount(count + PAGE)}>
                  {t('more')}
                </button>
              </p>
            ) : null}
          </>
        )}
      </WhenLoaded>
      <Unplanned />
    </>
  );
}

function Part({ state, visits }: { state: State; visits: readonly Visit[] }) {
  const words = useWords();
  const { t, time } = words;
  const said: Record<State, Key> = { waiting: 'waitsSince', 'under-way': 'seenSince', later: 'bookedFor' };
  return (
    <section>
      <h2>{t(TITLES[state])}</h2>
      {visits.length === 0 ? <Empty>{t('nobodyHere')}</Empty> : null}
      <ul class="cards">
        {visits.map((one) => (
          <li key={one.key} class="card row">
            <div>
              <p>
                <strong>
                  <bdi>{one.name || t('nameless')}</bdi>
                </strong>
              </p>
              <p class="soft">{t(said[state], { time: time(one.at) })}</p>
            </div>
            <button
              type="button"
              class={state === 'later' ? undefined : 'main'}
              aria-label={t('openVisit', { name: one.name || t('nameless') })}
              onClick={() => opened.set(one)}
            >
              {t('open')}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
