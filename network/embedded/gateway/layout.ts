/**
 * A plan of endorsement and its execution: groups of interchangeable peers, and layouts that say how many of which
 * group must agree (spec 1.3, steps 5 and 6).
 */
import type { Endorsed } from '../endorser/endorser.ts';
import type { ErrorDetail } from '../server/error.ts';
import type { Peer } from '../server/peer.ts';
import { isFailure } from './classify.ts';
import { ask, type Call, detailOf } from './peers.ts';

/** How many peers of each group, by group key. */
export type Layout = Map<string, number>;

export interface Plan {
  groups: Map<string, Peer[]>;
  layouts: Layout[];
}

/** Answers of peers that agree byte for byte, by the peer that gave them. */
export type Agreed = Map<Peer, Endorsed>;

/** Collects answers for one call and remembers who failed, over all layouts tried. */
export class Collector {
  readonly details: ErrorDetail[] = [];
  readonly #call: Call;
  readonly #answers: Agreed;
  readonly #failed = new Set<Peer>();

  constructor(call: Call, first: Agreed = new Map()) {
    this.#call = call;
    this.#answers = first;
  }

  /** The answers of the first layout that completes, undefined where none does. */
  async collect({ groups, layouts }: Plan): Promise<Endorsed[] | undefined> {
    for (const layout of layouts) {
      const taken = new Set<Peer>();
      const wanted = [...layout].flatMap(([key, count]) => Array.from({ length: count }, () => groups.get(key) ?? []));
      const collected = await Promise.all(wanted.map((group) => this.#oneOf(group, taken)));
      const answers = collected.filter((answer) => answer !== undefined);
      if (answers.length === wanted.length) return answers;
    }
    return undefined;
  }

  async #oneOf(group: Peer[], taken: Set<Peer>): Promise<Endorsed | undefined> {
    const answered = group.find((peer) => this.#answers.has(peer) && !taken.has(peer));
    if (answered) {
      taken.add(answered);
      return this.#answers.get(answered);
    }
    for (const peer of group) {
      if (taken.has(peer) || this.#failed.has(peer)) continue;
      taken.add(peer);
      const outcome = await ask(peer, this.#call);
      if (isFailure(outcome)) this.#fail(peer, detailOf(peer, outcome));
      else if (!this.#agrees(outcome)) {
        const message = 'ProposalResponsePayloads do not match';
        this.#fail(peer, { address: peer.address, mspId: peer.mspId, message });
      } else {
        this.#answers.set(peer, outcome);
        return outcome;
      }
    }
    return undefined;
  }

  #agrees({ payload }: Endorsed): boolean {
    const [first] = this.#answers.values();
    return first === undefined || Buffer.compare(first.payload, payload) === 0;
  }

  #fail(peer: Peer, detail: ErrorDetail): void {
    this.#failed.add(peer);
    this.details.push(detail);
  }
}
