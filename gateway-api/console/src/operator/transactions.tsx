/** Transactions of the channel, the newest first: when, what kind, by whom and with whose endorsements. Their content is nobody's here. */
import { useWords } from '../language.ts';
import { Turn, useCursor } from '../parts/cursor.tsx';
import { WhenLoaded } from '../parts/states.tsx';
import { Wide } from '../parts/wide.tsx';

interface Page {
  transactions: {
    id: string;
    block: number;
    time: string;
    event?: string;
    code: number;
    creator: string;
    endorsers: string[];
  }[];
  next?: string;
}

export function Transactions() {
  const { t, time, number } = useWords();
  const pages = useCursor<Page>('/network/transactions?count=15');
  return (
    <section>
      <h2>{t('transactions')}</h2>
      <p class="actions">
        <button type="button" onClick={pages.again}>
          {t('lookAgain')}
        </button>
      </p>
      <WhenLoaded of={pages}>
        {({ transactions }) => (
          <Wide label={t('transactions')}>
            <table>
              <thead>
                <tr>
                  {(['block', 'atTime', 'event', 'sender', 'endorsedBy', 'validity'] as const).map((one) => (
                    <th key={one} scope="col">
                      {t(one)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {transactions.map((one) => (
                  <tr key={one.id}>
                    <th scope="row">{number(one.block)}</th>
                    <td>{time(one.time)}</td>
                    <td dir="ltr">
                      {one.event ?? '–'} <code>{one.id.slice(0, 8)}</code>
                    </td>
                    <td dir="ltr">{one.creator}</td>
                    <td dir="ltr">{one.endorsers.join(', ')}</td>
                    <td>
                      <span class={one.code === 0 ? 'tag good' : 'tag bad'}>
                        {one.code === 0 ? t('valid') : t('invalid', { code: String(one.code) })}
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Wide>
        )}
      </WhenLoaded>
      <Turn of={pages} />
    </section>
  );
}
