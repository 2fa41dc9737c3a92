/** What the bank says of a payment: accepted, made, or ended with ISO 20022's reason. */
import type { ParametersParameter, PaymentReconciliation } from '@medplum/fhirtypes';
import { useState } from 'preact/hooks';
import { ask, fhirPath } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { Choice, Field, Form } from '../parts/fields.tsx';
import { parametersOf } from '../parts/parameters.ts';
import { REASONS, type Report, reportsOf } from './payment.ts';

interface Draft {
  reason: (typeof REASONS)[number];
  reference: string;
  /** ISO 8601 day. */
  day: string;
}

/** As the operation of that name takes it. */
function saying(report: Report, { reason, reference, day }: Draft): ParametersParameter[] {
  if (report === 'accept') return [];
  if (report === 'settle')
    return [
      { name: 'reference', valueString: reference.trim() },
      { name: 'paidOn', valueDate: day },
    ];
  return [
    { name: 'reason', valueString: reason },
    { name: 'date', valueDate: day },
  ];
}

export function Reporting({ payment, onReported }: { payment: PaymentReconciliation; onReported(): void }) {
  const { t } = useWords();
  const doing = useDoing();
  const [report, setReport] = useState<Report | undefined>();
  const [draft, setDraft] = useState<Draft>({
    ...{ reason: REASONS[0], reference: '', day: new Date().toISOString().slice(0, 10) },
  });
  const change = (some: Partial<Draft>): void => setDraft({ ...draft, ...some });
  const send = (said: Report): void =>
    doing.run(async (key) => {
      const path = fhirPath(`PaymentReconciliation/${payment.id}/$${said}`);
      const body = parametersOf(...saying(said, draft));
      await ask({ method: 'POST', path, body, headers: { 'Idempotency-Key': key } });
      onReported();
    });
  if (report === undefined)
    return (
      <>
        <p class="actions">
          {reportsOf(payment).map((one) => (
            <button
              key={one}
              type="button"
              disabled={doing.isBusy}
              aria-label={t('reportOn', { report: t(`report-${one}`), id: payment.id?.slice(0, 8) ?? '' })}
              onClick={() => (one === 'accept' ? send(one) : setReport(one))}
            >
              {t(`report-${one}`)}
            </button>
          ))}
        </p>
        <Done of={doing} />
      </>
    );
  return (
    <Form onSend={() => send(report)}>
      <div class="filters">
        {report === 'settle' ? (
          <Field
            label={t('bankReference')}
            value={draft.reference}
            isNeeded
            isCode
            onInput={(reference) => change({ reference })}
          />
        ) : (
          <Choice
            label={t('decisionReason')}
            value={draft.reason}
            options={REASONS.map((one) => [one, `${one} · ${t(`iso-${one}`)}`])}
            onChoose={(reason) => change({ reason })}
          />
        )}
        <Field label={t('onDay')} type="date" value={draft.day} isNeeded onInput={(day) => change({ day })} />
      </div>
      <p class="actions">
        <button type="submit" class={report === 'settle' ? 'main' : 'danger'} disabled={doing.isBusy}>
          {doing.isBusy ? t('working') : t(`report-${report}`)}
        </button>
        <button type="button" onClick={() => setReport(undefined)}>
          {t('cancel')}
        </button>
      </p>
      <Done of={doing} again={() => send(report)} />
    </Form>
  );
}
