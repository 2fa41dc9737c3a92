/**
 * One organisation's gateway, wired: peer, event feed, read model, FHIR API and the routes beside it, duties. Several
 * can live in one process; each holds only its own organisation's identities and databases.
 */
import { collectionsOfMember } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Request } from 'express';
import type { Logger } from 'pino';
import { callerOf } from './auth/caller.ts';
import { type Identities, rememberedIdentities } from './auth/identities.ts';
import { FairSlots } from './clients/fair-slots.ts';
import type { GatewayConfig } from './config.ts';
import { Duties } from './duties/duties.ts';
import { type Gateway, type GatewayParts, running } from './gateway.ts';
import { BodyBudget } from './http/body-budget.ts';
import { gatewayApp, monitoringApp } from './http/gateway-app.ts';
import { Journal } from './idempotency/journal.ts';
import { IdempotentWrites } from './idempotency/writes.ts';
import { demand } from './index/health.ts';
import { outcomeOf, ReadModel } from './index/read/queries.ts';
import type { Stores } from './index/schema.ts';
import { openStores } from './index/stores.ts';
import { Sweeper } from './index/verification/sweeper.ts';
import { verifyAll } from './index/verification/verify.ts';
import { Projector } from './index/write/projector.ts';
import { isRemoval } from './ledger/block.ts';
import { LedgerClient } from './ledger/client.ts';
import { LedgerConnection } from './ledger/connect.ts';
import { Feed } from './ledger/feed.ts';
import { FeedWatch } from './ledger/feed-watch.ts';
import { LateData } from './ledger/late-data.ts';
import { BrokenItems } from './operations/broken-items.ts';
import { newLog } from './operations/log.ts';
import { Metrics } from './operations/metrics.ts';
import { ReadinessCheck } from './operations/readiness.ts';
import { Disclosures } from './subjects/access/disclosures.ts';
import { recordGroups } from './subjects/records/groups.ts';
import { Records } from './subjects/records/records.ts';
import type { Services } from './subjects/services.ts';
import { DUTIES, OPERATIONS, ROUTES, WRITERS } from './subjects/table.ts';

export interface GatewayDeps {
  consortium: Consortium;
  identities: Identities;
  /** By default one on standard output, level info. */
  log?: Logger;
}

/** Opens the databases and wires one gateway; nothing runs before `listen`. */
export async function createGateway(config: GatewayConfig, deps: GatewayDeps): Promise<Gateway> {
  const log = deps.log ?? newLog(config.organisation.name, 'info');
  const stores = await openStores(config, log);
  try {
    return running(config, await wire(config, deps, stores, log), log);
  } catch (error) {
    await stores.close();
    throw error;
  }
}

async function wire(config: GatewayConfig, deps: GatewayDeps, stores: Stores, log: Logger): Promise<GatewayParts> {
  const { organisation, connection: settings, tokens } = config;
  const { consortium } = deps;
  const metrics = new Metrics(
    organisation.name,
    consortium.organisations.map(({ mspId }) => mspId),
  );
  const connection = new LedgerConnection(settings, config.timeouts);
  const identityOf = rememberedIdentities(deps.identities);
  const projector = await Projector.open(stores.writing, organisation, log);
  const delivered = {
    connection,
    identity: () => identityOf({ role: 'system' }),
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
  });
  const onIntegrityFailure = () => metrics.integrityFailure();
  const index = new ReadModel({
    db: stores.reading,
    consortium,
    organisation: organisation.name,
    log,
    onIntegrityFailure,
    undelivered: { lacks: projector.lacks, retryAfterSeconds: () => late.retryAfterSeconds() },
  });
  const { inFlightWrites, budgetMs } = config.limits;
  const groups = recordGroups(ledger, {
    limits: { ...config.groups, writes: inFlightWrites, budgetMs },
    onGroup: (writes, items) => metrics.group(writes, items),
  });
  const journal = new Journal(stores.journal, stores.journalLazily);
  const anchorsOf = async (entries: { collection: string; key: string }[]): Promise<string[]> =>
    (await ledger.evaluate('GetAnchors', { entries })).hashes;
  const sweeper = new Sweeper((stop) => verifyAll(stores.reading, anchorsOf, stop), log, config.verifyIntervalMs);
  const reads = new FairSlots({
    all: config.clients.reads,
    client: Math.ceil(config.clients.reads * 0.75),
    waitMs: budgetMs,
  });
  const broken = new BrokenItems({ log, count: (kind) => metrics.brokenItem(kind) });
  const services: Services = {
    organisation,
    consortium,
    channel: settings.channel,
    index,
    ledger,
    groups,
    idempotent: new IdempotentWrites({
      journal,
      outcomeOf: async (id) => {
        const row = await index.transaction(id);
        return row && outcomeOf(row);
      },
      resolve: (signed, as) => ledger.resolve(signed, as),
    }),
    disclosures: new Disclosures(index, consortium, organisation.name, broken),
    broken,
    reads,
    metrics,
    sweeper,
    readiness: new ReadinessCheck(ledger, feed, stores.health, consortium, organisation.name, log, projector.lacks),
  };
  const duties = new Duties({ duties: DUTIES, services, log, intervalMs: config.dutyIntervalMs });
  stores.health.onBack(() => feed.reconnect());
  feed.on('block', (block) => {
    const removes = block.transactions.some(({ privateWrites }) => privateWrites.some((write) => isRemoval(write)));
    if (removes) index.forgetKnown();
    duties.sees(block);
    late.sees(block);
  });
  late.on('block', (block) => duties.sees(block));
  metrics.watch('gateway_values_missing', 'Private values that the peer has not delivered yet.', projector.lacks);
  metrics.watch('gateway_block', 'Last block in the read model.', () => feed.position());
  metrics.watch('gateway_writes_in_flight', 'Ledger transactions under way.', () => ledger.inFlight);
  metrics.watch('gateway_writes_waiting', 'Ledger transactions that wait for their turn.', () => ledger.waiting);
  metrics.watch('gateway_reads_waiting', 'Reads that wait for their turn.', () => reads.waiting);
  metrics.watch('gateway_record_writes', 'Writes of records that wait or are under way.', () => groups.writes);
  const repository = new Records(services, WRITERS);
  const budget = new BodyBudget(config.bodies, (limit) => metrics.refusal(limit));
  metrics.watch('gateway_body_bytes', 'Memory that request bodies under way take.', () => budget.bytes);
  const clientOf = (request: Request) => callerOf(request.res!).subject;
  const { clients, trustedProxies } = config;
  const served = { services, routes: ROUTES, bodies: { limit: config.bodyBytes, budget, clientOf }, log };
  const blocks = {
    position: () => feed.position(),
    last: () => Math.max(feed.position(), ledger.lastWritten),
    until: (block: number, deadline: number) => feed.until(block, deadline),
  };
  const limits = { clients, trustedProxies, budgetMs };
  const app = gatewayApp({ ...served, ...limits, blocks, repository, operations: OPERATIONS, tokens });
  const monitoring = monitoringApp(served);
  const watch = new FeedWatch(feed, ledger, log);
  return {
    app,
    monitoring,
    connection,
    ledger,
    feed,
    late,
    watch,
    duties,
    sweeper,
    readiness: services.readiness,
    journal,
    groups,
    stores,
    metrics,
  };
}
