/** A provider's billing: visits that nobody has billed yet, and claims by how they stand, of denied ones with what would mend them. */
import { useState } from 'preact/hooks';
import { ClaimRows } from '../claims/claim-rows.tsx';
import type { Queue, QueuedClaim } from '../claims/queued.ts';
import { STATUSES, type Status } from '../claims/statuses.ts';
import { useWords } from '../language.ts';
import { Turn, useCursor } from '../parts/cursor.tsx';
import { Choice } from '../parts/fields.tsx';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { OwnClaim } from './own-claim.tsx';
import { Unbilled } from './unbilled.tsx';

export function Billing() {
  const { t } = useWords();
  const [status, setStatus] = useState<Status | ''>('denied');
  const [opened, setOpened] = useState<QueuedClaim | undefined>();
  const queue = useCursor<Queue>(`/claims?count=25${status === '' ? '' : `&status=${status}`}`);
  const leave = (): void => {
    setOpened(undefined);
    queue.again();
  };
  if (opened !== undefined) return <OwnClaim claim={opened} onLeave={leave} />;
  return (
    <>
      <p class="lead">{t('billingLead')}</p>
      <h2>{t('ownClaims')}</h2>
      <div class="filters">
        <Choice
          label={t('filterStatus')}
          value={status}
          options={[['', t('anyStatus')], ...STATUSES.map((one) => [one, t(`claim-${one}`)] as const)]}
          onChoose={setStatus}
        />
      </div>
      <WhenLoaded of={queue}>
        {({ claims }) =>
          claims.length === 0 ? <Empty>{t('noClaims')}</Empty> : <ClaimRows claims={claims} onOpen={setOpened} />
        }
      </WhenLoaded>
      <Turn of={queue} />
      <Unbilled />
    </>
  );
}
