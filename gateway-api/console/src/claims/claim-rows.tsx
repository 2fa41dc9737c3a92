/** Claims of a queue, each with what tells which to take next. */
import { useWords } from '../language.ts';
import { shortName } from './desk.ts';
import { billedSaid, type QueuedClaim } from './queued.ts';

export function ClaimRows({ claims, onOpen }: { claims: readonly QueuedClaim[]; onOpen(claim: QueuedClaim): void }) {
  const words = useWords();
  const { t, time } = words;
  return (
    <ul class="cards">
      {claims.map((one) => (
        <li key={one.id} class="card row">
          <div>
            <p>
              <strong>{billedSaid(one, words)}</strong> · <bdi>{one.provider}</bdi>{' '}
              <span class="tag">{t(`claim-${one.status}`)}</span>
              {one.reason === undefined ? null : <code> {one.reason}</code>}
            </p>
            <p class="soft">
              {time(one.submittedAt)} · {t('lines', { count: one.lines })} · <code>{one.id.slice(0, 8)}</code>
              {one.assignee === undefined ? null : ` · ${shortName(one.assignee)}`}
            </p>
          </div>
          <button type="button" aria-label={t('openClaim', { id: one.id.slice(0, 8) })} onClick={() => onOpen(one)}>
            {t('open')}
          </button>
        </li>
      ))}
    </ul>
  );
}
