/**
 * Rounds of endorsement until the endorsers agree. Where they do not, it is found out whether one of them has seen fewer
 * blocks: then all are waited for until they hold the same, and asked again. What that does not explain is a refusal, or
 * a disagreement, which is reported at once.
 */
import { LedgerFailure } from '../ledger-failure.ts';
import { LoneRefusal } from '../lone-refusal.ts';
import { persist } from '../persist.ts';
import type { Endorsements } from './collect.ts';
import { Differing, Refused } from './dissent.ts';

export interface Chain {
  /** Height of the chain as an organisation's peer has it; rejects where it does not tell. */
  heightAt: (organisation: string) => Promise<number>;
  /** The last block that this gateway has seen. */
  known: () => number;
}

export interface RoundsOptions {
  /** Those that must endorse. MSP ids. */
  must: readonly string[];
  chain: Chain;
  /** Milliseconds since 1970. */
  deadline: number;
  /** Called where these refuse what others, on the same blocks, do not. MSP ids. */
  onLoneRefusal?: (by: readonly string[]) => void;
}

/** How long writes of several callers wait for a peer that lags. */
const LAG_MS = 3_000;
/** Rounds on blocks that all endorsers hold, after which other reads are no sign of a lag any more. */
const UNEXPLAINED_ROUNDS = 2;

/**
 * What `round` answers, the first time or after a lag. Each round is a proposal of its own.
 * @throws {LedgerError} among them {LoneRefusal}. @throws {LedgerFailure} among them `disagrees` with the organisations
 */
export async function untilAgreed(round: () => Promise<Endorsements>, options: RoundsOptions): Promise<Endorsements> {
  let reference = -1;
  let unexplained = 0;
  /** Who held what it rests on before they were asked: from them a refusal is no lag. */
  const upToDate = new Set<string>();
  for (;;) {
    try {
      return await round();
    } catch (error) {
      if (error instanceof Refused) {
        if (error.isFinal) throw error.refusal;
        if (error.by.every((organisation) => upToDate.has(organisation))) throw unexplainedRefusal(error, options);
        reference = await caughtUp(error.by, options);
        for (const organisation of error.by) upToDate.add(organisation);
      } else if (error instanceof Differing) {
        const { isOfReads, newestBlock } = error.difference;
        if (!isOfReads) throw disagreement(error);
        if (reference >= 0 && newestBlock <= reference) unexplained += 1;
        if (unexplained === UNEXPLAINED_ROUNDS) throw disagreement(error);
        reference = await caughtUp(error.groups.flat(), options);
      } else throw error;
    }
  }
}

function unexplainedRefusal({ refusal, by, dissent }: Refused, { onLoneRefusal }: RoundsOptions): Error {
  if (dissent !== undefined) return disagreement(dissent);
  onLoneRefusal?.(by);
  return new LoneRefusal(refusal, by);
}

/**
 * The same for writes of several callers, which wait for one another: after what may have been a lag, once more. A peer that has not
 * seen the block in which all of them begin would refuse each of them.
 * @throws what `round` throws. @throws {LedgerFailure} `lag` where it is a longer one
 */
export async function agreedSoon(
  round: () => Promise<Endorsements>,
  { deadline, ...options }: RoundsOptions,
): Promise<Endorsements> {
  try {
    return await round();
  } catch (error) {
    const lagging = mayLag(error);
    if (lagging === undefined) throw error;
    await caughtUp(lagging, { ...options, deadline: Math.min(deadline, Date.now() + LAG_MS) });
    return round();
  }
}

/** Of whom that would explain it; undefined where it explains nothing. */
function mayLag(error: unknown): readonly string[] | undefined {
  if (error instanceof Refused) return error.isFinal ? undefined : error.by;
  return error instanceof Differing && error.difference.isOfReads ? error.groups.flat() : undefined;
}

function disagreement({ groups, difference }: Pick<Differing, 'groups' | 'difference'>): LedgerFailure {
  const sides = groups.map((group) => group.join(' and '));
  const [few = '', ...others] = sides;
  const message = `${few} computed another result than ${others.join(', and than ')} (${difference.parts.join(', ')}).`;
  return new LedgerFailure('disagrees', message, groups.flat());
}

/**
 * Waits until those that must endorse, and these, hold what any of them or this gateway holds now. Answers the number of
 * that block.
 */
async function caughtUp(others: readonly string[], { must, chain, deadline }: RoundsOptions): Promise<number> {
  const heights = await heightsOf([...new Set([...must, ...others])], chain);
  const reference = Math.max(chain.known(), ...heights.map(({ height }) => height - 1));
  const behind = async (organisation: string): Promise<void> => {
    const last = (await chain.heightAt(organisation)) - 1;
    if (last < reference) throw lagging(organisation, last, reference);
  };
  const again = (error: Error): boolean => error instanceof LedgerFailure;
  // Whoever made this necessary and does not tell its height is asked until it does: it may lag for all that is known.
  const untold = others.filter((organisation) => !heights.some((one) => one.organisation === organisation));
  const late = heights.filter(({ height }) => height - 1 < reference).map(({ organisation }) => organisation);
  await Promise.all([...untold, ...late].map((one) => persist(() => behind(one), { deadline, again })));
  return reference;
}

const lagging = (organisation: string, last: number, reference: number): LedgerFailure =>
  new LedgerFailure(
    'lag',
    `The peer of ${organisation} holds block ${last}; others, with which it must agree, hold block ${reference}.`,
    [organisation],
  );

/** Of those that tell. */
async function heightsOf(
  organisations: readonly string[],
  { heightAt }: Chain,
): Promise<{ organisation: string; height: number }[]> {
  const asked = organisations.map(async (organisation) => ({ organisation, height: await heightAt(organisation) }));
  const told = await Promise.allSettled(asked);
  return told.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}
