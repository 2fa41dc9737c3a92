/** My appointments: the visit that is open, with the way into it; what comes, which I move, cancel, or say that I am there for. */
import type { Appointment, Encounter } from '@medplum/fhirtypes';
import { useCallback, useState } from 'preact/hooks';
import { change, search } from '../api.ts';
import { useWords } from '../language.ts';
import { Confirm } from '../parts/confirm.tsx';
import { directory, type Member } from '../parts/directory.ts';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { Join } from '../parts/join.tsx';
import { useLoaded } from '../parts/loading.ts';
import { usePolled } from '../parts/polled.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { goTo, hrefOf } from '../route.ts';
import { Agreement } from './agreement.tsx';
import { mayArrive, practitionersOf, whoIs } from './appointment.ts';
import { moved } from './wanted.ts';

const PAGE = 20;
const HOUR_MS = 3_600_000;
const OPEN = 'Encounter?class=VR&status=arrived,triaged,in-progress,onleave&_count=5';

interface Mine {
  appointments: readonly Appointment[];
  isMore: boolean;
  open: readonly Encounter[];
}

async function mine(count: number, signal: AbortSignal): Promise<Mine> {
  const since = new Date(Date.now() - 12 * HOUR_MS).toISOString();
  const path = `Appointment?status=booked,arrived,checked-in&date=ge${since}&_sort=date&_count=${count}`;
  const [appointments, visits] = await Promise.all([
    search<Appointment>(path, signal),
    search<Encounter>(OPEN, signal).catch(() => ({ found: [] })),
  ]);
  return { appointments: appointments.found, isMore: appointments.next !== undefined, open: visits.found };
}

export function Appointments() {
  const { t, time } = useWords();
  const [count, setCount] = useState(PAGE);
  const load = useCallback((signal: AbortSignal) => mine(count, signal), [count]);
  const loaded = useLoaded(load);
  usePolled(loaded.again);
  const members = useLoaded(directory).data ?? [];
  const [cancelling, setCancelling] = useState<Appointment | undefined>();
  const [isCancelled, setCancelled] = useState(false);
  return (
    <>
      <p class="lead">{t('appointmentsLead')}</p>
      <p class="actions">
        <a class="button main" href={hrefOf('appointments/book')}>
          {t('bookOne')}
        </a>
      </p>
      <Agreement />
      <div role="status">{isCancelled ? <p class="notice good">{t('cancelledNow')}</p> : null}</div>
      <WhenLoaded of={loaded}>
        {({ appointments, isMore, open }) => (
          <>
            {open.map(({ id = '', status, period }) => (
              <section key={id} class="notice good">
                <h2>{t(status === 'in-progress' ? 'visitOpen' : 'visitWaits')}</h2>
                {period?.start === undefined ? null : <p>{t('seenSince', { time: time(period.start) })}</p>}
                <Join encounter={id} />
              </section>
            ))}
            {appointments.length === 0 ? <Empty>{t('noAppointments')}</Empty> : null}
            <ul class="cards">
              {appointments.map((one) => (
                <Card
                  key={one.id}
                  {...{ appointment: one, members, isOpen: open.length > 0 }}
                  onChanged={loaded.again}
                  onCancel={() => setCancelling(one)}
                />
              ))}
            </ul>
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
      {cancelling === undefined ? null : (
        <Cancelling
          appointment={cancelling}
          onDone={() => {
            setCancelled(true);
            loaded.again();
          }}
          onLeave={() => setCancelling(undefined)}
        />
      )}
    </>
  );
}

interface CardProps {
  appointment: Appointment;
  members: readonly Member[];
  /** Her visit is open: where to go is said there. */
  isOpen: boolean;
  onChanged(): void;
  onCancel(): void;
}

function Card({ appointment, members, isOpen, onChanged, onCancel }: CardProps) {
  const { t, time, list } = useWords();
  const doing = useDoing();
  const { status, start, comment } = appointment;
  const with_ = practitionersOf(appointment).flatMap((one) => {
    const found = whoIs(one, members);
    return found === undefined ? [] : [`${found.name} · ${found.at}`];
  });
  const arrive = (): void =>
    doing.run(async (key) => {
      await change(appointment, { status: 'arrived' }, key);
      onChanged();
    });
  const isBooked = status === 'booked';
  return (
    <li class="card">
      <h2>{time(start)}</h2>
      <p>
        <bdi>{with_.length === 0 ? t('withSomebody') : list(with_)}</bdi>{' '}
        <span class={isBooked ? 'tag' : 'tag good'}>{t(isBooked ? 'isBooked' : 'isThere')}</span>
      </p>
      {comment === undefined ? null : <p dir="auto">{comment}</p>}
      {isBooked ? (
        <>
          {mayArrive(appointment, new Date()) ? null : <p class="soft">{t('arriveLater')}</p>}
          <p class="actions">
            {mayArrive(appointment, new Date()) ? (
              <button type="button" class="main" onClick={arrive} disabled={doing.isBusy}>
                {t(doing.isBusy ? 'working' : 'amHere')}
              </button>
            ) : null}
            <button
              type="button"
              onClick={() => {
                moved.set(appointment);
                goTo('appointments/book');
              }}
            >
              {t('moveIt')}
            </button>
            <button type="button" onClick={onCancel}>
              {t('cancelIt')}
            </button>
          </p>
        </>
      ) : isOpen ? null : (
        <p class="soft">{t('inWaitingRoom')}</p>
      )}
      {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite again={arrive} />}
    </li>
  );
}

interface CancellingProps {
  appointment: Appointment;
  onDone(): void;
  onLeave(): void;
}

function Cancelling({ appointment, onDone, onLeave }: CancellingProps) {
  const { t, time } = useWords();
  const doing = useDoing();
  const cancel = (): void =>
    doing.run(async (key) => {
      await change(appointment, { status: 'cancelled' }, key);
      onDone();
      onLeave();
    });
  return (
    <Confirm title={t('cancelTitle')} action={t('cancelIt')} isBusy={doing.isBusy} onDo={cancel} onLeave={onLeave}>
      <p>{t('cancelWhat', { time: time(appointment.start) })}</p>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite />}
    </Confirm>
  );
}
