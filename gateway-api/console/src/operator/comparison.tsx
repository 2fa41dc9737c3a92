/** Everything stored is compared with the ledger, and what differs is named with what to do about it. */
import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';

interface Report {
  block: number;
  values: number;
  differences: { kind: string; place: string; remedy: 'reindex' | 'repair' | 'wait' | 'log' | 'none' }[];
  more: number;
}

const PATH = '/verify';

export function Comparison() {
  const { t } = useWords();
  const doing = useDoing();
  const [made, setMade] = useState<Report | undefined>();
  const compare = (): void =>
    doing.run(async () => setMade((await ask<Report>({ method: 'POST', path: PATH, patienceMs: 600_000 })).body));
  return (
    <section>
      <h2>{t('comparison')}</h2>
      <p class="soft">{t('comparisonLead')}</p>
      <p class="actions">
        <button type="button" disabled={doing.isBusy} onClick={compare}>
          {t(doing.isBusy ? 'working' : 'compareNow')}
        </button>
      </p>
      <Done of={doing} again={compare} />
      <div role="status">{made === undefined ? null : <Found of={made} />}</div>
    </section>
  );
}

function Found({ of: { block, values, differences, more } }: { of: Report }) {
  const { t } = useWords();
  if (differences.length + more === 0)
    return <p class="notice good">{t('comparedSame', { count: values, block: String(block) })}</p>;
  return (
    <div class="notice bad">
      <p>
        <strong>{t('comparedOtherwise', { count: differences.length + more })}</strong>
      </p>
      <ul>
        {differences.map(({ kind, place, remedy }) => (
          <li key={kind + place}>
            <code dir="ltr">
              {kind}: {place}
            </code>{' '}
            {t(`do-${remedy}`)}
          </li>
        ))}
      </ul>
    </div>
  );
}
