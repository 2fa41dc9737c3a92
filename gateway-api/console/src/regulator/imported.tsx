/** What a list of licences or exclusions changes, row by row, and what of it cannot be used. */
import { useWords } from '../language.ts';
import { Wide } from '../parts/wide.tsx';

type Act = 'issue' | 'renew' | 'correct' | 'suspend' | 'exclude' | 'reinstate';

interface Imported {
  changes: { line?: number; number: string; act: Act; effective?: string }[];
  unchanged: number;
  unusable: { line: number; reason: string; expression?: string }[];
}
export type ImportedLicences = Imported;
export interface ImportedExclusions extends Imported {
  withoutNumber: number;
}

/** Those of a long list that are shown. */
const MOST = 100;

export function ImportedTable({ changes, unchanged, unusable }: Imported) {
  const { t, date } = useWords();
  return (
    <>
      <ul class="counts">
        <li class="tag good">{t('rowsChange', { count: changes.length })}</li>
        <li class="tag">{t('rowsSame', { count: unchanged })}</li>
        <li class={unusable.length === 0 ? 'tag' : 'tag bad'}>{t('rowsUnusable', { count: unusable.length })}</li>
      </ul>
      {unusable.length === 0 ? null : (
        <ul class="notice bad">
          {unusable.slice(0, MOST).map(({ line, reason, expression }) => (
            <li key={line} dir="auto">
              {t('line', { line: String(line) })} {expression === undefined ? null : <code>{expression}</code>} {reason}
            </li>
          ))}
        </ul>
      )}
      {changes.length === 0 ? null : (
        <Wide label={t('lists')}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t('licence')}</th>
                <th scope="col">{t('entryDoes')}</th>
                <th scope="col">{t('fromDayOn')}</th>
              </tr>
            </thead>
            <tbody>
              {changes.slice(0, MOST).map(({ number, act, effective }) => (
                <tr key={number}>
                  <th scope="row" dir="ltr">
                    {number}
                  </th>
                  <td>{t(`act-${act}`)}</td>
                  <td>{effective === undefined ? '–' : date(effective)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Wide>
      )}
      {changes.length > MOST ? <p class="soft">{t('andMore', { count: changes.length - MOST })}</p> : null}
    </>
  );
}
