/** What the subjects of one gateway work with, wired on its side of the ledger. */
import type { ErrorCode } from '@telemed-ledger/chaincode/model/errors.ts';
import { onlyPurposeOf } from '@telemed-ledger/chaincode/model/purposes.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Logger } from 'pino';
import { keysOf } from '../auth/tokens.ts';
import { FairSlots } from '../clients/fair-slots.ts';
import type { GatewayConfig } from '../config.ts';
import { ErasureJournal } from '../idempotency/erasures.ts';
import { HealthLinkJournal } from '../idempotency/health-links.ts';
import { Journal } from '../idempotency/journal.ts';
import { RequestJournal } from '../idempotency/kept-requests.ts';
import { RefusalJournal } from '../idempotency/refusals.ts';
import { SubscriptionJournal } from '../idempotency/subscriptions.ts';
import { WishJournal } from '../idempotency/wishes.ts';
import { IdempotentWrites } from '../idempotency/writes.ts';
import { outcomeOf } from '../index/read/outcome.ts';
import { ReadModel } from '../index/read/queries.ts';
import { RecordsSince } from '../index/read/records-since.ts';
import type { Stores } from '../index/schema.ts';
import { Sweeper } from '../index/verification/sweeper.ts';
import { evidenceAt, orderersAt, writesAt } from '../ledger/whole-chain.ts';
import type { AuthorizationServer } from '../oauth/server.ts';
import { BrokenItems } from '../operations/broken-items.ts';
import type { Metrics } from '../operations/metrics.ts';
import { ReadinessCheck } from '../operations/readiness.ts';
import { Changes } from '../subjects/access/changes.ts';
import { Disclosures } from '../subjects/access/disclosures.ts';
import { shown } from '../subjects/access/shown.ts';
import { AccessStreams } from '../subjects/access/streams.ts';
import { accessGroups } from '../subjects/access/together.ts';
import { Undecided } from '../subjects/access/undecided.ts';
import { AccessWaits } from '../subjects/access/waits.ts';
import { AsyncRequests } from '../subjects/asynchronous/requests.ts';
import { AuditEvents } from '../subjects/audit-events.ts';
import { KeptRequests } from '../subjects/authorizations/kept.ts';
import { ask, endorserOf, saltsOf } from '../subjects/authorizations/requests.ts';
import { BulkExports } from '../subjects/bulk/exports.ts';
import { DeskJournal } from '../subjects/claims/desk-journal.ts';
import { claimGroups } from '../subjects/claims/together.ts';
import { Wishes } from '../subjects/consents/wishes.ts';
import { Contents } from '../subjects/contents/contents.ts';
import { contentsFrom } from '../subjects/contents/sources.ts';
import { ErasureRequests } from '../subjects/erasures/requests.ts';
import { CardKey } from '../subjects/health-cards/card-key.ts';
import { HealthLinks } from '../subjects/health-links/links.ts';
import { LinkCodes } from '../subjects/links/codes.ts';
import { ReadEvents } from '../subjects/log/read-events.ts';
import { keyNotices } from '../subjects/patient-keys/notices.ts';
import { watchPayments } from '../subjects/payments/overview.ts';
import { LogAnchors } from '../subjects/reads/anchors.ts';
import { ReadLog } from '../subjects/reads/read-log.ts';
import { termsOf } from '../subjects/reads/routes.ts';
import { Witness } from '../subjects/receipts/witness.ts';
import { recordGroups } from '../subjects/records/groups.ts';
import { licenceNaming } from '../subjects/registers/licence-shown.ts';
import { licenceGroups } from '../subjects/registers/together.ts';
import type { Services } from '../subjects/services.ts';
import { isClaimFor, isClaimForSince } from '../subjects/subscriptions/claims-for.ts';
import { Subscriptions } from '../subjects/subscriptions/subscriptions.ts';
import type { JoinLinks } from '../subjects/visits/join-links.ts';
import type { LedgerSide } from './ledger.ts';
import { comparisons, withReads } from './verification.ts';

export interface ServicesOptions {
  config: GatewayConfig;
  consortium: Consortium;
  side: LedgerSide;
  stores: Stores;
  metrics: Metrics;
  log: Logger;
  authorization?: AuthorizationServer;
  joinLinks: JoinLinks;
}

/** The services, with what of them runs by itself. */
export interface WiredServices {
  services: Services;
  /** Journals of which what is over is forgotten after a while. */
  journals: readonly Pick<Journal, 'prune'>[];
  sweeper: Sweeper;
}

/** How much of all reads one client may have under way. */
const DAY_MS = 24 * 3_600_000;
const READS_OF_ONE = 0.75;
/** Requests for access of one holder's of which is found out at once what becomes of them: each may hold much of its evidence. */
const EVALUATIONS = 16;
/** They wait for each other, and for nobody who might be away. */
const EVALUATION_WAIT_MS = 600_000;

export function wiredServices({
  config,
  consortium,
  side,
  stores,
  metrics,
  log,
  ...more
}: ServicesOptions): WiredServices {
  const { organisation, limits } = config;
  const { ledger, feed, late, projector, seals } = side;
  const index = new ReadModel({
    db: stores.reading,
    seals,
    consortium,
    organisation: organisation.name,
    log,
    onIntegrityFailure: () => metrics.integrityFailure(),
    undelivered: {
      lacks: projector.lacks,
      faults: projector.faults,
      retryAfterSeconds: () => late.retryAfterSeconds(),
    },
  });
  const licenceOf = (practitioner: string) => licenceNaming(index, { organisation: organisation.name, practitioner });
  const onApart = (refusal: ErrorCode | undefined) => metrics.groupApart(refusal);
  const groups = recordGroups(ledger, licenceOf, {
    limits: { ...config.groups, writes: limits.inFlightWrites, budgetMs: limits.budgetMs },
    onGroup: (writes, items) => metrics.group(writes, items),
    onApart,
  });
  const ofGateway = { writes: limits.inFlightWrites, budgetMs: limits.budgetMs };
  const claimWrites = claimGroups(ledger, ofGateway, {
    onGroup: (transaction, count) => metrics.claimGroup(transaction, count),
    onApart,
  });
  const accesses = accessGroups(ledger, ofGateway, {
    onGroup: (transaction, count) => metrics.accessGroup(transaction, count),
    onApart,
  });
  const licenceWrites = licenceGroups({ index, ledger }, ofGateway, onApart);
  const evaluations = new FairSlots({ all: Number.POSITIVE_INFINITY, client: EVALUATIONS, waitMs: EVALUATION_WAIT_MS });
  const { reads: all } = config.clients;
  const reads = new FairSlots({ all, client: Math.ceil(all * READS_OF_ONE), waitMs: limits.budgetMs });
  const exports = new FairSlots({ all: config.clients.exports, client: 1, waitMs: 0 });
  const decisions = new FairSlots({ all: limits.inFlightWrites, client: 1, waitMs: limits.budgetMs });
  const journal = new Journal(stores.journal, stores.journalLazily);
  const idempotent = new IdempotentWrites({
    journal,
    outcomeOf: async (id) => {
      const row = await index.transaction(id);
      return row && outcomeOf(row);
    },
    resolve: (signed, as) => ledger.resolve(signed, as),
  });
  const wishJournal = new WishJournal(stores.journal, stores.journalLazily);
  const wishes = new Wishes({ index, ledger, consortium, journal, wishes: wishJournal, log });
  const requestJournal = new RequestJournal(stores.journal, stores.journalLazily);
  const asking = { index, ledger, organisation, consortium };
  const keptRequests = new KeptRequests({
    ...{ requests: requestJournal, consortium, ledger, log },
    ask: (request, sending) => ask(asking, request, sending),
    endorserOf: (request) => endorserOf(asking, request),
    saltsOf: (id) => saltsOf(asking, id),
  });
  const readLog = new ReadLog(stores.journal, stores.journalLazily, { keptMs: config.readLogDays * DAY_MS });
  const anchors = new LogAnchors({
    ...{ index, ledger, readLog, journal: stores.journal, consortium, organisation: organisation.name },
    everyMs: config.logAnchorEveryMs,
  });
  const compared = withReads(comparisons(config, consortium, side), readLog, anchors);
  const sweeper = new Sweeper(compared, log, config.verifyIntervalMs);
  const broken = new BrokenItems({ log, count: (kind) => metrics.brokenItem(kind) });
  const changes = new Changes(index.delivered, () => index.undelivered.count());
  const { own, concerned } = index;
  const undecided = new Undecided({ own, accesses: index.accesses, concerned, lacks: () => index.undelivered.count() });
  const refusals = new RefusalJournal(stores.journal, stores.journalLazily);
  const { refusalsEveryMs } = config;
  const disclosures = new Disclosures(index, organisation, broken, refusals);
  const accessStreams = new AccessStreams({
    find: (access) => disclosures.find(access),
    of: (patient, since) => disclosures.since(patient, since),
    shown,
    ...(organisation.kind === 'custodian' ? { keys: keyNotices(index, consortium) } : {}),
  });
  const accessWaits = new AccessWaits();
  metrics.watch('gateway_access_waits', 'Callers who wait for what becomes of an access.', () => accessWaits.open);
  metrics.watch('gateway_access_streams', 'Streams of events to patients.', () => accessStreams.open);
  const where = { organisation: organisation.name, isCustodian: organisation.kind === 'custodian' };
  const reading = new ReadEvents({
    ...{ readLog, index, ...where, termsOf: (access) => termsOf(access, index) },
    purposeAt: (name) => onlyPurposeOf(organisationByName(consortium, name)?.kind),
  });
  const actorOf = (act: string) => readLog.actor(act);
  const auditEvents = new AuditEvents({ disclosures, index, reads: reading, actorOf, consortium, broken, ...where });
  const recordsSince = new RecordsSince(stores.reading, collections.inbox(organisation.name));
  const subscriptions = new Subscriptions({
    ...{ journal: new SubscriptionJournal(stores.journal), hosts: config.subscriptionHosts },
    ...{ retryMs: config.subscriptionRetryMs, organisation: organisation.name },
    position: () => feed.position(),
    find: (access) => disclosures.find(access),
    of: (patient, since) => disclosures.since(patient, since),
    isOwnSince: (block) => index.accesses.isOwnSince(block),
    isOwnClaim: async (id) => ((await index.state('claim', id)) ?? (await index.state('authorization', id)))?.own === 1,
    isRecordSince: (search, since) => recordsSince.any(search, since),
    recordsSince: (search, of) => recordsSince.found(search, of),
    isOwnClaimSince: (block) => index.own.isSince(['claim', 'authorization'], block),
    isClaimFor: (patient, id) => isClaimFor(index, patient, id),
    isClaimForSince: (patient, block) => isClaimForSince(index, patient, block),
  });
  const erasureJournal = new ErasureJournal(stores.journal, stores.journalLazily);
  const erasures = new ErasureRequests({ index, ledger, organisation, consortium, journal: erasureJournal, log });
  const { name } = organisation;
  const issuerKeys = keysOf(config.tokens);
  const readiness = new ReadinessCheck(ledger, feed, stores.health, consortium, name, log, projector.lacks, () =>
    issuerKeys.problem(),
  );
  const differences = 'Differences between read model and ledger in the last comparison.';
  metrics.watch('gateway_verification_differences', differences, sweeper.differences);
  metrics.watch('gateway_reads_waiting', 'Reads that wait for their turn.', () => reads.waiting);
  metrics.watch('gateway_record_writes', 'Writes of records that wait or are under way.', () => groups.writes);
  metrics.watch('gateway_waiting_requests', 'Requests for access that wait for the patient.', () => undecided.waiting);
  metrics.watch('gateway_pending_wishes', 'Changes of consents that lack an endorser.', () => wishes.pending);
  const pendingRequests = 'Requests for authorization that lack an endorser.';
  metrics.watch('gateway_pending_authorizations', pendingRequests, () => keptRequests.pending);
  metrics.watch('gateway_pending_erasures', 'Erasures that wait for their mark.', () => erasures.waiting);
  watchPayments(metrics, { index, organisation });
  const { channel } = config.connection;
  const witness = new Witness({
    ...{ directory: config.witnessDir, organisation, channel, index, identity: side.systemIdentity },
  });
  const made = {
    index,
    ledger,
    groups,
    accessGroups: accesses,
    claimGroups: claimWrites,
    licenceGroups: licenceWrites,
    evaluations,
    idempotent,
    disclosures,
    auditEvents,
    readLog,
    logAnchors: anchors,
    changes,
    refusals,
    refusalsEveryMs,
    undecided,
    accessStreams,
    accessWaits,
    desk: new DeskJournal(stores.journal),
    linkCodes: new LinkCodes(stores.journal),
    contents: new Contents(stores.journal, contentsFrom(config.contentSources)),
    asyncRequests: new AsyncRequests(stores.journal, log),
    bulkExports: new BulkExports(stores.journal),
    subscriptions,
    // The gateway that runs the duties says how.
    wakeSubscribers: () => undefined,
    wishes,
    keptRequests,
    erasures,
    broken,
    reads,
    exports,
    decisions,
    x12Parties: config.x12Parties,
    metrics,
    sweeper,
    readiness,
    log,
    witness,
    cardKey: new CardKey(config.witnessDir),
    healthLinks: new HealthLinks(new HealthLinkJournal(stores.journal)),
    ...more,
    issuerKeys,
    systemIdentity: side.systemIdentity,
    checkpointEveryMs: config.checkpointEveryMs,
    remindHours: config.remindHours,
    writesOf: (block: number, position: number) => writesAt(side.chain, block, position),
    evidenceOf: (block: number, position: number) => evidenceAt(side.chain, block, position),
    orderersAt: (block: number) => orderersAt(side.chain, block),
  };
  const journals = [journal, wishJournal, requestJournal];
  return { services: { organisation, consortium, channel, ...made }, journals, sweeper };
}
