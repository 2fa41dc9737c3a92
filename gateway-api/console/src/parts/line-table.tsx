/** The lines of a bill or claim with the amounts of each. */
import type { Money } from '@medplum/fhirtypes';
import type { ComponentChildren } from 'preact';
import { useWords } from '../language.ts';
import type { Key } from '../messages/en.ts';
import { useAmount } from './amount.ts';
import { TOTALS, type Total } from './totals.ts';
import { Wide } from './wide.tsx';

interface LineTableProps {
  /** What an amount is called to whoever looks. */
  nameOf: (total: Total) => Key;
  children: ComponentChildren;
}

export function LineTable({ nameOf, children }: LineTableProps) {
  const { t } = useWords();
  return (
    <Wide label={t('service')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('service')}</th>
            {TOTALS.map((name) => (
              <th key={name} scope="col">
                {t(nameOf(name))}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </Wide>
  );
}

export function Line({
  service,
  totals,
}: {
  service: ComponentChildren;
  totals: Partial<Record<Total, Money | undefined>>;
}) {
  const amount = useAmount();
  return (
    <tr>
      <th scope="row" dir="auto">
        {service}
      </th>
      {TOTALS.map((name) => (
        <td key={name}>{amount(totals[name])}</td>
      ))}
    </tr>
  );
}
