/**
 * What the gateway counts, for Prometheus. Labels are routes, transaction names and outcomes: never an id, never
 * anything of a patient.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Limits that requests are refused by, by whose they are. */
export type Limit = 'client-requests' | 'client-rate' | 'client-bodies' | 'all-bodies' | 'address';

export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Histogram;
  readonly #transactions: Histogram;
  readonly #groupWrites: Histogram;
  readonly #groupRecords: Histogram;
  readonly #accessGroups: Histogram;
  readonly #claimGroups: Histogram;
  readonly #groupsApart: Counter;
  readonly #integrity: Counter;
  readonly #rewrites: Counter;
  readonly #invalid: Counter;
  readonly #refusals: Counter;
  readonly #disagreements: Counter;
  readonly #broken: Counter;
  readonly #eventLoop: Histogram;

  /** `members`: the MSP ids of the consortium. */
  constructor(organisation: string, members: readonly string[]) {
    const registers = [this.registry];
    this.registry.setDefaultLabels({ organisation });
    this.#requests = new Histogram({
      name: 'gateway_request_seconds',
      help: 'HTTP requests by method, route and status.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    });
    this.#transactions = new Histogram({
      name: 'gateway_transaction_seconds',
      help: 'Ledger transactions by name and outcome, from endorsement until readable.',
      labelNames: ['transaction', 'outcome'],
      buckets: [0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    });
    const sizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000];
    this.#groupWrites = new Histogram({
      name: 'gateway_group_writes',
      help: 'Writes of callers that were sent in one ledger transaction.',
      buckets: sizes,
      registers,
    });
    this.#groupRecords = new Histogram({
      name: 'gateway_group_records',
      help: 'Records that were sent in one ledger transaction.',
      buckets: sizes,
      registers,
    });
    this.#accessGroups = new Histogram({
      name: 'gateway_access_group_size',
      help: 'Requests for access, or decisions about them, that were sent in one ledger transaction.',
      labelNames: ['transaction'],
      buckets: [1, 2, 4, 8, 16, 32, 64],
      registers,
    });
    this.#claimGroups = new Histogram({
      name: 'gateway_claim_group_size',
      help: 'Claims that were submitted, screened or decided in one ledger transaction.',
      labelNames: ['transaction'],
      buckets: [1, 2, 4, 8, 16, 32, 64],
      registers,
    });
    this.#groupsApart = new Counter({
      name: 'gateway_groups_apart_total',
      help: 'Groups of several writes that the ledger did not take and that were sent again apart, by what one was refused for.',
      labelNames: ['refusal'],
      registers,
    });
    this.#refusals = new Counter({
      name: 'gateway_refusals_total',
      help: 'Requests that were refused by a limit: of one client, of one address, or of all together.',
      labelNames: ['limit'],
      registers,
    });
    this.#eventLoop = new Histogram({
      name: 'gateway_event_loop_delay_seconds',
      help: 'How late a timer of 20 ms came: what held the event loop, and nobody was served meanwhile.',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    });
    this.#broken = new Counter({
      name: 'gateway_broken_items_total',
      help: 'Items of lists and duties that were left out because they cannot be read, each once, by what they are.',
      labelNames: ['kind'],
      registers,
    });
    this.#integrity = new Counter({
      name: 'gateway_integrity_failures_total',
      help: 'Stored contents that failed the check against their anchor when read.',
      registers,
    });
    this.#rewrites = new Counter({
      name: 'gateway_rewrites_total',
      help: 'Private keys that were written a second time, in whichever collection: the work of changed chaincode.',
      registers,
    });
    this.#invalid = new Counter({
      name: 'gateway_invalid_resources_total',
      help: 'Versions of resources that other organisations wrote and that are not shown because they are not valid FHIR R4.',
      registers,
    });
    this.#disagreements = new Counter({
      name: 'gateway_disagreements_total',
      help: 'Transactions of which a member computed another result than others, on equal reads, by member.',
      labelNames: ['member'],
      registers,
    });
    // An increase is seen by Prometheus only where there was a value before.
    for (const member of members) this.#disagreements.inc({ member }, 0);
  }

  request(method: string, route: string, status: number, milliseconds: number): void {
    this.#requests.observe({ method, route, status: String(status) }, milliseconds / 1000);
  }

  transaction(transaction: string, outcome: string, milliseconds: number): void {
    this.#transactions.observe({ transaction, outcome }, milliseconds / 1000);
  }

  group(writes: number, records: number): void {
    this.#groupWrites.observe(writes);
    this.#groupRecords.observe(records);
  }

  accessGroup(transaction: 'request' | 'decision', accesses: number): void {
    this.#accessGroups.observe({ transaction }, accesses);
  }

  claimGroup(transaction: 'submission' | 'screening' | 'adjudication', claims: number): void {
    this.#claimGroups.observe({ transaction }, claims);
  }

  /** `refusal`: a LedgerError's code; undefined where no write was named. */
  groupApart(refusal: string | undefined): void {
    this.#groupsApart.inc({ refusal: refusal ?? 'none' });
  }

  /** `limit` names what was used up. */
  refusal(limit: Limit): void {
    this.#refusals.inc({ limit });
  }

  /** MSP ids of those whose results differ. */
  disagreement(members: readonly string[]): void {
    for (const member of members) this.#disagreements.inc({ member });
  }

  eventLoopDelay(seconds: number): void {
    this.#eventLoop.observe(seconds);
  }

  keyRewritten(): void {
    this.#rewrites.inc();
  }

  invalidResources(count: number): void {
    this.#invalid.inc(count);
  }

  brokenItem(kind: string): void {
    this.#broken.inc({ kind });
  }

  integrityFailure(): void {
    this.#integrity.inc();
  }

  /** A value that is read when the metrics are. */
  watch(name: string, help: string, read: () => number | Promise<number>): void {
    const collect = async () => gauge.set(await read());
    const gauge: Gauge = new Gauge({ name, help, registers: [this.registry], collect });
  }
}
