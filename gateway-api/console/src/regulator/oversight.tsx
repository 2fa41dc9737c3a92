/** What a regulator watches: counts, what should not happen and what to do about it, and whether everything stored is what was anchored. */
import { useCallback } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { Comparison } from '../operator/comparison.tsx';
import { useLoaded } from '../parts/loading.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { Wide } from '../parts/wide.tsx';

const ALARMS = ['integrity_failures', 'rewrites', 'disagreements', 'invalid_resources', 'broken_items'] as const;
type Alarm = (typeof ALARMS)[number];

interface Overview {
  since: string;
  licences: { total: number; inForce: number };
  reviews: { open: number; justified: number; notJustified: number; openSince?: string };
  practitioners: { licence: string; emergencies: number; open: number; notJustified: number }[];
  transactions: { valid: Record<string, number>; invalid: Record<string, number> };
  alarms: { alarm: string; number: number; labels: Record<string, string> }[];
}

const nameOf = (metric: string): Alarm | undefined => ALARMS.find((one) => metric === `gateway_${one}_total`);
const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, one) => sum + one, 0);

export function Oversight() {
  const { t, number, fromNow } = useWords();
  const load = useCallback(
    async (signal: AbortSignal) => (await ask<Overview>({ path: '/oversight', signal })).body,
    [],
  );
  const overview = useLoaded(load);
  return (
    <>
      <p class="lead">{t('oversightLead')}</p>
      <WhenLoaded of={overview}>
        {({ licences, reviews, practitioners, transactions, alarms }) => (
          <>
            <h2>{t('oversight')}</h2>
            {alarms.length === 0 ? <p class="notice good">{t('noAlarms')}</p> : null}
            <ul class="cards">
              {alarms.map(({ alarm, number: count, labels }) => {
                const known = nameOf(alarm);
                return (
                  <li key={alarm + JSON.stringify(labels)} class="card">
                    <p>
                      <strong>{known === undefined ? alarm : t(`alarm-${known}`)}</strong>{' '}
                      <span class="tag bad">{number(count)}</span> <code>{Object.values(labels).join(' ')}</code>
                    </p>
                    {known === undefined ? null : <p>{t(`remedy-${known}`)}</p>}
                  </li>
                );
              })}
            </ul>
            <div class="tiles">
              <Tile value={number(licences.inForce)} label={t('licencesInForce')} />
              <Tile value={number(reviews.open)} label={t('reviewsOpen')} />
              <Tile value={number(sumOf(transactions.valid))} label={t('transactionsValid')} />
              <Tile value={number(sumOf(transactions.invalid))} label={t('transactionsInvalid')} />
            </div>
            {reviews.openSince === undefined ? null : (
              <p class="soft">{t('openSince', { when: fromNow(reviews.openSince) })}</p>
            )}
            <h2>{t('emergenciesBy')}</h2>
            {practitioners.length === 0 ? <Empty>{t('noReviews')}</Empty> : <Practitioners of={practitioners} />}
          </>
        )}
      </WhenLoaded>
      <Comparison />
    </>
  );
}

const Tile = ({ value, label }: { value: string; label: string }) => (
  <div class="tile">
    <strong>{value}</strong>
    <span>{label}</span>
  </div>
);

function Practitioners({ of }: { of: Overview['practitioners'] }) {
  const { t, number } = useWords();
  return (
    <Wide label={t('emergenciesBy')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('licence')}</th>
            <th scope="col">{t('reviews')}</th>
            <th scope="col">{t('review-open')}</th>
            <th scope="col">{t('review-not-justified')}</th>
          </tr>
        </thead>
        <tbody>
          {of.map(({ licence, emergencies, open, notJustified }) => (
            <tr key={licence}>
              <th scope="row" dir="ltr">
                {licence}
              </th>
              <td>{number(emergencies)}</td>
              <td>{number(open)}</td>
              <td>{number(notJustified)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}
