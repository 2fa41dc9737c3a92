/** What follows from a receipt that holds, and what does not, in words. */
import type { Entry } from './entry.ts';
import type { Endorsed } from './evidence.ts';
import type { Ordered } from './ordering.ts';

interface Sayings {
  proved: string[];
  notProved: string[];
}

/** What a receipt shows beside its entry. */
interface Shown {
  content: object | undefined;
  evidence: object | undefined;
  endorsed: Endorsed | undefined;
  ordered: Ordered | undefined;
}

/** @param members how many have signed it */
export function sayings(entry: Entry, members: number, { content, evidence, endorsed, ordered }: Shown): Sayings {
  const { block, position, code } = entry;
  const outcome = code === 0 ? 'valid' : `invalid, with code ${code}`;
  const ofEvidence =
    evidence === undefined ? undefined : endorsed === undefined ? OF_NOTHING : ofEndorsed(endorsed, entry);
  const ofOrdering = evidence === undefined ? undefined : ofOrdered(ordered, entry);
  return {
    proved: [
      `${members} members have each computed from their own peers' blocks, and signed, that envelope ${position} of block ${block} is this one, ${outcome}`,
      ...(content === undefined ? [] : ['that transaction wrote exactly the content shown, under the key shown']),
      ...(ofEvidence?.proved ?? []),
      ...(ofOrdering?.proved ?? []),
    ],
    notProved: [
      'that the content is true, or complete, or still in force: later transactions may have changed, revoked or erased it',
      'when it was written: the times are those of the members that signed',
      'anything, where as many members collude as are needed: they sign what they like',
      ...(ofEvidence?.notProved ?? []),
      ...(ofOrdering?.notProved ?? []),
    ],
  };
}

const OF_NOTHING: Sayings = {
  proved: [],
  notProved: ['who endorsed it: the members found it invalid, so no endorsement of it counts'],
};

function ofEndorsed({ sender, endorsers, collections, isJudged, isAlone }: Endorsed, { block }: Entry): Sayings {
  const needs = `what ${['the chaincode', ...collections].join(', ')} need`;
  return {
    proved: [
      `${sender} sent it, and peers of ${endorsers.join(', ')} have signed exactly what it writes, by certificates of their own authorities`,
      ...(isJudged ? [`that is ${needs}, by the policies among the roots`] : []),
      ...(isAlone ? [`the header of block ${block} covers this envelope and no other`] : []),
    ],
    notProved: [
      ...(isJudged ? [] : [`that these endorsers are ${needs}: the roots hold no policies of that chaincode`]),
      ...(isAlone
        ? []
        : [`that the header of block ${block} covers it, but by their word: other envelopes stand there too`]),
    ],
  };
}

const UNORDERED =
  'that the ordering service signed that block: its signatures are not in the receipt, or the roots do not say who orders';

const ofOrdered = (ordered: Ordered | undefined, { block }: Entry): Sayings =>
  ordered === undefined
    ? { proved: [], notProved: [UNORDERED] }
    : {
        proved: [
          `orderers of ${ordered.orderers.join(', ')} have signed the header of block ${block}: as many as the channel's configuration needs, ${ordered.needed}, or more`,
        ],
        notProved: [],
      };
