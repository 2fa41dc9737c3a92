/** One request for authorization: what is asked for, when it is due, and the answer that a person gives. */
import type { Claim, ClaimResponse, ParametersParameter } from '@medplum/fhirtypes';
import { useCallback, useState } from 'preact/hooks';
import { ask, fhirPath, search } from '../api.ts';
import { Lines, Notes } from '../claims/judged.tsx';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { conceptOf } from '../parts/fhir-texts.ts';
import { Choice, Field, Form } from '../parts/fields.tsx';
import { useLoaded } from '../parts/loading.ts';
import { parametersOf } from '../parts/parameters.ts';
import { WhenLoaded } from '../parts/states.tsx';
import { type Asked, clockTag } from './requests.ts';

const OUTCOMES = ['approve', 'modify', 'deny', 'pend'] as const;
type Outcome = (typeof OUTCOMES)[number];
/** How a request stands by what was answered to all of it. */
const COMES_TO: Record<Outcome, Asked['status']> = {
  ...{ approve: 'approved', modify: 'partial', deny: 'denied', pend: 'pended' },
};

async function whole(id: string, signal: AbortSignal) {
  const [claim, responses] = await Promise.all([
    ask<Claim>({ path: fhirPath(`Claim/${id}`), signal }),
    search<ClaimResponse>(`ClaimResponse?request=Claim/${id}`, signal),
  ]);
  return { claim: claim.body, response: responses.found[0] };
}

export function RequestView({ asked, onLeave }: { asked: Asked; onLeave(): void }) {
  const { t, time, fromNow } = useWords();
  const { id, dueAt } = asked;
  const load = useCallback((signal: AbortSignal) => whole(id, signal), [id]);
  const loaded = useLoaded(load);
  const [status, setStatus] = useState(asked.status);
  const isOpen = status === 'pended';
  return (
    <>
      <p>
        <button type="button" onClick={onLeave}>
          {t('backToRequests')}
        </button>
      </p>
      <h2>
        {t(`urgency-${asked.urgency}`)} · <bdi>{asked.provider ?? t('askedElsewhere')}</bdi>
      </h2>
      {isOpen ? (
        <p>
          <span class={clockTag(dueAt)}>{t('dueIn', { when: fromNow(dueAt) })}</span>{' '}
          <small>{t('dueAt', { time: time(dueAt) })}</small>
        </p>
      ) : null}
      <WhenLoaded of={loaded}>
        {({ claim, response }) => (
          <>
            <p class="notice" role="status" dir="auto">
              {t('answerSoFar')} <strong>{response?.disposition ?? response?.outcome ?? '–'}</strong>{' '}
              <span class="tag">{t(`authorization-${status}`)}</span>{' '}
              {response?.preAuthRef === undefined ? null : <code>{response.preAuthRef}</code>}
            </p>
            <Lines claim={claim} response={response} />
            <Notes of={response} />
            {isOpen ? (
              <Answering
                claim={claim}
                onDone={(outcome) => {
                  setStatus(COMES_TO[outcome]);
                  loaded.again();
                }}
              />
            ) : null}
          </>
        )}
      </WhenLoaded>
    </>
  );
}

interface Draft {
  outcome: Outcome;
  reason: string;
  /** By sequence. */
  quantities: Readonly<Record<number, string>>;
  start: string;
  end: string;
}

/** As `$authorize` takes it. */
function answerOf({ outcome, reason, quantities, start, end }: Draft): ParametersParameter[] {
  const items = Object.entries(quantities).filter(([, value]) => Number(value) > 0);
  return [
    { name: 'outcome', valueCode: outcome },
    ...(reason.trim() === '' ? [] : [{ name: 'reason', valueString: reason.trim() }]),
    ...(outcome === 'modify'
      ? items.map(([sequence, value]) => ({
          name: 'item',
          part: [
            { name: 'sequence', valuePositiveInt: Number(sequence) },
            { name: 'outcome', valueCode: 'modify' },
            { name: 'reason', valueString: reason.trim() },
            { name: 'quantity', valueDecimal: Number(value) },
          ],
        }))
      : []),
    ...(start === '' || end === '' || !isGranting(outcome) ? [] : [{ name: 'period', valuePeriod: { start, end } }]),
  ];
}
const isGranting = (outcome: Outcome): boolean => outcome === 'approve' || outcome === 'modify';

function Answering({ claim, onDone }: { claim: Claim; onDone(outcome: Outcome): void }) {
  const { t } = useWords();
  const doing = useDoing();
  const [draft, setDraft] = useState<Draft>({ outcome: 'approve', reason: '', quantities: {}, start: '', end: '' });
  const { outcome, reason, quantities, start, end } = draft;
  const change = (some: Partial<Draft>): void => setDraft({ ...draft, ...some });
  const send = (): void =>
    doing.run(async (key) => {
      const path = fhirPath(`Claim/${claim.id}/$authorize`);
      const body = parametersOf(...answerOf(draft));
      await ask({ method: 'POST', path, body, headers: { 'Idempotency-Key': key } });
      onDone(outcome);
    });
  return (
    <Form title={t('yourAnswer')} onSend={send}>
      <Choice
        label={t('decision')}
        value={outcome}
        options={OUTCOMES.map((one) => [one, t(`authorize-${one}`)])}
        onChoose={(next) => change({ outcome: next })}
      />
      {outcome === 'modify'
        ? claim.item?.map(({ sequence, productOrService }) => (
            <Field
              key={sequence}
              type="number"
              label={t('unitsOf', { what: conceptOf(productOrService) })}
              value={quantities[sequence] ?? ''}
              onInput={(value) => change({ quantities: { ...quantities, [sequence]: value } })}
            />
          ))
        : null}
      {isGranting(outcome) ? (
        <div class="filters">
          <Field type="date" label={t('authorizedFrom')} value={start} onInput={(value) => change({ start: value })} />
          <Field type="date" label={t('authorizedUntil')} value={end} onInput={(value) => change({ end: value })} />
        </div>
      ) : null}
      <Field
        rows={3}
        label={t(outcome === 'approve' ? 'reasonIfAny' : 'decisionReason')}
        value={reason}
        isNeeded={outcome !== 'approve'}
        max={500}
        onInput={(value) => change({ reason: value })}
      />
      <p class="soft">{t('clockGoesOn')}</p>
      <p class="actions">
        <button type="submit" class="main" disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : 'sendAnswer')}
        </button>
      </p>
      <Done of={doing} again={send} />
    </Form>
  );
}
