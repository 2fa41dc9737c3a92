/** A day's payments as this side has them, to be held against another side's: bank, payer and provider have the same rows, or say where not. */
import { useCallback, useState } from 'preact/hooks';
import { ask, file, keepFile } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { Drop } from '../parts/drop.tsx';
import { Field } from '../parts/fields.tsx';
import { useLoaded } from '../parts/loading.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { Wide } from '../parts/wide.tsx';
import type { PaymentStatus } from './payment.ts';

interface Row {
  payer: string;
  bank: string;
  provider: string;
  currency: string;
  status: PaymentStatus;
  direction?: 'back';
  payments: number;
  claims: number;
  /** Minor units. */
  units: number;
}

interface Day {
  organisation: string;
  date: string;
  rows: Row[];
  digests: Record<string, string>;
  differences: { payment: string; what: string }[];
  open: { unpaid: Waiting[]; unreported: Waiting[] };
}

interface Waiting {
  status: string;
  id: string;
  since: string;
}

export function Reconciliation() {
  const { t } = useWords();
  const [date, setDate] = useState(new Date().toISOString().slice(0, 10));
  const path = `/reconciliation?date=${date}`;
  const load = useCallback(async (signal: AbortSignal) => (await ask<Day>({ path, signal })).body, [path]);
  const day = useLoaded(load);
  return (
    <>
      <p class="lead">{t('reconciliationLead')}</p>
      <div class="filters">
        <Field label={t('day')} type="date" value={date} onInput={(next) => next !== '' && setDate(next)} />
      </div>
      <WhenLoaded of={day}>
        {(one) => (
          <>
            {one.rows.length === 0 ? <Empty>{t('noRows')}</Empty> : <Rows of={one.rows} />}
            <Differences of={one} />
            <Sides day={one} path={path} />
          </>
        )}
      </WhenLoaded>
    </>
  );
}

function Rows({ of }: { of: readonly Row[] }) {
  const { t, number, money } = useWords();
  return (
    <Wide label={t('reconciliation')}>
      <table>
        <thead>
          <tr>
            {(['payer', 'bank', 'provider', 'standing', 'payments', 'claims', 'amount'] as const).map((one) => (
              <th key={one} scope="col">
                {t(one)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {of.map((row) => (
            <tr key={JSON.stringify(row)}>
              <th scope="row">{row.payer}</th>
              <td>{row.bank}</td>
              <td>{row.provider}</td>
              <td>
                {t(`payment-${row.status}`)} {row.direction === undefined ? '' : t('paidBack')}
              </td>
              <td>{number(row.payments)}</td>
              <td>{number(row.claims)}</td>
              <td>{money(row.units / minorOf(row.currency), row.currency)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

/** Minor units of one of a currency: a hundred, and of the yen one. */
const minorOf = (currency: string): number =>
  10 ** (new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2);

function Differences({ of: { differences, open } }: { of: Day }) {
  const { t, fromNow } = useWords();
  const waiting = [...open.unpaid, ...open.unreported];
  return (
    <>
      {differences.length === 0 ? (
        <p class="notice good">{t('noDifferences')}</p>
      ) : (
        <ul class="notice bad">
          {differences.map(({ payment, what }) => (
            <li key={payment + what} dir="auto">
              <code>{payment.slice(0, 8)}</code> {what}
            </li>
          ))}
        </ul>
      )}
      {waiting.length === 0 ? null : (
        <>
          <h2>{t('waitsLongest')}</h2>
          <ul class="lines">
            {waiting.map(({ status, id, since }) => (
              <li key={id}>
                <span class="what">
                  {status} <code>{id.slice(0, 8)}</code>
                </span>
                <span class="when">{fromNow(since)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

interface Compared {
  differences: { of: { payer: string; provider: string; status: string }; own?: Row; theirs?: Row }[];
}

/** Each side's number of the day, and another side's file held against this one. */
function Sides({ day, path }: { day: Day; path: string }) {
  const { t } = useWords();
  const doing = useDoing();
  const [theirs, setTheirs] = useState<File | undefined>();
  const [found, setFound] = useState<Compared | undefined>();
  const compare = (chosen: File | undefined): void => {
    setTheirs(chosen);
    setFound(undefined);
    if (chosen === undefined) return;
    doing.run(async () => {
      const body = await chosen.text();
      setFound((await ask<Compared>({ method: 'POST', path, body, type: 'application/json' })).body);
    });
  };
  const keep = (): void =>
    doing.run(async () => keepFile(await file(path), `reconciliation-${day.organisation}-${day.date}.json`));
  return (
    <section>
      <h2>{t('sides')}</h2>
      <p class="soft">{t('sidesLead')}</p>
      <ul class="lines">
        {Object.entries(day.digests).map(([other, digest]) => (
          <li key={other}>
            <span class="what">
              <bdi>{other}</bdi>
            </span>
            <code dir="ltr">{digest}</code>
          </li>
        ))}
      </ul>
      <p class="actions">
        <button type="button" disabled={doing.isBusy} onClick={keep}>
          {t('keepDay')}
        </button>
      </p>
      <Drop label={t('theirDay')} file={theirs} onFile={compare} />
      <Done of={doing}>{found?.differences.length === 0 ? t('sidesAgree') : null}</Done>
      {found === undefined || found.differences.length === 0 ? null : (
        <ul class="notice bad" role="alert">
          {found.differences.map(({ of, own, theirs: other }) => (
            <li key={JSON.stringify(of)} dir="ltr">
              {of.payer} → {of.provider}, {of.status}: {own?.units ?? 0} ≠ {other?.units ?? 0} ({own?.payments ?? 0} ≠{' '}
              {other?.payments ?? 0})
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
