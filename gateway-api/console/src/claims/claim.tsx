/** One claim at the payer: how it stands, who works on it, its lines beside what was decided, the decision, and what each rule said. */
import { useCallback } from 'preact/hooks';
import { useWords } from '../language.ts';
import { useLoaded } from '../parts/loading.ts';
import { WhenLoaded } from '../parts/states.tsx';
import { Deciding } from './deciding.tsx';
import { deskOf } from './desk.ts';
import { Evidence } from './evidence.tsx';
import { Findings, Lines, Notes } from './judged.tsx';
import { billedSaid, type QueuedClaim } from './queued.ts';
import { wholeClaim } from './whole.ts';
import { Assignment, DeskNotes } from './working.tsx';

export function ClaimView({ claim, onLeave }: { claim: QueuedClaim; onLeave(): void }) {
  const words = useWords();
  const { t } = words;
  const { id } = claim;
  const load = useCallback(
    async (signal: AbortSignal) => {
      const [whole, desk] = await Promise.all([wholeClaim(id, signal), deskOf(id, signal)]);
      return { ...whole, desk };
    },
    [id],
  );
  const loaded = useLoaded(load);
  return (
    <>
      <p>
        <button type="button" onClick={onLeave}>
          {t('backToClaims')}
        </button>
      </p>
      <h2>
        {billedSaid(claim, words)} · <bdi>{claim.provider}</bdi>
      </h2>
      <WhenLoaded of={loaded}>
        {({ claim: billed, response, findings, desk }) => (
          <>
            <Assignment id={id} desk={desk} onChange={loaded.again} />
            <div role="status">
              {response === undefined ? (
                <p class="notice">{t('notDecided')}</p>
              ) : (
                <p class="notice good" dir="auto">
                  {t('decidedAs')} <strong>{response.disposition ?? response.outcome}</strong>{' '}
                  <span class="tag">{t(`claim-${desk.status}`)}</span>
                </p>
              )}
            </div>
            <Lines claim={billed} response={response} />
            <Notes of={response} />
            <Deciding key={desk.status} claim={billed} status={desk.status} onChange={loaded.again} />
            <h2>{t('findings')}</h2>
            <Findings of={findings} />
            <Evidence id={id} />
            <DeskNotes id={id} desk={desk} onChange={loaded.again} />
          </>
        )}
      </WhenLoaded>
    </>
  );
}
