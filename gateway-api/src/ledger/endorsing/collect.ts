/**
 * One round of endorsement: asks those that must endorse, and of those that may, one after the other until one computed
 * the same. Each organisation is asked by itself, so that it is known who is away, who refuses and who differs.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { LedgerFailure } from '../ledger-failure.ts';
import { persist } from '../persist.ts';
import { type Difference, differenceOf } from './differences.ts';
import { Differing, Refused } from './dissent.ts';
import { type Endorsement, isSameResult } from './endorsement.ts';
import { type StandInOptions, StandIns } from './stand-ins.ts';

/** MSP ids; see network/consortium/endorsers.ts. */
export interface Plan {
  must: readonly string[];
  oneOf: readonly string[];
}

export interface RoundOptions extends StandInOptions {
  /** This gateway's own organisation, through whose peer all others are asked. MSP id. */
  own: string;
  /** Called where an organisation differs, on equal reads, from those whose result is used. */
  onDissent: (organisation: string, others: readonly string[], difference: Difference) => void;
}

export type Endorsements = readonly [Endorsement, ...Endorsement[]];

/** How long the others are waited for when one has refused: one that accepts may have seen more blocks. */
const GRACE_MS = 1_000;
/** How long this gateway's own peer is waited for before another one is called slow. */
const BLAME_MS = 50;

/** Endorsements with one and the same result, enough for the plan. @throws {Refused} {Differing} {LedgerFailure} */
export async function collect(plan: Plan, options: RoundOptions): Promise<Endorsements> {
  if (plan.oneOf.length === 0) return agreed(await together(plan.must, options));
  const standIns = new StandIns(plan.oneOf, options);
  try {
    const first = standIns.next();
    // Those that must endorse decide first; how the other one ends is looked at afterwards.
    first.catch(() => undefined);
    const musts = agreed(await together(plan.must, options));
    return [...musts, await agreeing(standIns, first, musts, options)];
  } finally {
    standIns.close();
  }
}

/** @throws {Differing} */
function agreed(endorsements: Endorsements): Endorsements {
  const [first] = endorsements;
  if (endorsements.some((one) => !isSameResult(first, one))) throw new Differing(endorsements);
  return endorsements;
}

/** The first of those that may whose result is that of those that must. */
async function agreeing(
  standIns: StandIns,
  first: Promise<Endorsement | undefined>,
  musts: Endorsements,
  options: RoundOptions,
): Promise<Endorsement> {
  const dissenting: Endorsement[] = [];
  for (let answer = await first; answer !== undefined; answer = await standIns.next()) {
    if (isSameResult(musts[0], answer)) {
      for (const one of dissenting) report(one, [...musts, answer], options);
      return answer;
    }
    dissenting.push(answer);
  }
  throw lackOf(musts, dissenting, standIns.failure());
}

/**
 * Why none of those that may agrees. One that has seen other blocks, or refuses what others accept, may agree a moment
 * later: whoever differs besides does not decide.
 */
function lackOf(musts: Endorsements, dissenting: readonly Endorsement[], failure: Error): Error {
  if (dissenting.length === 0) return failure;
  const elsewhere = dissenting.filter(({ payload }) => differenceOf(musts[0].payload, payload).isOfReads);
  if (elsewhere.length > 0) return new Differing([...musts, ...elsewhere]);
  const dissent = new Differing([...musts, ...dissenting]);
  return failure instanceof Refused ? new Refused(failure.refusal, failure.by, false, dissent) : dissent;
}

function report({ organisation, payload }: Endorsement, others: Endorsements, { onDissent }: RoundOptions): void {
  const difference = differenceOf(others[0].payload, payload);
  const names = others.map((other) => other.organisation);
  // Who has seen other blocks may well compute something else.
  if (!difference.isOfReads) onDissent(organisation, names, difference);
}

/** Every one of them. Fails as soon as one does; where that one refused, with what the others said. */
async function together(organisations: readonly string[], options: RoundOptions): Promise<Endorsements> {
  const { deadline, retried } = options;
  const again = (error: Error): boolean => error instanceof LedgerFailure && retried.has(error.kind);
  const answers = organisations.map((one) => persist(() => remembered(one, options), { deadline, again }));
  try {
    return (await Promise.all(answers)) as [Endorsement, ...Endorsement[]];
  } catch (error) {
    if (error instanceof LedgerError) throw await refusedBy(organisations, answers, error, options.own);
    const own = answers[organisations.indexOf(options.own)];
    throw (await isSlow(error, own)) ?? error;
  }
}

/** Who fails, or keeps others waiting, is asked last for a while where another may endorse in its place. */
async function remembered(
  organisation: string,
  { ask, deadline, hedgeMs, memory }: RoundOptions,
): Promise<Endorsement> {
  const late = setTimeout(() => memory.failed(organisation), hedgeMs);
  try {
    const endorsement = await ask(organisation, deadline);
    memory.answered(organisation);
    return endorsement;
  } catch (error) {
    if (error instanceof LedgerFailure) memory.failed(organisation);
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/**
 * Final where this gateway's own peer refuses too: it alone is known to hold all that its callers have seen. What it refuses for
 * is said then, whatever another refuses for that may only lag.
 */
async function refusedBy(
  organisations: readonly string[],
  answers: readonly Promise<Endorsement>[],
  refusal: LedgerError,
  own: string,
): Promise<Refused> {
  const by: string[] = [];
  const accepted: string[] = [];
  let ownRefusal: LedgerError | undefined;
  const said = answers.map(async (answer, index) => {
    const organisation = organisations[index] as string;
    try {
      await answer;
      accepted.push(organisation);
    } catch (error) {
      if (!(error instanceof LedgerError)) return;
      by.push(organisation);
      if (organisation === own) ownRefusal = error;
    }
  });
  await Promise.race([Promise.all(said), after(GRACE_MS)]);
  return accepted.length === 0 && ownRefusal !== undefined
    ? new Refused(ownRefusal, by, true)
    : new Refused(refusal, by, false);
}

/** While this gateway's own peer does not answer either, that is why: all others are asked through it. */
async function isSlow(error: unknown, own: Promise<Endorsement> | undefined): Promise<unknown> {
  if (!(error instanceof LedgerFailure) || error.kind !== 'slow' || own === undefined) return undefined;
  return Promise.race([own.then(() => undefined).catch((failure: unknown) => failure), after(BLAME_MS)]);
}

const after = (milliseconds: number): Promise<undefined> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds, undefined);
  });
