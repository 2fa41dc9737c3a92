/** Payments at the bank, which says what became of each, and at the payer, which instructs runs and what ended anew. */
import type { Bundle, PaymentReconciliation } from '@medplum/fhirtypes';
import { useState } from 'preact/hooks';
import { ask, fhirPath } from '../api.ts';
import { useWords } from '../language.ts';
import { useAmount } from '../parts/amount.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { namedBy } from '../parts/fhir-texts.ts';
import { Choice } from '../parts/fields.tsx';
import { usePaged } from '../parts/loading.ts';
import { parametersOf } from '../parts/parameters.ts';
import { Empty, More, WhenLoaded } from '../parts/states.tsx';
import { session } from '../sign-in.ts';
import { isEnded, OUTCOMES, type Outcome, reasonOf, reportsOf, statusOf } from './payment.ts';
import { Reporting } from './reporting.tsx';

export function Payments() {
  const { t } = useWords();
  const [outcome, setOutcome] = useState<Outcome>('queued');
  const isBank = session.now?.role === 'settlement';
  const payments = usePaged<PaymentReconciliation>(
    `PaymentReconciliation?outcome=${outcome}&_sort=-_lastUpdated&_count=25`,
  );
  return (
    <>
      <p class="lead">{t(isBank ? 'paymentsLeadBank' : 'paymentsLeadPayer')}</p>
      {isBank ? null : <Run onRun={payments.afresh} />}
      <div class="filters">
        <Choice
          label={t('filterStatus')}
          value={outcome}
          options={OUTCOMES.map((one) => [one, t(`payments-${one}`)])}
          onChoose={setOutcome}
        />
      </div>
      <WhenLoaded of={payments}>
        {(found) =>
          found.length === 0 ? (
            <Empty>{t('noPayments')}</Empty>
          ) : (
            <ul class="cards">
              {found.map((one) => (
                <Payment key={one.id} payment={one} isBank={isBank} onChange={payments.afresh} />
              ))}
            </ul>
          )
        }
      </WhenLoaded>
      <More of={payments} />
    </>
  );
}

const TAGS = { queued: 'tag warn', complete: 'tag good', error: 'tag bad', partial: 'tag' } as const;

function Payment({ payment, isBank, onChange }: { payment: PaymentReconciliation; isBank: boolean; onChange(): void }) {
  const { t, date } = useWords();
  const amount = useAmount();
  const { detail = [], paymentIssuer, paymentIdentifier } = payment;
  const payees = [...new Set(detail.map(({ payee, submitter }) => namedBy(payee ?? submitter ?? {})))];
  const reason = reasonOf(payment);
  return (
    <li class="card">
      <p>
        <strong>{amount(payment.paymentAmount)}</strong> · <bdi>{namedBy(paymentIssuer ?? {})}</bdi> {t('paysTo')}{' '}
        <bdi>{payees.join(', ')}</bdi>{' '}
        <span class={TAGS[payment.outcome ?? 'queued']}>{t(`payment-${statusOf(payment)}`)}</span>
        {reason === undefined ? null : <code> {reason}</code>}
      </p>
      <p class="soft">
        {date(payment.paymentDate)} · {t('claimsIn', { count: detail.length })} · <code>{payment.id?.slice(0, 8)}</code>
        {paymentIdentifier?.value === undefined ? null : ` · ${paymentIdentifier.value}`}
      </p>
      {isBank && reportsOf(payment).length > 0 ? <Reporting payment={payment} onReported={onChange} /> : null}
      {!isBank && isEnded(payment) ? <Again payment={payment} onDone={onChange} /> : null}
    </li>
  );
}

/** All that is owed and not instructed, by one payment for each payee. */
function Run({ onRun }: { onRun(): void }) {
  const { t } = useWords();
  const doing = useDoing();
  const [count, setCount] = useState<number | undefined>();
  const run = (): void =>
    doing.run(async (key) => {
      const path = fhirPath('PaymentReconciliation/$instruct');
      const headers = { 'Idempotency-Key': key };
      const { body } = await ask<Bundle>({ method: 'POST', path, body: parametersOf(), headers });
      setCount(body.entry?.length ?? 0);
      onRun();
    });
  return (
    <>
      <p class="actions">
        <button type="button" class="main" disabled={doing.isBusy} onClick={run}>
          {t(doing.isBusy ? 'working' : 'instructAll')}
        </button>
      </p>
      <Done of={doing} again={run}>
        {count === undefined ? null : t('instructed', { count })}
      </Done>
    </>
  );
}

function Again({ payment, onDone }: { payment: PaymentReconciliation; onDone(): void }) {
  const { t } = useWords();
  const doing = useDoing();
  const retry = (): void =>
    doing.run(async (key) => {
      const path = fhirPath(`PaymentReconciliation/${payment.id}/$retry`);
      await ask({ method: 'POST', path, body: parametersOf(), headers: { 'Idempotency-Key': key } });
      onDone();
    });
  return (
    <>
      <p class="actions">
        <button type="button" disabled={doing.isBusy} onClick={retry}>
          {t('payAgain')}
        </button>
      </p>
      <Done of={doing} again={retry} />
    </>
  );
}
