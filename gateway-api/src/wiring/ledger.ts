/** One gateway's side of the ledger, wired: its peer's connection, the feed into the read model, the client. */
import { collectionsOfMember } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Logger } from 'pino';
import { type Identities, rememberedIdentities } from '../auth/identities.ts';
import type { GatewayConfig } from '../config.ts';
import { faultOf } from '../fhir/validation/faults.ts';
import { demand } from '../index/health.ts';
import { Decoys } from '../index/read/decoys.ts';
import type { Stores } from '../index/schema.ts';
import { Seals } from '../index/seals.ts';
import { making } from '../index/write/making.ts';
import { Projector } from '../index/write/projector.ts';
import { LedgerClient } from '../ledger/client.ts';
import { type Enrolled, LedgerConnection } from '../ledger/connect.ts';
import { Feed } from '../ledger/feed.ts';
import { FeedWatch } from '../ledger/feed-watch.ts';
import { LateData } from '../ledger/late-data.ts';
import type { ChainReader } from '../ledger/whole-chain.ts';
import type { Metrics } from '../operations/metrics.ts';

export interface LedgerSide {
  connection: LedgerConnection;
  systemIdentity: () => Promise<Enrolled>;
  /** What the rows of the read model carry. */
  seals: Seals;
  projector: Projector;
  feed: Feed;
  /** Single blocks of the peer's. */
  chain: ChainReader;
  /** Private data that arrives later than its block. */
  late: LateData;
  ledger: LedgerClient;
  watch: FeedWatch;
}

export interface LedgerSideOptions {
  config: GatewayConfig;
  consortium: Consortium;
  identities: Identities;
  stores: Stores;
  metrics: Metrics;
  log: Logger;
}

/** Connects when the first call is made; the feed runs when it is started. */
export async function ledgerSide(options: LedgerSideOptions): Promise<LedgerSide> {
  const { config, consortium, identities, stores, metrics, log } = options;
  const { organisation, connection: settings } = config;
  const connection = new LedgerConnection(settings, config.timeouts);
  const identityOf = rememberedIdentities(identities);
  const systemIdentity = () => identityOf({ role: 'system' });
  const { privateKey } = await systemIdentity();
  const seals = new Seals(privateKey, making());
  const projector = await Projector.open({
    ...{ db: stores.writing, member: organisation, consortium, seals, judge: faultOf, log },
    onRewrite: () => metrics.keyRewritten(),
    onFaults: (count) => metrics.invalidResources(count),
  });
  const delivered = {
    connection,
    identity: systemIdentity,
    scope: { chaincode: settings.chaincode, collections: collectionsOfMember(consortium, organisation) },
    sink: projector,
    log,
  };
  const feed = new Feed(delivered);
  const late = new LateData(delivered);
  const ledger = new LedgerClient({
    connection,
    identityOf,
    consortium,
    organisation: organisation.name,
    outcomes: feed.outcomes,
    log,
    limits: config.limits,
    known: () => feed.position(),
    mayWrite: () => demand(stores.health),
    onFeedLate: () => feed.reconnect(),
    onDisagreement: (organisations) => metrics.disagreement(organisations),
    observe: (name, outcome, ms) => metrics.transaction(name, outcome, ms),
    decoys: new Decoys(stores.reading).of,
  });
  stores.health.onBack(() => feed.reconnect());
  metrics.watch('gateway_values_missing', 'Private values that the peer has not delivered yet.', projector.lacks);
  metrics.watch('gateway_block', 'Last block in the read model.', () => feed.position());
  metrics.watch('gateway_writes_in_flight', 'Ledger transactions under way.', () => ledger.inFlight);
  metrics.watch('gateway_writes_waiting', 'Ledger transactions that wait for their turn.', () => ledger.waiting);
  return {
    connection,
    chain: delivered,
    systemIdentity,
    seals,
    projector,
    feed,
    late,
    ledger,
    watch: new FeedWatch(feed, ledger, log),
  };
}
