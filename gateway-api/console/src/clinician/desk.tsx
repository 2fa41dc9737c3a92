/** What is written while a visit goes on: note, measurements, assessment, prescriptions, orders; and finishing it. */
import type { Encounter } from '@medplum/fhirtypes';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ask, fhirPath, transactionOf } from '../api.ts';
import { useWords } from '../language.ts';
import type { Key } from '../messages/en.ts';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { Field } from '../parts/fields.tsx';
import { session } from '../sign-in.ts';
import { useValue } from '../value.ts';
import { Assessment } from './assessment.tsx';
import { finishing } from './draft.ts';
import { draftOf, drafts, forget, write } from './opened.ts';
import { Orders } from './orders.tsx';
import { Prescriptions } from './prescriptions.tsx';
import type { Visit } from './visits.ts';
import { faultsIn, MEASURES, VITALS } from './vitals.ts';

interface DeskProps {
  visit: Visit;
  encounter: Encounter;
  onFinished(transaction: string | undefined): void;
}

export function Desk({ visit, encounter, onFinished }: DeskProps) {
  const { t } = useWords();
  useValue(drafts);
  const me = useValue(session)?.fhirUser ?? '';
  const id = encounter.id ?? '';
  const draft = draftOf(id);
  const doing = useDoing();
  const [isTried, setTried] = useState(false);
  const faults = faultsIn(draft.vitals);
  const finish = (): void => {
    setTried(true);
    if (faults.length > 0) return;
    doing.run(async (key, now) => {
      const what = { encounter, appointment: visit.appointment, draft, me, title: t('noteTitle'), key, now };
      const body = finishing(what);
      const headers = { 'Idempotency-Key': key };
      const answer = await ask({ method: 'POST', path: fhirPath(''), body, headers });
      forget(id);
      onFinished(transactionOf(answer));
    });
  };
  return (
    <div class="work">
      <p class="soft">{t('draftLead')}</p>
      <Folded title="note" isOpen count={draft.note.trim() === '' ? 0 : 1}>
        <Field label={t('noteLabel')} rows={6} value={draft.note} onInput={(note) => write(id, { note })} />
      </Folded>
      <Folded title="vitals" count={Object.values(draft.vitals).filter((one) => one.trim() !== '').length}>
        <div class="fields">
          {VITALS.map((one) => (
            <Field
              key={one}
              label={`${t(`vital-${one}`)} (${MEASURES[one].shown})`}
              type="decimal"
              value={draft.vitals[one] ?? ''}
              fault={isTried && faults.includes(one) ? t('vitalFault') : undefined}
              onInput={(text) => write(id, { vitals: { ...draft.vitals, [one]: text } })}
            />
          ))}
        </div>
      </Folded>
      <Folded title="assessment" count={0}>
        <Assessment patient={visit.patient} encounter={id} me={me} />
      </Folded>
      <Folded title="prescriptions" count={draft.prescriptions.length}>
        <Prescriptions
          {...{ patient: visit.patient, encounter: id, me, of: draft.prescriptions }}
          onChange={(prescriptions) => write(id, { prescriptions })}
        />
      </Folded>
      <Folded title="orders" count={draft.orders.length}>
        <Orders of={draft.orders} onChange={(orders) => write(id, { orders })} />
      </Folded>
      {isTried && faults.length > 0 ? (
        <p class="notice bad" role="alert">
          {t('vitalsFault')}
        </p>
      ) : null}
      <p class="soft">{t('finishLead')}</p>
      <p class="actions">
        <button type="button" class="main" onClick={finish} disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : 'finishVisit')}
        </button>
      </p>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite again={finish} />}
    </div>
  );
}

interface FoldedProps {
  title: Key;
  /** How much is written in it. */
  count: number;
  isOpen?: boolean;
  children: ComponentChildren;
}

function Folded({ title, count, isOpen = false, children }: FoldedProps) {
  const { t, number } = useWords();
  return (
    <details open={isOpen} class={`part-${title}`}>
      <summary>
        {t(title)} {count === 0 ? null : <span class="tag good">{number(count)}</span>}
      </summary>
      {children}
    </details>
  );
}
