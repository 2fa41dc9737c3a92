/**
 * The AuditEvents of an organisation, newest first: accesses and what was taken back of them, erasures, every read here and, at the
 * custodian, at all members, and what a patient said. Each is made when it is read: nothing of it is stored as such.
 */
import { type Consortium, custodianOf, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Search, SearchPage, StoredResource } from '../fhir/repository.ts';
import { boundsOf } from '../fhir/search/dates.ts';
import { hasEventValue } from '../fhir/search-parameters.ts';
import { DatabaseLost } from '../index/health.ts';
import type { ReadModel } from '../index/read/queries.ts';
import type { ErasuresTable } from '../index/schema.ts';
import type { BrokenItems } from '../operations/broken-items.ts';
import { type Disclosures, isOf, patientsOf, type Whose } from './access/disclosures.ts';
import { eventOf } from './erasures/events.ts';
import { accessesOf, ownAccesses } from './log/accesses.ts';
import { type Actor, CONSENT, consentEvent, consentsOf } from './log/consents.ts';
import { CORRECTION, correctionsIn, foundCorrection } from './log/corrections.ts';
import { KEY, keyEventNamed, keysOf } from './log/keys.ts';
import { PURGED, purgeEvent } from './log/purge-event.ts';
import { placeOfRead } from './log/read-event.ts';
import type { ReadEvents } from './log/read-events.ts';
import { foundRestriction, RESTRICTION, restrictionsOf } from './log/restrictions.ts';
import { type Happening, pageOf, type Source } from './log/timeline.ts';

export interface AuditEventsOptions {
  disclosures: Pick<Disclosures, 'read' | 'find' | 'undelivered'>;
  index: ReadModel;
  reads: Pick<ReadEvents, 'source' | 'find'>;
  actorOf(act: string): Promise<Actor | undefined>;
  consortium: Consortium;
  /** Name of this gateway's. */
  organisation: string;
  broken: Pick<BrokenItems, 'report'>;
}

const PAGE = 50;
/** A total beyond this is not counted. */
const MOST_COUNTED = 2_000;

export class AuditEvents {
  readonly #options: AuditEventsOptions;

  constructor(options: AuditEventsOptions) {
    this.#options = options;
  }

  get #custodian(): string {
    return custodianOf(this.#options.consortium).name;
  }

  /** `compartment` limits it to one patient's. @throws {Failure} 503 as Disclosures.read */
  async read(id: string, compartment?: Whose): Promise<StoredResource | undefined> {
    const found = await this.#read(id);
    return found !== undefined && isOf(found.patient, compartment) ? found : undefined;
  }

  async #read(id: string): Promise<StoredResource | undefined> {
    const { index, disclosures, reads } = this.#options;
    const read = placeOfRead(id);
    if (read !== undefined) return reads.find(read);
    if (id.startsWith(CORRECTION)) return foundCorrection(id.slice(CORRECTION.length), this.#correctionOptions);
    if (id.startsWith(RESTRICTION)) return foundRestriction(id.slice(RESTRICTION.length), this.#consentOptions);
    if (id.startsWith(CONSENT)) return this.#consent(id.slice(CONSENT.length));
    if (id.startsWith(KEY)) return keyEventNamed(id.slice(KEY.length), this.#keyOptions);
    if (id.endsWith(PURGED)) return this.#purge(id.slice(0, -PURGED.length));
    const erasure = await index.erasures.find(id);
    return erasure === undefined ? disclosures.read(id) : this.#eventOf(erasure);
  }

  async #consent(named: string): Promise<StoredResource | undefined> {
    const at = named.lastIndexOf('.');
    const [id, version] = [named.slice(0, at), Number(named.slice(at + 1))];
    const { versions } = await this.#options.index.versions('Consent', id);
    const found = versions.find((one) => one.version === version);
    return found && consentEvent(found, this.#consentOptions);
  }

  async #purge(access: string): Promise<StoredResource | undefined> {
    const { disclosures } = this.#options;
    const found = await disclosures.find(access);
    const event = found?.state.purgedAt === undefined ? undefined : await disclosures.read(access);
    return event && found && purgeEvent(event, found.state);
  }

  /** Newest first. Searchable by all that fhir/search-parameters.ts has of AuditEvents. */
  async search(search: Search, compartment?: Whose): Promise<SearchPage> {
    const lacks = this.#options.disclosures.undelivered();
    const page = await (search.ids === undefined
      ? this.#searched(search, compartment)
      : this.#byIds(search, search.ids, compartment));
    return lacks === 0 ? page : { ...page, undelivered: lacks };
  }

  async #searched(search: Search, compartment: Whose): Promise<SearchPage> {
    const { after, isTotalAlone, recorded = [] } = search;
    const patients = patientsOf({ patients: search.patients, compartment });
    const sources = patients === undefined ? this.#everything() : this.#about(patients);
    const isMeant = ({ patient }: StoredResource) => patients === undefined || patients.includes(patient ?? '');
    const { matches, next, broken } = await pageOf(sources, {
      count: isTotalAlone === true ? MOST_COUNTED : search.count,
      after,
      isAt: (at) => recorded.every((condition) => isHeld(condition, at)),
      since: floorOf(recorded),
      isWanted: (found) => isMeant(found) && isFound(found, search),
      onBroken: (error, id) => this.#onBroken(error, id),
    });
    return {
      matches: isTotalAlone === true ? matches.slice(0, 1) : matches,
      ...(after === undefined && next === undefined ? { total: matches.length } : {}),
      ...(next === undefined ? {} : { next }),
      ...(broken === 0 ? {} : { broken }),
    };
  }

  /** Ids are few: all of them are looked up, and then paged. */
  async #byIds(search: Search, ids: string[], compartment: Whose): Promise<SearchPage> {
    const patients = patientsOf({ patients: search.patients, compartment });
    const all: StoredResource[] = [];
    let broken = 0;
    for (const id of new Set(ids)) {
      try {
        const found = await this.read(id, compartment);
        if (found !== undefined && (patients === undefined || patients.includes(found.patient ?? ''))) all.push(found);
      } catch (error) {
        if (!this.#onBroken(error, id)) throw error;
        broken += 1;
      }
    }
    const matches = all.filter((found) => isFound(found, search) && isRecorded(found, search));
    matches.sort((one, other) => (recordedOf(one) < recordedOf(other) ? 1 : -1));
    const start = Number(search.after ?? 0);
    const end = start + search.count;
    return {
      ...{ matches: matches.slice(start, end), total: matches.length },
      ...(end < matches.length ? { next: String(end) } : {}),
      ...(broken === 0 ? {} : { broken }),
    };
  }

  #everything(): Record<string, Source> {
    return {
      access: ownAccesses(this.#accesses),
      erasure: this.#erasures(undefined),
      correction: correctionsIn(undefined, this.#correctionOptions),
      read: this.#options.reads.source({}),
    };
  }

  /** What is found by a patient: all of it, each list by an index of its own. */
  #about(patients: readonly string[]): Record<string, Source> {
    const { reads } = this.#options;
    return {
      ...{ access: accessesOf(patients, this.#accesses), erasure: this.#erasures(patients) },
      consent: consentsOf(patients, this.#consentOptions),
      key: keysOf(patients, this.#keyOptions),
      correction: correctionsIn(patients, this.#correctionOptions),
      restriction: restrictionsOf(patients, this.#consentOptions),
      ...Object.fromEntries(patients.map((patient) => [`read ${patient}`, reads.source({ patient })])),
    };
  }

  get #accesses() {
    const { index, disclosures, organisation } = this.#options;
    return { index, isCustodian: organisation === this.#custodian, read: (id: string) => disclosures.read(id) };
  }

  get #correctionOptions() {
    const { index, consortium, organisation } = this.#options;
    const kind = organisationByName(consortium, organisation)?.kind ?? 'bank';
    return { index, consortium, organisation: { name: organisation, kind } };
  }

  get #consentOptions() {
    const { index, actorOf } = this.#options;
    return { index, actorOf, custodian: this.#custodian };
  }

  get #keyOptions() {
    const { index, consortium } = this.#options;
    return { index, consortium, custodian: this.#custodian };
  }

  #erasures(patients: readonly string[] | undefined): Source {
    const { erasures } = this.#options.index;
    const eventOf = (one: ErasuresTable) => this.#eventOf(one);
    return async function* (behind): AsyncGenerator<Happening> {
      for (let last = behind as number | undefined; ; ) {
        const rows = await erasures.latest(patients, { count: PAGE, behind: last });
        for (const row of rows) {
          last = Number(row.sequence);
          yield { at: row.marked_at, position: last, read: async () => eventOf(row) };
        }
        if (rows.length < PAGE) return;
      }
    };
  }

  #eventOf(erasure: ErasuresTable): StoredResource {
    const { patient } = erasure;
    return { ...eventOf(erasure, this.#options.consortium), ...(patient === null ? {} : { patient }) };
  }

  #onBroken(error: unknown, id = 'an event'): boolean {
    if (error instanceof DatabaseLost) return false;
    this.#options.broken.report('access', id, error);
    return true;
  }
}

type Condition = NonNullable<Search['lastUpdated']>[number];

const isHeld = (condition: Condition, instant: string): boolean =>
  boundsOf(condition).some((all) =>
    all.every((bound) => (bound.operator === '<' ? instant < bound.instant : instant >= bound.instant)),
  );

const recordedOf = ({ resource }: StoredResource): string => String(resource['recorded']);
const isRecorded = (found: StoredResource, { recorded = [] }: Search): boolean =>
  recorded.every((condition) => isHeld(condition, recordedOf(found)));

const isFound = (
  { resource, lastUpdated: updated }: StoredResource,
  { lastUpdated = [], values = [] }: Search,
): boolean =>
  lastUpdated.every((condition) => isHeld(condition, updated)) && values.every((one) => hasEventValue(resource, one));

/** What is older is looked for by none of the conditions; undefined where there is no such time. */
function floorOf(conditions: readonly Condition[]): string | undefined {
  const floors = conditions.flatMap((condition) => {
    const alternatives = boundsOf(condition);
    const bounds = alternatives.length === 1 ? alternatives[0]! : [];
    return bounds.flatMap(({ operator, instant }) => (operator === '<' ? [] : [instant]));
  });
  return floors.sort().at(-1);
}
