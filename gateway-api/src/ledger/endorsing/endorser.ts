/**
 * Has a transaction endorsed: rounds until all that must, and one of those that may, computed the same. A disagreement is
 * the ledger's most important alarm, and is reported from here.
 */
import type { Transaction as SdkTransaction } from '@hyperledger/fabric-gateway';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Logger } from 'pino';
import type { Enrolled, LedgerConnection } from '../connect.ts';
import { LedgerFailure, PASSING } from '../ledger-failure.ts';
import { NotTogether } from '../not-together.ts';
import { type Proposed, propose } from '../proposing.ts';
import { collect, type Endorsements, type Plan } from './collect.ts';
import { Refused } from './dissent.ts';
import { joined } from './endorsement.ts';
import { FailureMemory } from './failure-memory.ts';
import { agreedSoon, type Chain, untilAgreed } from './rounds.ts';

export interface EndorserOptions {
  connection: LedgerConnection;
  chain: Chain;
  log: Logger;
  /** After how long without an answer another organisation is asked, where another may endorse. */
  hedgeMs: number;
  /** Called with the MSP ids of those that differ. */
  onDisagreement: (organisations: readonly string[]) => void;
}

/** How long an organisation that failed is asked last. */
const REMEMBERED_MS = 10_000;

export class Endorser {
  readonly #options: EndorserOptions;
  readonly #memory = new FailureMemory(REMEMBERED_MS);

  constructor(options: EndorserOptions) {
    this.#options = options;
  }

  /**
   * The transaction, endorsed and not signed, and the MSP ids of those that endorsed it.
   * @throws {LedgerError} {LedgerFailure} nothing was written. @throws {NotTogether} where `isShared`
   */
  async endorse(
    identity: Enrolled,
    proposed: Proposed,
    { plan, deadline, isShared }: { plan: Plan; deadline: number; isShared: boolean },
  ): Promise<{ transaction: SdkTransaction; endorsers: string[] }> {
    const round = () => this.#round(identity, proposed, { plan, deadline, isShared });
    const { must } = plan;
    const soon = () => agreedSoon(round, { must, chain: this.#options.chain, deadline });
    const endorsements = isShared ? await together(soon) : await this.#agreed(round, proposed, { plan, deadline });
    const transaction = this.#options.connection.gateway(identity).newTransaction(joined(endorsements));
    return { transaction, endorsers: endorsements.map(({ organisation }) => organisation) };
  }

  /** MSP id. */
  failedLately(organisation: string): boolean {
    return this.#memory.has(organisation);
  }

  async #round(
    identity: Enrolled,
    proposed: Proposed,
    { plan, deadline, isShared }: { plan: Plan; deadline: number; isShared: boolean },
  ): Promise<Endorsements> {
    const { connection, hedgeMs } = this.#options;
    return collect(plan, {
      ask: await propose(connection, identity, proposed),
      own: connection.settings.mspId,
      deadline,
      hedgeMs,
      memory: this.#memory,
      retried: isShared ? new Set([...PASSING].filter((kind) => kind !== 'lag')) : PASSING,
      onDissent: (organisation, others, { parts }) => this.#alarm(proposed, [organisation], { others, parts }),
    });
  }

  async #agreed(
    round: () => Promise<Endorsements>,
    proposed: Proposed,
    { plan: { must }, deadline }: { plan: Plan; deadline: number },
  ): Promise<Endorsements> {
    const { name } = proposed;
    const onLoneRefusal = (organisations: readonly string[]) =>
      this.#options.log.warn({ transaction: name, organisations }, 'refused by these alone');
    try {
      return await untilAgreed(round, { must, chain: this.#options.chain, deadline, onLoneRefusal });
    } catch (error) {
      if (error instanceof LedgerFailure && error.kind === 'disagrees') this.#alarm(proposed, error.organisations, {});
      throw error;
    }
  }

  #alarm({ name }: Proposed, organisations: readonly string[], details: object): void {
    this.#options.log.error({ transaction: name, kind: 'disagrees', organisations, ...details }, 'endorsers disagree');
    this.#options.onDisagreement(organisations);
  }
}

/** @throws {NotTogether} for what the content may be the reason of, and so one member's write. */
async function together(agreed: () => Promise<Endorsements>): Promise<Endorsements> {
  try {
    return await agreed();
  } catch (error) {
    if (error instanceof Refused) throw new NotTogether(error.refusal, error.isFinal);
    if (error instanceof LedgerError) throw new NotTogether(error);
    const isOfPeers = error instanceof LedgerFailure && error.kind !== 'lag';
    throw isOfPeers ? error : new NotTogether();
  }
}
