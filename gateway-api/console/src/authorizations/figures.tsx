/** Figures of prior authorizations, of one payer or of several beside each other. */
import { useWords } from '../language.ts';
import { Wide } from '../parts/wide.tsx';
import { type Figures, ROWS } from './published.ts';

const COLUMNS = ['requests', 'approved', 'approvedInPart', 'denied', 'pended', 'decidedLate', 'overdue'] as const;

export function FiguresTable({ of }: { of: readonly Figures[] }) {
  const { t, number } = useWords();
  const hours = (value: number | undefined): string =>
    value === undefined ? '–' : t('hours', { count: Math.round(value * 10) / 10 });
  return (
    <Wide label={t('figures')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('payer')}</th>
            {COLUMNS.map((name) => (
              <th key={name} scope="col">
                {t(`figure-${name}`)}
              </th>
            ))}
            <th scope="col">{t('figure-mean')}</th>
            <th scope="col">{t('figure-median')}</th>
          </tr>
        </thead>
        <tbody>
          {of.flatMap((one) =>
            ROWS.map((row) => (
              <tr key={`${one.payer} ${one.year} ${row}`}>
                <th scope="row">
                  <bdi>{one.payer}</bdi> {one.year} · {t(`urgency-${row}`)}
                </th>
                {COLUMNS.map((name) => (
                  <td key={name}>{number(one[row][name])}</td>
                ))}
                <td>{hours(one[row].meanHours)}</td>
                <td>{hours(one[row].medianHours)}</td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </Wide>
  );
}
