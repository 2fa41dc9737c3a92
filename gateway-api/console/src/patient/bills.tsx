/** My bills: of each what was billed, allowed, paid and is left to me, line by line, and why. */
import type { ExplanationOfBenefit } from '@medplum/fhirtypes';
import { useWords } from '../language.ts';
import { useAmount } from '../parts/amount.ts';
import { conceptOf, namedBy } from '../parts/fhir-texts.ts';
import { Line, LineTable } from '../parts/line-table.tsx';
import { usePaged } from '../parts/loading.ts';
import { Empty, More, WhenLoaded } from '../parts/states.tsx';
import { TOTALS, totalsIn, totalsOf } from '../parts/totals.ts';

export function Bills() {
  const { t } = useWords();
  const bills = usePaged<ExplanationOfBenefit>('ExplanationOfBenefit?_count=20');
  return (
    <>
      <p class="lead">{t('billsLead')}</p>
      <WhenLoaded of={bills}>
        {(found) =>
          found.length === 0 ? (
            <Empty>{t('noBills')}</Empty>
          ) : (
            <ul class="cards">
              {found.map((one) => (
                <Bill key={one.id} bill={one} />
              ))}
            </ul>
          )
        }
      </WhenLoaded>
      <More of={bills} />
    </>
  );
}

function Bill({ bill }: { bill: ExplanationOfBenefit }) {
  const { t, date } = useWords();
  const amount = useAmount();
  const totals = totalsOf(bill);
  return (
    <li class="card">
      <h2>
        {date(bill.billablePeriod?.start ?? bill.created)} · <bdi>{namedBy(bill.provider)}</bdi>
      </h2>
      <dl class="totals">
        {TOTALS.map((name) => (
          <div key={name} class={name}>
            <dt>{t(`total-${name}`)}</dt>
            <dd>{amount(totals[name])}</dd>
          </div>
        ))}
      </dl>
      {bill.processNote === undefined ? null : (
        <>
          <h3>{t('why')}</h3>
          <ul>
            {bill.processNote.map(({ number, text }) => (
              <li key={number} dir="auto">
                {text}
              </li>
            ))}
          </ul>
        </>
      )}
      <details>
        <summary>{t('lines', { count: bill.item?.length ?? 0 })}</summary>
        <LineTable nameOf={(name) => `total-${name}`}>
          {bill.item?.map((item) => (
            <Line key={item.sequence} service={conceptOf(item.productOrService)} totals={totalsIn(item)} />
          ))}
        </LineTable>
      </details>
      <p class="soft">
        {t('insurer')} <bdi>{namedBy(bill.insurer)}</bdi>
      </p>
    </li>
  );
}
