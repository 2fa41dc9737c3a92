/**
 * The access log as AuditEvents (hl7.org/fhir/R4/auditevent.html), made from the ledger: one per access request,
 * as the custodian, the holder and the requestor of it are each entitled to see it.
 */
import { type Account, accountSchema, continuationOf } from '@telemed-ledger/chaincode/model/deliveries.ts';
import { isEmergencyPurpose } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { renewalOf, rootOf } from '@telemed-ledger/chaincode/model/renewals.ts';
import { ACCESS_STEPS, type AccessState, accessStateSchema } from '@telemed-ledger/chaincode/model/transactions.ts';
import { isWaiting } from '@telemed-ledger/chaincode/model/waiting.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Search, StoredResource } from '../../fhir/repository.ts';
import { boundsOf } from '../../fhir/search/dates.ts';
import type { RefusalJournal } from '../../idempotency/refusals.ts';
import { DatabaseLost } from '../../index/health.ts';
import type { Taken } from '../../index/read/access-steps.ts';
import type { PageOptions } from '../../index/read/own-states.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { RESOURCES_PER_VALUE, type StatesTable } from '../../index/schema.ts';
import type { BrokenItems } from '../../operations/broken-items.ts';
import { hasEnded } from '../consents/ends.ts';
import { reviewOf } from '../reviews/reviews.ts';
import { becauseOf, isToldApart } from './because.ts';
import { auditEvent, type Disclosure } from './disclosure.ts';
import { askedBy, patientMeant } from './patient.ts';
import { withoutCounts } from './shown.ts';
import { familyOf, wholeOf } from './whole.ts';

/** Ids of one person's Patients, or of one of them; undefined: everybody's. */
export type Whose = string | readonly string[] | undefined;

/** Which accesses are listed: those of one patient's compartment, of these patients, last updated then; else all. */
export interface Listing extends PageOptions {
  compartment?: Whose;
  patients?: readonly string[] | undefined;
  lastUpdated?: Search['lastUpdated'];
  status?: AccessState['status'] | undefined;
}

export interface DisclosurePage {
  disclosures: Disclosure[];
  /** Where the next page begins; undefined behind the last one. */
  next?: string;
  /** How many are not on this page because they cannot be read. */
  broken: number;
}

/** Candidates that one page looks at: a page may have fewer accesses than it could, and a next one all the same. */
const MOST_CANDIDATES = 2_000;
const STEPS = [...new Set(Object.values(ACCESS_STEPS))];
const PAGE = 100;

export class Disclosures {
  readonly #index: ReadModel;
  readonly #organisation: string;
  /** Which alone holds the requests of all others. */
  readonly #isCustodian: boolean;
  readonly #broken: Pick<BrokenItems, 'report'>;
  readonly #refusals: Pick<RefusalJournal, 'find'>;

  constructor(
    index: ReadModel,
    { name, kind }: Pick<Organisation, 'name' | 'kind'>,
    broken: Pick<BrokenItems, 'report'>,
    refusals: Pick<RefusalJournal, 'find'>,
  ) {
    this.#index = index;
    this.#organisation = name;
    this.#isCustodian = kind === 'custodian';
    this.#broken = broken;
    this.#refusals = refusals;
  }

  /**
   * An access this organisation takes part in; `compartment` limits it to one patient's.
   * @throws {Failure} 503 where nothing of it has arrived here yet
   */
  async find(id: string, compartment?: Whose): Promise<Disclosure | undefined> {
    const disclosure = await this.#known(id);
    if (disclosure === undefined) {
      for (const step of STEPS) await this.#index.undelivered.demandValue(privateKeys.access(id, step));
    }
    return isOf(disclosure?.patient, compartment) ? disclosure : undefined;
  }

  async #known(id: string): Promise<Disclosure | undefined> {
    const row = await this.#index.state('access', id);
    return row === undefined ? undefined : this.#disclosure(row);
  }

  /** Values that are on the ledger and have not arrived here: some may be of accesses. */
  undelivered(): number {
    return this.#index.undelivered.count();
  }

  /** A page of the accesses that this organisation takes part in, oldest first. Skips what cannot be read. */
  async page(listing: Listing): Promise<DisclosurePage> {
    const patients = patientsOf(listing);
    if (patients === undefined) return this.#ownPage(listing);
    return this.#isCustodian ? this.#patientsPage(patients, listing) : this.#decidedPage(patients, listing);
  }

  /** A patient's accesses, oldest first: those that are not decided, or with a block all that stand so from it on. */
  async *since(compartment: string, block?: number): AsyncGenerator<Disclosure> {
    const status = block === undefined ? 'requested' : undefined;
    for (let after: string | undefined; ; ) {
      const page = await this.page({ compartment, status, count: PAGE, after });
      for (const disclosure of page.disclosures) if (disclosure.block >= (block ?? 0)) yield disclosure;
      if (page.next === undefined) return;
      after = page.next;
    }
  }

  async #ownPage({ lastUpdated = [], ...page }: Listing): Promise<DisclosurePage> {
    const { own } = this.#index;
    const found = await (lastUpdated.length === 0
      ? own.page('access', page)
      : own.updated('access', lastUpdated, page));
    const listed = new Listed();
    for (const row of found.rows) await listed.add(row.id, async () => this.#disclosure(row.read()), this.#broken);
    return { ...listed, ...(found.next === undefined ? {} : { next: found.next }) };
  }

  /** By whom they were decided on, which the holder and the requestor are told with the decision. */
  async #decidedPage(
    patients: readonly string[],
    { lastUpdated = [], count, after, status }: Listing,
  ): Promise<DisclosurePage> {
    const listed = new Listed();
    const { rows, next } = await this.#index.own.pageAbout('access', patients, { count, after, status });
    for (const row of rows)
      await listed.add(
        row.id,
        async () => {
          const found = await this.#disclosure(row.read());
          const isMeant = lastUpdated.every((one) => found !== undefined && holds(one, updatedAt(found.state)));
          return isMeant ? found : undefined;
        },
        this.#broken,
      );
    return { ...listed, ...(next === undefined ? {} : { next }) };
  }

  /** By the requests for these patients; which patient a request means is decided for each. */
  async #patientsPage(
    patients: readonly string[],
    { lastUpdated = [], count, after, status }: Listing,
  ): Promise<DisclosurePage> {
    const listed = new Listed();
    const last = placeIn(after);
    let place = last;
    let isMore = patients.length > 0;
    for (let seen = 0; isMore && listed.disclosures.length < count && seen < MOST_CANDIDATES; ) {
      const wanted = count - listed.disclosures.length + 1;
      // What goes on from the request that the page before ended with may be on this one.
      const from = place === last ? place.request - 1 : place.request;
      const found = await this.#index.accesses.requestsFor(patients, { count: wanted + 1, after: String(from) });
      isMore = found.length > wanted;
      for (const { id, collection, sequence } of found.slice(0, wanted)) {
        seen += 1;
        for (const [depth, access] of (await familyOf(id, this.#index)).entries()) {
          if (listed.disclosures.length === count) return { ...listed, next: nameOf(place) };
          const isListed = sequence === last.request && depth <= last.depth;
          const wantedOne = async () => {
            const disclosure = await this.#known(access);
            if (isListed || (status !== undefined && disclosure?.state.status !== status)) return undefined;
            return ofPatient(disclosure, collection, patients, lastUpdated);
          };
          await listed.add(access, wantedOne, this.#broken);
          if (!isListed) place = { request: sequence, depth };
        }
      }
    }
    return { ...listed, ...(isMore ? { next: nameOf(place) } : {}) };
  }

  async read(id: string, compartment?: Whose): Promise<StoredResource | undefined> {
    const disclosure = await this.find(id, compartment);
    return disclosure === undefined ? undefined : this.#stored(disclosure);
  }

  async #disclosure(row: StatesTable): Promise<Disclosure | undefined> {
    const { data: told } = accessStateSchema.safeParse(JSON.parse(row.value));
    if (told === undefined || told.id !== row.id) return undefined;
    const state = await this.#withoutOverCounts(told);
    if (![state.requestor, state.holder, state.custodian].includes(this.#organisation)) return undefined;
    const disclosure: Disclosure = { state, transactionId: row.transaction_id, block: row.block };
    const undelivered = await this.#index.undelivered.ofAccess(state.id, ACCESS_STEPS[state.status]);
    if (undelivered > 0) disclosure.undelivered = undelivered;
    const renewedBy = await this.#renewalOf(state);
    if (renewedBy !== undefined) disclosure.renewedBy = renewedBy;
    const { untold, decided } = await this.#taken(state);
    const continuedBy = await this.#continuationOf(state);
    if (continuedBy !== undefined) disclosure.continuedBy = continuedBy;
    const whole = await wholeOf(state, this.#index);
    if (whole !== undefined) disclosure.whole = whole;
    const account = await this.#account(state);
    if (account !== undefined) disclosure.account = account;
    const pending = await this.#pending(state, untold, { renewedBy, continuedBy });
    if (pending !== undefined) disclosure.pending = pending;
    if (decided !== undefined) disclosure.decided = decided;
    const because = await this.#because(state);
    if (because !== undefined) disclosure.because = because;
    const review = isEmergencyPurpose(state.purpose) ? await reviewOf(this.#index, rootOf(state)) : undefined;
    if (review !== undefined) disclosure.review = review;
    const asked = await askedBy(state, this.#index);
    if (asked !== undefined) disclosure.request = asked.request;
    const { patient = state.patient } = because ?? {};
    const meant = await patientMeant({ holder: state.holder, patient }, asked, this.#index);
    if (meant !== undefined) disclosure.patient = meant;
    return disclosure;
  }

  /** Who asked is told no more who holds what once the consent that let him be told has ended; in her log it stays. */
  async #withoutOverCounts(state: AccessState): Promise<AccessState> {
    const { counts, toldBy, requestor, holder } = state;
    if (counts === undefined || toldBy === undefined || requestor !== this.#organisation) return state;
    return (await hasEnded(this.#index, holder, toldBy)) ? withoutCounts(state) : state;
  }

  /** What a refusal rests on: the holder is told it with the step, and the custodian notes it until it is. */
  async #because(state: AccessState): Promise<Disclosure['because']> {
    if (!isToldApart(state) || state.requestor === this.#organisation) return undefined;
    const care = collections.care(state.holder);
    const told = await this.#index.privateValue(care, privateKeys.access(state.id, ACCESS_STEPS.refused));
    const { data: step } = accessStateSchema.safeParse(told && JSON.parse(told.value));
    if (step?.because !== undefined) return step.because;
    const noted = await this.#refusals.find(state.id);
    return noted && becauseOf(noted);
  }

  /** What may be shown still of what was withdrawn. */
  async #renewalOf({ id, goesOn }: AccessState): Promise<string | undefined> {
    const renewal = renewalOf(id);
    return goesOn === true && (await this.#index.state('access', renewal)) !== undefined ? renewal : undefined;
  }

  /** The part behind it. */
  async #continuationOf({ id, through }: AccessState): Promise<string | undefined> {
    const next = continuationOf(id);
    return through !== undefined && (await this.#index.state('access', next)) !== undefined ? next : undefined;
  }

  /** What was delivered and what was not; not for whoever asked. */
  async #account({ id, requestor, holder }: AccessState): Promise<Account | undefined> {
    if (requestor === this.#organisation) return undefined;
    const value = await this.#index.privateValue(collections.care(holder), privateKeys.account(id));
    return accountSchema.safeParse(value && JSON.parse(value.value)).data;
  }

  /** Copies are to go whose consent has ended, or whose time is over; the holder is told of what was done without it. */
  async #pending(
    state: AccessState,
    untold: readonly number[],
    { renewedBy, continuedBy }: Record<'renewedBy' | 'continuedBy', string | undefined>,
  ): Promise<Disclosure['pending']> {
    if (state.status === 'requested') return this.#pendingDecision(state);
    if (await this.#isOver(state)) return 'purge';
    if (state.goesOn === true && renewedBy === undefined) return 'renewal';
    if (state.through !== undefined && continuedBy === undefined) return 'part';
    return untold.length > 0 ? 'report' : undefined;
  }

  /** Who asked is told the same whether a refusal is noted or not. */
  async #pendingDecision(state: AccessState): Promise<Disclosure['pending']> {
    if (state.custodian === this.#organisation && (await this.#refusals.find(state.id)) !== undefined) return 'refusal';
    return isWaiting(state, new Date().toISOString()) ? 'patient' : 'decision';
  }

  /** Of what is not decided there is nothing to be found. */
  async #taken(state: AccessState): Promise<Taken> {
    return state.status === 'requested' ? { untold: [] } : this.#index.steps.taken(state);
  }

  async #isOver({ id, status, expiresAt }: AccessState): Promise<boolean> {
    if (status !== 'granted') return false;
    const isLate = expiresAt !== undefined && expiresAt <= new Date().toISOString();
    return isLate || (await this.#index.accesses.isOrphaned(id));
  }

  #stored(disclosure: Disclosure): StoredResource {
    const { state, transactionId } = disclosure;
    const version = ACCESS_STEPS[state.status];
    const lastUpdated = updatedAt(state);
    // All of the requestor's see its log.
    const isRequestors = state.requestor === this.#organisation;
    return {
      resource: auditEvent(
        isRequestors ? { ...disclosure, state: withoutCounts(state) } : disclosure,
        version,
        lastUpdated,
      ),
      version,
      lastUpdated,
      author: state.custodian,
      transactionId,
      ...(disclosure.patient === undefined ? {} : { patient: disclosure.patient }),
    };
  }
}

/** Where a page ends: the place of a request in the order of the ledger, and how often what it brought went on since. */
interface Place {
  request: number;
  depth: number;
}

/** Both in one number: requests stand further apart than that. */
function placeIn(after: string | undefined): Place {
  if (after === undefined) return { request: 0, depth: -1 };
  const depth = Number(after) % RESOURCES_PER_VALUE;
  return { request: Number(after) - depth, depth };
}

const nameOf = ({ request, depth }: Place): string => String(request + Math.max(depth, 0));

/** Anybody can put a request into an inbox under an id of others': it counts in its requestor's own. */
function ofPatient(
  disclosure: Disclosure | undefined,
  inbox: string,
  patients: readonly string[],
  lastUpdated: NonNullable<Search['lastUpdated']>,
): Disclosure | undefined {
  if (disclosure?.patient === undefined || !patients.includes(disclosure.patient)) return undefined;
  if (inbox !== collections.inbox(disclosure.state.requestor)) return undefined;
  return lastUpdated.every((condition) => holds(condition, updatedAt(disclosure.state))) ? disclosure : undefined;
}

/** What a page has gathered; an item that cannot be read is reported and counted. */
class Listed {
  readonly disclosures: Disclosure[] = [];
  broken = 0;

  async add(
    id: string,
    read: () => Promise<Disclosure | undefined>,
    reports: Pick<BrokenItems, 'report'>,
  ): Promise<void> {
    try {
      const disclosure = await read();
      if (disclosure !== undefined) this.disclosures.push(disclosure);
    } catch (error) {
      if (error instanceof DatabaseLost) throw error;
      this.broken += 1;
      reports.report('access', id, error);
    }
  }
}

/** Whether something is about one of these Patients. */
export const isOf = (patient: string | null | undefined, whose: Whose): boolean =>
  whose === undefined || (typeof patient === 'string' && [whose].flat().includes(patient));

/** The patients whose accesses are meant; undefined: everybody's. */
export function patientsOf({
  compartment,
  patients,
}: Pick<Listing, 'compartment' | 'patients'>): readonly string[] | undefined {
  if (compartment === undefined) return patients;
  const own = [compartment].flat();
  return patients === undefined ? own : patients.filter((patient) => own.includes(patient));
}

const updatedAt = ({ decidedAt, requestedAt }: AccessState): string => decidedAt ?? requestedAt;

function holds(condition: NonNullable<Search['lastUpdated']>[number], instant: string): boolean {
  return boundsOf(condition).some((all) =>
    all.every((bound) => (bound.operator === '<' ? instant < bound.instant : instant >= bound.instant)),
  );
}
