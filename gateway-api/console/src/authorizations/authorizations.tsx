/** Requests for prior authorization at their payer: each with its clock, decided by a person; and the year's figures that a payer publishes. */
import { useCallback, useState } from 'preact/hooks';
import { ask, keepFile } from '../api.ts';
import { useWords } from '../language.ts';
import { Turn, useCursor } from '../parts/cursor.tsx';
import { Choice } from '../parts/fields.tsx';
import { useLoaded } from '../parts/loading.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { FiguresTable } from './figures.tsx';
import type { Figures } from './published.ts';
import { RequestView } from './request.tsx';
import { type Asked, clockTag, STATUSES } from './requests.ts';

interface Page {
  authorizations: Asked[];
  next?: string;
}

export function Authorizations() {
  const { t } = useWords();
  const [status, setStatus] = useState<Asked['status']>('pended');
  const [opened, setOpened] = useState<Asked | undefined>();
  const pages = useCursor<Page>(`/authorizations?count=25&status=${status}`);
  const leave = (): void => {
    setOpened(undefined);
    pages.again();
  };
  if (opened !== undefined) return <RequestView asked={opened} onLeave={leave} />;
  return (
    <>
      <p class="lead">{t('authorizationsLead')}</p>
      <div class="filters">
        <Choice
          label={t('filterStatus')}
          value={status}
          options={STATUSES.map((one) => [one, t(`authorization-${one}`)])}
          onChoose={setStatus}
        />
      </div>
      <WhenLoaded of={pages}>
        {({ authorizations }) =>
          authorizations.length === 0 ? (
            <Empty>{t('noAuthorizations')}</Empty>
          ) : (
            <Rows of={authorizations} onOpen={setOpened} />
          )
        }
      </WhenLoaded>
      <Turn of={pages} />
      <YearsFigures />
    </>
  );
}

function Rows({ of, onOpen }: { of: readonly Asked[]; onOpen(one: Asked): void }) {
  const { t, time, fromNow } = useWords();
  return (
    <ul class="cards">
      {of.map((one) => (
        <li key={one.id} class="card row">
          <div>
            <p>
              <strong>{t(`urgency-${one.urgency}`)}</strong> · <bdi>{one.provider ?? t('askedElsewhere')}</bdi>{' '}
              <span class="tag">{t(`authorization-${one.status}`)}</span>
            </p>
            <p class="soft">
              {t('receivedAt', { time: time(one.receivedAt) })} · <code>{one.id.slice(0, 8)}</code>
            </p>
            {one.status === 'pended' ? (
              <p>
                <span class={clockTag(one.dueAt)}>{t('dueIn', { when: fromNow(one.dueAt) })}</span>
              </p>
            ) : null}
            {one.isLate === true ? <p class="tag bad">{t('decidedLate')}</p> : null}
          </div>
          <button type="button" aria-label={t('openRequest', { id: one.id.slice(0, 8) })} onClick={() => onOpen(one)}>
            {t('open')}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Of this year so far. */
function YearsFigures() {
  const { t } = useWords();
  const load = useCallback(
    async (signal: AbortSignal) => (await ask<Figures>({ path: '/prior-authorization-metrics', signal })).body,
    [],
  );
  const loaded = useLoaded(load);
  return (
    <section>
      <h2>{t('figures')}</h2>
      <p class="soft">{t('figuresLead')}</p>
      <WhenLoaded of={loaded}>
        {(figures) => (
          <>
            <FiguresTable of={[figures]} />
            <p class="actions">
              <button
                type="button"
                onClick={() => keepFile(asFile(figures), `prior-authorizations-${figures.year}.json`)}
              >
                {t('figuresFile')}
              </button>
            </p>
          </>
        )}
      </WhenLoaded>
    </section>
  );
}

const asFile = (figures: Figures): Blob => new Blob([JSON.stringify(figures, null, 2)], { type: 'application/json' });
