/** The claims desk of a payer: claims by how they stand and who works on them, oldest first, and one of them beside what decided it. */
import { useState } from 'preact/hooks';
import { useWords } from '../language.ts';
import { Turn, useCursor } from '../parts/cursor.tsx';
import { Choice, Field } from '../parts/fields.tsx';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { session } from '../sign-in.ts';
import { useValue } from '../value.ts';
import { ClaimView } from './claim.tsx';
import { ClaimRows } from './claim-rows.tsx';
import { filters, queuePath } from './filters.ts';
import type { Queue, QueuedClaim } from './queued.ts';
import { STATUSES } from './statuses.ts';

const WHOSE = ['anybody', 'me', 'none'] as const;

export function ClaimsDesk() {
  const { t } = useWords();
  const asked = useValue(filters);
  const [opened, setOpened] = useState<QueuedClaim | undefined>();
  const queue = useCursor<Queue>(queuePath(asked, session.now?.fhirUser));
  if (opened !== undefined)
    return (
      <ClaimView
        claim={opened}
        onLeave={() => {
          setOpened(undefined);
          queue.again();
        }}
      />
    );
  return (
    <>
      <p class="lead">{t('claimsLead')}</p>
      <div class="filters">
        <Choice
          label={t('filterStatus')}
          value={asked.status}
          options={[['', t('anyStatus')], ...STATUSES.map((one) => [one, t(`claim-${one}`)] as const)]}
          onChoose={(status) => filters.set({ ...asked, status })}
        />
        <Choice
          label={t('filterAssignee')}
          value={asked.assignee}
          options={WHOSE.map((one) => [one, t(`assignee-${one}`)])}
          onChoose={(assignee) => filters.set({ ...asked, assignee })}
        />
        <Field
          label={t('filterProvider')}
          value={asked.provider}
          isCode
          onInput={(provider) => filters.set({ ...asked, provider })}
        />
        <Field
          label={t('filterLeast')}
          type="number"
          value={asked.least}
          onInput={(least) => filters.set({ ...asked, least })}
        />
        <Field
          label={t('filterSubmitted')}
          type="date"
          value={asked.since}
          onInput={(since) => filters.set({ ...asked, since })}
        />
      </div>
      <WhenLoaded of={queue}>
        {({ claims }) =>
          claims.length === 0 ? <Empty>{t('noClaims')}</Empty> : <ClaimRows claims={claims} onOpen={setOpened} />
        }
      </WhenLoaded>
      <Turn of={queue} />
    </>
  );
}
