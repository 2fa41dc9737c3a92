/** The operator's desk: the network as a picture and a table, what to do for each alarm, certificates, queues, transactions, the comparison. */
import { useEffect, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { Failure } from '../parts/failure.tsx';
import { Problem } from '../problem.ts';
import { Comparison } from './comparison.tsx';
import { alarmsIn, certificateTag, type NetworkState, queuesIn, standingOf } from './network-state.ts';
import { Members, Picture } from './picture.tsx';
import { Transactions } from './transactions.tsx';

const EVERY_MS = 3_000;

/** Looked at again and again, as long as the page is there. */
function useNetwork(): { state: NetworkState | undefined; problem: Problem | undefined } {
  const [seen, setSeen] = useState<{ state?: NetworkState; problem?: Problem }>({});
  useEffect(() => {
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      const found = await ask<NetworkState>({ path: '/network', signal: leaving.signal }).then(
        ({ body }) => ({ state: body }),
        (error) => ({ problem: error instanceof Problem ? error : new Problem('broken', (error as Error).message) }),
      );
      if (leaving.signal.aborted) return;
      setSeen(({ state }) => (state === undefined ? found : { state, ...found }));
      timer = setTimeout(() => void look(), EVERY_MS);
    };
    void look();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, []);
  return { state: seen.state, problem: seen.problem };
}

export function Operations() {
  const { t } = useWords();
  const { state, problem } = useNetwork();
  return (
    <>
      <p class="lead">{t('operationsLead')}</p>
      {problem === undefined ? null : <Failure problem={problem} />}
      {state === undefined ? (
        problem === undefined && (
          <p class="waiting" role="status">
            {t('loading')}
          </p>
        )
      ) : (
        <>
          <div class="beside">
            <Picture of={state} />
            <Members of={state.members} />
          </div>
          <p class="soft">{t('whoLeads')}</p>
          <Alarms of={state} />
          <Certificates of={state.certificates} />
          <Queues of={state} />
        </>
      )}
      <Transactions />
      <Comparison />
    </>
  );
}

function Alarms({ of }: { of: NetworkState }) {
  const { t, number } = useWords();
  const alarms = alarmsIn(of);
  const away = of.members.filter((one) => standingOf(one) !== 'well');
  return (
    <section>
      <h2>{t('whatToDo')}</h2>
      {alarms.length + away.length === 0 ? <p class="notice good">{t('nothingToDo')}</p> : null}
      <ul class="cards">
        {away.map((one) => (
          <li key={one.name} class="card">
            <p>
              <strong>{one.name}</strong> <span class="tag bad">{t(`standing-${standingOf(one)}`)}</span>
            </p>
            <p>{t(standingOf(one) === 'away' ? 'remedy-away' : 'remedy-behind')}</p>
          </li>
        ))}
        {alarms.map(({ name, value, labels, remedy }) => (
          <li key={name + labels} class="card">
            <p>
              <code dir="ltr">
                {name} {labels}
              </code>{' '}
              <span class="tag bad">{number(value)}</span>
            </p>
            <p>{t(remedy)}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Certificates({ of }: { of: NetworkState['certificates'] }) {
  const { t, date } = useWords();
  return (
    <section>
      <h2>{t('certificates')}</h2>
      <ul class="lines">
        {of.map(({ of: whose, until, daysLeft }) => (
          <li key={whose + until}>
            <span class="what" dir="ltr">
              {whose}
            </span>
            <span class="when">{date(until)}</span>
            <span class={certificateTag(daysLeft)}>{t('daysLeft', { count: daysLeft })}</span>
          </li>
        ))}
      </ul>
      <p class="soft">{t('renewBy')}</p>
    </section>
  );
}

function Queues({ of }: { of: NetworkState }) {
  const { t, number } = useWords();
  const queues = queuesIn(of);
  const busy = queues.filter(({ value }) => value > 0);
  return (
    <section>
      <h2>{t('queues')}</h2>
      {busy.length === 0 ? <p class="notice good">{t('queuesEmpty')}</p> : null}
      <ul class="lines">
        {busy.map(({ name, value, labels }) => (
          <li key={name + JSON.stringify(labels)}>
            <code class="what" dir="ltr">
              {name} {Object.values(labels).join(' ')}
            </code>
            <strong>{number(value)}</strong>
          </li>
        ))}
      </ul>
      <p class="soft">{t('queuesWatched', { count: queues.length })}</p>
    </section>
  );
}
