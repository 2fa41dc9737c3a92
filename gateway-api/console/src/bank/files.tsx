/** Files of ISO 20022 at the bank: out what is instructed, in what became of it, after a look at what that does. */
import { file, keepFile } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { FileTaking } from '../parts/file-taking.tsx';
import { Wide } from '../parts/wide.tsx';
import { session } from '../sign-in.ts';

const OUTCOMES = ['recorded', 'new', 'known', 'pending', 'unknown', 'differs', 'missing', 'refused'] as const;
type Outcome = (typeof OUTCOMES)[number];

interface Taken {
  counts: Partial<Record<Outcome, number>>;
  entries: { at: string; payment?: string; said: string; status?: string; outcome: Outcome; words?: string }[];
}

const TAGS: Record<Outcome, string> = {
  ...{ recorded: 'tag good', new: 'tag good', known: 'tag', pending: 'tag' },
  ...{ unknown: 'tag warn', missing: 'tag warn', differs: 'tag bad', refused: 'tag bad' },
};

export function BankFiles() {
  const { t } = useWords();
  const isBank = session.now?.role === 'settlement';
  return (
    <>
      <p class="lead">{t('filesLead')}</p>
      <Out />
      <h2>{t('fileIn')}</h2>
      <p class="soft">{t(isBank ? 'fileInBank' : 'fileInPayer')}</p>
      <FileTaking<Taken>
        label={t('fileCamt')}
        path="/payments/files"
        type="application/xml"
        isAny={({ counts }) => (counts.new ?? 0) > 0}
      >
        {(taken) => <Entries of={taken} />}
      </FileTaking>
    </>
  );
}

function Out() {
  const { t } = useWords();
  const doing = useDoing();
  const fetchFile = (): void =>
    doing.run(async () => {
      const blob = await file('/payments/pain.001');
      keepFile(blob, `pain.001-${new Date().toISOString().slice(0, 10)}.xml`);
    });
  return (
    <>
      <h2>{t('fileOut')}</h2>
      <p class="soft">{t('fileOutLead')}</p>
      <p class="actions">
        <button type="button" disabled={doing.isBusy} onClick={fetchFile}>
          {t(doing.isBusy ? 'working' : 'keepPain')}
        </button>
      </p>
      <Done of={doing} again={fetchFile} />
    </>
  );
}

function Entries({ of: { counts, entries } }: { of: Taken }) {
  const { t, number } = useWords();
  return (
    <>
      <ul class="counts">
        {OUTCOMES.filter((one) => counts[one] !== undefined).map((one) => (
          <li key={one} class={TAGS[one]}>
            {t(`entry-${one}`)}: {number(counts[one] ?? 0)}
          </li>
        ))}
      </ul>
      <Wide label={t('entries')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('entryAt')}</th>
              <th scope="col">{t('payment')}</th>
              <th scope="col">{t('entrySays')}</th>
              <th scope="col">{t('entryDoes')}</th>
            </tr>
          </thead>
          <tbody>
            {entries.map(({ at, payment, said, status, outcome, words }) => (
              <tr key={at}>
                <th scope="row" dir="ltr">
                  {at}
                </th>
                <td>
                  <code>{payment?.slice(0, 8) ?? '–'}</code>
                </td>
                <td dir="ltr">
                  {said} {status === undefined ? '' : `(${status})`}
                </td>
                <td>
                  <span class={TAGS[outcome]}>{t(`entry-${outcome}`)}</span> <small dir="auto">{words}</small>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  );
}
