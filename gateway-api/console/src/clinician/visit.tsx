/** One visit: who it is and what is critical, its beginning, what is written while it goes on, and its end in one transaction. */
import type { Encounter, Patient } from '@medplum/fhirtypes';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, fhirPath } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { Join } from '../parts/join.tsx';
import { Receipt } from '../parts/receipt.tsx';
import { goTo } from '../route.ts';
import { session } from '../sign-in.ts';
import { useValue } from '../value.ts';
import { CriticalSummary } from './critical-summary.tsx';
import { Desk } from './desk.tsx';
import { opened, sought } from './opened.ts';
import type { Visit } from './visits.ts';

const UNDER_WAY = ['in-progress', 'onleave'];

export function VisitView({ visit, onLeave }: { visit: Visit; onLeave(): void }) {
  const { t, time, date } = useWords();
  const [finished, setFinished] = useState<{ transaction: string | undefined } | undefined>();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [finished]);
  const { encounter, name, born, patient } = visit;
  const isUnderWay = encounter !== undefined && UNDER_WAY.includes(encounter.status);
  return (
    <>
      <p>
        <button type="button" onClick={onLeave}>
          {t('backToToday')}
        </button>
      </p>
      <h2 ref={heading} tabIndex={-1}>
        <bdi>{name || t('nameless')}</bdi>
        {born === undefined ? null : <small> {t('bornOn', { day: date(born) })}</small>}
      </h2>
      {finished === undefined ? (
        <>
          <CriticalSummary patient={patient} />
          <AskOthers patient={patient} />
          {isUnderWay ? (
            <>
              <p class="notice good">{t('seenSince', { time: time(encounter.period?.start) })}</p>
              <Join encounter={encounter.id ?? ''} />
              <Desk visit={visit} encounter={encounter} onFinished={(transaction) => setFinished({ transaction })} />
            </>
          ) : (
            <Beginning visit={visit} />
          )}
        </>
      ) : (
        <div role="status">
          <p class="notice good">{t('visitFinished')}</p>
          <Receipt of={finished.transaction} />
        </div>
      )}
    </>
  );
}

/** The way to the page on which others are asked, with this patient chosen there. */
function AskOthers({ patient }: { patient: string }) {
  const { t } = useWords();
  const doing = useDoing();
  const go = (): void =>
    doing.run(async () => {
      sought.set((await ask<Patient>({ path: fhirPath(`Patient/${patient}`) })).body);
      goTo('others');
    });
  return (
    <p class="actions">
      <button type="button" onClick={go} disabled={doing.isBusy}>
        {t('askFromHere')}
      </button>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} again={go} />}
    </p>
  );
}

/** From the waiting room into the visit: of what the ledger asks for, what is missing is said. */
function Beginning({ visit }: { visit: Visit }) {
  const { t } = useWords();
  const me = useValue(session)?.fhirUser;
  const doing = useDoing();
  const begin = (): void =>
    doing.run(async (key) => {
      const { encounter, appointment, patient } = visit;
      const planned: Encounter = encounter ?? {
        ...{ resourceType: 'Encounter', status: 'planned', subject: { reference: `Patient/${patient}` } },
        class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'VR', display: 'virtual' },
        ...(me === undefined ? {} : { participant: [{ individual: { reference: me } }] }),
        ...(appointment === undefined ? {} : { appointment: [{ reference: `Appointment/${appointment.id}` }] }),
      };
      const { meta, ...rest } = planned;
      const body = { ...rest, status: 'in-progress' };
      const headers = {
        ...{ 'Idempotency-Key': key, Prefer: 'return=representation' },
        ...(meta?.versionId === undefined ? {} : { 'If-Match': `W/"${meta.versionId}"` }),
      };
      const answer =
        encounter === undefined
          ? await ask<Encounter>({ method: 'POST', path: fhirPath('Encounter'), body, headers })
          : await ask<Encounter>({ method: 'PUT', path: fhirPath(`Encounter/${encounter.id}`), body, headers });
      opened.set({ ...visit, state: 'under-way', encounter: answer.body });
    });
  return (
    <>
      <p class="soft">{t('beginLead')}</p>
      <p class="actions">
        <button type="button" class="main" onClick={begin} disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : 'beginVisit')}
        </button>
      </p>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite again={begin} />}
    </>
  );
}
