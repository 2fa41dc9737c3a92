/** Who saw what: the log as sentences, as the gateway says them in the language of the page, narrowed by person and time; and as a file. */
import type { AuditEvent } from '@medplum/fhirtypes';
import { useState } from 'preact/hooks';
import { file, keepFile } from '../api.ts';
import { useWords } from '../language.ts';
import type { Key } from '../messages/en.ts';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { usePaged } from '../parts/loading.ts';
import { textOf } from '../parts/narrative.tsx';
import { Empty, More, WhenLoaded } from '../parts/states.tsx';
import { purposeSaid } from './saying.ts';

const PAGE = 25;
const DAY_MS = 86_400_000;
/** Requests of other organisations, and what was delivered (DICOM's query, export, security alert). */
export const BY_OTHERS = 'type=110112,110106,110113';
/** Parameters of a search: by the kind of event, or by the role of whoever did it. */
const WHO: readonly (readonly [string, Key])[] = [
  [BY_OTHERS, 'whoOthers'],
  ['agent-role=practitioner', 'whoClinicians'],
  ['agent-role=patient,caretaker', 'whoMe'],
  ['', 'whoEverybody'],
];
/** In days. */
const SINCE: readonly (readonly [string, Key])[] = [
  ['', 'sinceAlways'],
  ['7', 'sinceWeek'],
  ['30', 'sinceMonth'],
  ['365', 'sinceYear'],
];

const queryOf = (who: string, days: string): string => {
  const since = days === '' ? '' : new Date(Date.now() - Number(days) * DAY_MS).toISOString().slice(0, 10);
  const asked = [`_count=${PAGE}`, who, since && `date=ge${since}`].filter((one) => one !== '');
  return `AuditEvent?${asked.join('&')}`;
};

export function Log() {
  const { t } = useWords();
  const [who, setWho] = useState(WHO[0]![0]);
  const [days, setDays] = useState('');
  const events = usePaged<AuditEvent>(queryOf(who, days));
  return (
    <>
      <p class="lead">{t('logLead')}</p>
      <div class="filters">
        <Choice label={t('filterWho')} of={WHO} value={who} onChoose={setWho} />
        <Choice label={t('filterSince')} of={SINCE} value={days} onChoose={setDays} />
        <Accounting />
      </div>
      <WhenLoaded of={events}>{(found) => <Entries of={found} />}</WhenLoaded>
      <More of={events} />
    </>
  );
}

interface ChoiceProps {
  label: string;
  of: readonly (readonly [string, Key])[];
  value: string;
  onChoose(value: string): void;
}

const Choice = ({ label, of, value, onChoose }: ChoiceProps) => {
  const { t } = useWords();
  return (
    <label>
      {label}
      <select value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value)}>
        {of.map(([one, key]) => (
          <option key={one} value={one}>
            {t(key)}
          </option>
        ))}
      </select>
    </label>
  );
};

export function Entries({ of }: { of: readonly AuditEvent[] }) {
  const { t } = useWords();
  if (of.length === 0) return <Empty>{t('logEmpty')}</Empty>;
  return (
    <ol class="entries">
      {of.map((event) => (
        <Entry key={event.id} event={event} />
      ))}
    </ol>
  );
}

/** As the gateway begins every line of the log: the time in UTC. */
const TIME_BEFORE = /^.{4,60}?\bUTC\u2069?:\s*/;

/** One entry: its sentence without the time in front of it, which stands beside it as the reader writes times. */
function Entry({ event }: { event: AuditEvent }) {
  const words = useWords();
  const sentence = textOf(event.text?.div ?? '').replace(TIME_BEFORE, '');
  const purpose = event.purposeOfEvent?.[0]?.coding?.[0]?.code;
  const isRefused = event.outcome !== '0';
  return (
    <li class={isRefused ? 'entry refused' : 'entry'}>
      <time dateTime={event.recorded}>{words.time(event.recorded)}</time>
      <p>{sentence}</p>
      {purpose === undefined ? null : <span class="tag">{purposeSaid(purpose, words)}</span>}
      {isRefused ? <span class="tag bad">{words.t('wasRefused')}</span> : null}
    </li>
  );
}

function Accounting() {
  const { t } = useWords();
  const doing = useDoing();
  const keep = (format: 'csv' | 'pdf') => () =>
    doing.run(async () => keepFile(await file(`/accounting?format=${format}`), `accounting.${format}`));
  return (
    <div class="actions">
      <button type="button" onClick={keep('pdf')} disabled={doing.isBusy}>
        {t('accountingPdf')}
      </button>
      <button type="button" onClick={keep('csv')} disabled={doing.isBusy}>
        {t('accountingCsv')}
      </button>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} />}
    </div>
  );
}
