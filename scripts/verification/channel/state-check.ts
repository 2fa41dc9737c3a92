/**
 * What a peer's state holds, asked through the chaincode: hashes that every peer keeps (GetAnchors), and the values that
 * this one has itself (GetHeld), against the last writes in its blocks.
 */
import { keyPlace } from '@telemed-ledger/network/embedded/ledger/verification/damage.ts';
import type { PeerFinding } from './peer-findings.ts';
import { ChaincodeAway, PeerFault } from './reach.ts';
import type { Held } from './values-check.ts';

const AT_ONCE = 500;

interface Entry {
  collection: string;
  key: string;
}

/** Answers a read-only transaction of the chaincode on the organisation's own peer. */
export type Evaluate = (name: 'GetAnchors' | 'GetHeld', input: { entries: Entry[] }) => Promise<{ hashes: string[] }>;

export interface StateOutcome {
  checked: number;
  findings: PeerFinding[];
}

type Known = Held & Entry;

/** `places`: only these keys are asked for. */
export async function checkState(
  held: Held[],
  chaincode: string,
  evaluate: Evaluate,
  places?: ReadonlySet<string>,
): Promise<StateOutcome> {
  const isAsked = (each: Held): boolean => places?.has(keyPlace(chaincode, each.collection, each.keyHash)) ?? true;
  const known = held.filter((each): each is Known => each.key !== undefined && isAsked(each));
  const findings: PeerFinding[] = [];
  for (let at = 0; at < known.length; at += AT_ONCE) {
    const batch = known.slice(at, at + AT_ONCE);
    const isPrivate = batch.filter(({ collection }) => collection !== '');
    findings.push(...compare(batch, await ask('GetHeld', batch, evaluate), chaincode, describeValue));
    findings.push(
      ...compare(
        isPrivate,
        await ask('GetAnchors', isPrivate, evaluate),
        chaincode,
        () => 'the hash of a private value',
      ),
    );
  }
  return { checked: known.length, findings };
}

const describeValue = ({ collection }: Known): string =>
  collection === '' ? 'a key of public state' : 'a private value';

const UNAVAILABLE = 'unavailable';

/**
 * Answers a hash for each. Where the peer cannot answer for all of them at once, the halves are asked for by themselves: one
 * entry that it cannot read must not hide the others. @throws PeerAway; ChaincodeAway where it answers nothing at all
 */
async function ask(name: 'GetAnchors' | 'GetHeld', batch: Known[], evaluate: Evaluate): Promise<string[]> {
  if (batch.length === 0) return [];
  const entries = batch.map(({ collection, key }) => ({ collection, key }));
  try {
    return (await evaluate(name, { entries })).hashes;
  } catch (error) {
    if (!(error instanceof PeerFault)) throw error;
    await evaluate(name, { entries: [] }).catch((reason: Error) => {
      throw new ChaincodeAway(reason.message, { cause: reason });
    });
    if (batch.length === 1) return [UNAVAILABLE];
    const half = Math.ceil(batch.length / 2);
    return [await ask(name, batch.slice(0, half), evaluate), await ask(name, batch.slice(half), evaluate)].flat();
  }
}

function compare(
  batch: Known[],
  hashes: string[],
  chaincode: string,
  describe: (each: Known) => string,
): PeerFinding[] {
  return batch.flatMap((each, index) => {
    const [found = '', expected = ''] = [hashes[index], each.hash];
    if (found === expected) return [];
    const fault = faultOf(found, expected);
    const place = keyPlace(chaincode, each.collection, each.keyHash);
    return [{ part: 'state' as const, place, what: `${fault}: ${describe(each)}` }];
  });
}

/** A peer answers in the same way that it lacks a private value and that it cannot read it. */
const faultOf = (found: string, expected: string): string =>
  found === UNAVAILABLE
    ? 'missing or unreadable'
    : found === ''
      ? 'missing'
      : expected === ''
        ? 'unexpected'
        : 'altered';
