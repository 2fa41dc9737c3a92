/** The consortium at work, as this gateway sees it: whether it can write, how far it has read, and who signs the ledger. */
import { useEffect, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { Failure } from '../parts/failure.tsx';
import { Problem } from '../problem.ts';
import { session } from '../sign-in.ts';
import { useValue } from '../value.ts';

const EVERY_MS = 2_000;

interface Ready {
  ready: boolean;
  reasons: string[];
  block: number;
  behind?: number;
  valuesMissing: number;
}

interface Witness {
  mspId: string;
  size: number;
  time: string;
  agrees: boolean;
}

/** As /readyz answers, whether it is ready or not. */
async function readiness(): Promise<Ready> {
  const answer = await fetch('/readyz', { cache: 'no-store' }).catch(() => {
    throw new Problem('offline', '');
  });
  if (answer.status !== 200 && answer.status !== 503) throw new Problem('busy', '');
  return (await answer.json()) as Ready;
}

interface Seen {
  ready?: Ready;
  tree?: { size: number; root: string };
  witnesses?: Witness[];
  problem?: Problem;
}

export function Network() {
  const { t, number, time } = useWords();
  const who = useValue(session);
  const [seen, setSeen] = useState<Seen>({});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isGone = false;
    const look = async (): Promise<void> => {
      const found = await lookedAt(who !== undefined).catch((problem: Problem) => ({ problem }));
      if (isGone) return;
      setSeen((before) => ({ ...before, ...found, ...('problem' in found ? {} : { problem: undefined as never }) }));
      timer = setTimeout(() => void look(), EVERY_MS);
    };
    void look();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [who]);
  const { ready, tree, witnesses, problem } = seen;
  return (
    <>
      <p class="lead">{t('networkLead')}</p>
      {problem === undefined ? null : <Failure problem={problem} />}
      {ready === undefined ? null : (
        <div class="tiles">
          <Tile value={t(ready.ready ? 'yes' : 'no')} label={t('networkReady')} isBad={!ready.ready} />
          <Tile value={number(ready.block)} label={t('networkBlock')} />
          <Tile value={number(ready.behind ?? 0)} label={t('networkBehind')} />
          <Tile value={number(ready.valuesMissing)} label={t('networkMissing')} />
        </div>
      )}
      {ready === undefined || ready.reasons.length === 0 ? null : (
        <div class="notice warn" role="status">
          <p>{t('networkReasons')}</p>
          <ul dir="ltr">
            {ready.reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </div>
      )}
      {tree === undefined ? null : (
        <section>
          <h2>{t('networkTree')}</h2>
          <p>{t('networkLeaves', { count: tree.size })}</p>
          <p class="soft">
            <code dir="ltr">{tree.root}</code>
          </p>
          <h3>{t('networkWitnesses')}</h3>
          {witnesses === undefined || witnesses.length === 0 ? <p class="empty">{t('networkNoWitness')}</p> : null}
          <ul class="lines">
            {newestOfEach(witnesses ?? []).map(({ mspId, size, time: at, agrees }) => (
              <li key={mspId}>
                <bdi class="what">{mspId}</bdi>
                <span class={agrees ? 'tag good' : 'tag bad'}>{t(agrees ? 'networkAgrees' : 'networkDisagrees')}</span>
                <span class="when">
                  {t('networkLeaves', { count: size })} · {time(at)}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** The newest stand first. */
const newestOfEach = (all: readonly Witness[]): Witness[] =>
  all.filter((one, index) => all.findIndex(({ mspId }) => mspId === one.mspId) === index);

const Tile = ({ value, label, isBad = false }: { value: string; label: string; isBad?: boolean }) => (
  <div class={isBad ? 'tile calling' : 'tile'}>
    <strong>{value}</strong>
    <span>{label}</span>
  </div>
);

async function lookedAt(isSignedIn: boolean): Promise<Omit<Seen, 'problem'>> {
  const ready = await readiness();
  if (!isSignedIn) return { ready };
  const [tree, signed] = await Promise.all([
    ask<{ size: number; root: string }>({ path: '/ledger-tree' }),
    ask<{ witnesses: Witness[] }>({ path: '/witnesses' }),
  ]);
  return { ready, tree: tree.body, witnesses: signed.body.witnesses };
}
