/** One claim of a provider's: what was decided and why, what would mend it, and what its provider can do: answer, appeal, take back. */
import { useCallback, useState } from 'preact/hooks';
import { ask, fhirPath } from '../api.ts';
import { Findings, Lines, Notes } from '../claims/judged.tsx';
import { billedSaid, type QueuedClaim } from '../claims/queued.ts';
import type { Status } from '../claims/statuses.ts';
import { wholeClaim } from '../claims/whole.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { Field, Form } from '../parts/fields.tsx';
import { useLoaded } from '../parts/loading.ts';
import { parametersOf } from '../parts/parameters.ts';
import { WhenLoaded } from '../parts/states.tsx';
import { mendingOf } from './mending.ts';

/** By how it stands, the operation that is open to the provider (docs/claims.md). */
const OPEN: Partial<Record<Status, 'appeal' | 'submit-attachment' | 'cancel'>> = {
  ...{ denied: 'appeal', 'patient-responsibility': 'appeal', satisfied: 'appeal', remitted: 'appeal' },
  ...{ pended: 'submit-attachment', submitted: 'cancel', queued: 'cancel', countersign: 'cancel' },
};

export function OwnClaim({ claim, onLeave }: { claim: QueuedClaim; onLeave(): void }) {
  const words = useWords();
  const { t } = words;
  const { id } = claim;
  const load = useCallback((signal: AbortSignal) => wholeClaim(id, signal), [id]);
  const loaded = useLoaded(load);
  const [isDone, setDone] = useState(false);
  const operation = OPEN[claim.status];
  return (
    <>
      <p>
        <button type="button" onClick={onLeave}>
          {t('backToClaims')}
        </button>
      </p>
      <h2>
        {billedSaid(claim, words)} · {t(`claim-${claim.status}`)}
      </h2>
      <WhenLoaded of={loaded}>
        {({ claim: billed, response, findings }) => (
          <>
            <Mending edits={findings.filter(({ outcome }) => outcome === 'deny').map(({ rule }) => rule)} />
            <Lines claim={billed} response={response} />
            <Notes of={response} />
            {operation === undefined || isDone ? null : (
              <Acting
                id={id}
                operation={operation}
                onDone={() => {
                  setDone(true);
                  loaded.again();
                }}
              />
            )}
            <div role="status">{isDone ? <p class="notice good">{t('sentToPayer')}</p> : null}</div>
            <h2>{t('findings')}</h2>
            <Findings of={findings} />
          </>
        )}
      </WhenLoaded>
    </>
  );
}

function Mending({ edits }: { edits: readonly string[] }) {
  const { t } = useWords();
  if (edits.length === 0) return null;
  return (
    <section class="notice warn">
      <h3>{t('whatMends')}</h3>
      <ul>
        {[...new Set(edits)].map((edit) => (
          <li key={edit}>
            <code dir="ltr">{edit}</code> {t(mendingOf(edit))}
          </li>
        ))}
      </ul>
    </section>
  );
}

interface ActingProps {
  id: string;
  operation: 'appeal' | 'submit-attachment' | 'cancel';
  onDone(): void;
}

function Acting({ id, operation, onDone }: ActingProps) {
  const { t } = useWords();
  const doing = useDoing();
  const [reason, setReason] = useState('');
  const send = (): void =>
    doing.run(async (key) => {
      const body = parametersOf({ name: 'reason', valueString: reason.trim() });
      const path = fhirPath(`Claim/${id}/$${operation}`);
      await ask({ method: 'POST', path, body, headers: { 'Idempotency-Key': key } });
      onDone();
    });
  return (
    <Form title={t(`act-${operation}`)} onSend={send}>
      <p class="soft">{t(`about-${operation}`)}</p>
      <Field rows={3} label={t('decisionReason')} value={reason} onInput={setReason} isNeeded max={500} />
      <p class="actions">
        <button type="submit" class={operation === 'cancel' ? 'danger' : 'main'} disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : `act-${operation}`)}
        </button>
      </p>
      <Done of={doing} again={send} />
    </Form>
  );
}
