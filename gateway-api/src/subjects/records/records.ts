/**
 * The FHIR room's Repository: reads the read model as far as the caller may see, and writes by the one ledger
 * transaction that a write is at this kind of organisation. What a provider writes is in groups.ts.
 */

import { companionTypes } from '@telemed-ledger/chaincode/model/companions.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { organisationNameOf } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { Draft, TransactionName } from '@telemed-ledger/chaincode/model/transactions.ts';
import { type Kind, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../../auth/caller.ts';
import { demandCaller, mayCall, sightOf } from '../../auth/entitlement.ts';
import type { Act } from '../../auth/grants.ts';
import { demandAnyAct } from '../../auth/scopes.ts';
import { AskedVersions } from '../../fhir/asked-versions.ts';
import type { Issue } from '../../fhir/outcomes.ts';
import type {
  ChangesPage,
  HistoryPage,
  NewDraft,
  ReferredTo,
  Referrer,
  Repository,
  Search,
  SearchPage,
  StoredResource,
  VersionsPage,
} from '../../fhir/repository.ts';
import { unlessForbidden } from '../../fhir/unless-forbidden.ts';
import { demandThere, InsufficientScope } from '../../http/failures.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { View } from '../../index/read/deliveries.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { isExplained, readExplanation, searchExplanations } from '../claims/explanations.ts';
import { toldOf } from '../consents/telling.ts';
import { isInDirectory, readEntry, searchEntries } from '../directory/directory.ts';
import { evenly, PERSON_STEP_MS } from '../even-time.ts';
import { narrativeOf } from '../log/sentences.ts';
import { languageIn } from '../log/texts.ts';
import { type About, type Asked, aboutOf, shownOf } from '../reads/read-log.ts';
import type { Services } from '../services.ts';
import { withLinks } from './linked.ts';
import { onlyOffers, withOffers } from './offers.ts';
import { looksForPerson } from './person-searches.ts';
import { referredTo } from './referred.ts';
import { demandSearchable, innerTypesOf } from './searchable.ts';
import { demandWritable, viewIfAny, viewOf } from './views.ts';

/** What of the gateway reading and writing records needs. */
export type RecordServices = Pick<
  Services,
  'organisation' | 'consortium' | 'index' | 'ledger' | 'groups' | 'auditEvents' | 'readLog' | 'wishes'
>;

/** Writes drafts in one ledger transaction. */
export type Write = (
  services: RecordServices,
  drafts: NewDraft[],
  sending: Sending,
  caller: Caller,
) => Promise<Outcome>;

export interface Writer {
  write: Write;
  /** The transactions that a write can become: a caller who may send none of them writes nothing. */
  transactions: readonly TransactionName[];
}

const AUDIT = 'AuditEvent';
const WRITING: readonly Act[] = ['c', 'u', 'd'];
const ACTS = { read: 'r', vread: 'r', history: 'r', search: 's' } as const satisfies Record<string, Act>;

type Beside = Awaited<ReturnType<ReadModel['companions']['ofPatient']>>[number];

export class Records implements Repository {
  readonly #services: RecordServices;
  readonly #writers: Partial<Record<Kind, Writer>>;

  constructor(services: RecordServices, writers: Partial<Record<Kind, Writer>>) {
    this.#services = services;
    this.#writers = writers;
  }

  admit(caller: Caller, type?: string): void {
    const { kind } = this.#services.organisation;
    const names = this.#writers[kind]?.transactions ?? [];
    if (type !== undefined) demandAnyAct(caller, type, WRITING);
    if (mayCall(kind, caller.role, names)) return;
    const sight = sightOf(caller);
    if (type !== undefined) demandCaller(kind, caller, ...names);
    else if ('none' in sight) throw new LedgerError('FORBIDDEN', sight.none);
  }

  async read(caller: Caller, type: string, id: string): Promise<StoredResource | undefined> {
    const found = await this.standing(caller, type, id);
    return found && demandThere(found);
  }

  async standing(caller: Caller, type: string, id: string): Promise<StoredResource | undefined> {
    const view = await this.#viewFor(caller, 'read', type, id);
    const asked = { interaction: 'read', type, id } as const;
    if (type === AUDIT) return this.#event(caller, asked, view);
    const isBeside = view.beside?.includes(id) === true;
    if (!isBeside && isInDirectory(caller, type, this.#services.organisation)) {
      const entry = await readEntry(this.#services, type, id);
      await this.#noteEntries(caller, type, entry === undefined ? [] : [entry]);
      return entry;
    }
    if (isExplained(type, this.#services.organisation)) return this.#explanation(caller, asked, view);
    const isWithin = await this.#isWithin(view, type, id);
    const [found] = onlyOffers([isWithin ? await this.#services.index.standing(type, id, view) : undefined], view);
    await this.#note(caller, asked, found === undefined ? [] : [found], view);
    return found && withLinks(found, caller);
  }

  /** What is made when it is read has one version: how it stands. Undefined for a type that is recorded. */
  #made(caller: Caller, asked: AskedById, view: View): Promise<StoredResource | undefined> | undefined {
    if (asked.type === AUDIT) return this.#event(caller, asked, view);
    if (isExplained(asked.type, this.#services.organisation)) return this.#explanation(caller, asked, view);
    return undefined;
  }

  async #explanation(caller: Caller, asked: AskedById, view: View): Promise<StoredResource | undefined> {
    const found = await readExplanation(this.#services.index, asked.id, view);
    await this.#note(caller, asked, found === undefined ? [] : [found], view);
    return found;
  }

  async readVersion(caller: Caller, type: string, id: string, version: number): Promise<StoredResource | undefined> {
    const view = await this.#viewFor(caller, 'vread', type, id);
    const asked = { interaction: 'vread', type, id } as const;
    const made = this.#made(caller, asked, view);
    if (made === undefined) {
      const found = (await this.#isWithin(view, type, id))
        ? await this.#services.index.version(type, id, version, view)
        : undefined;
      await this.#note(caller, asked, found === undefined ? [] : [found], view);
      return found;
    }
    const only = await made;
    return only?.version === version ? only : undefined;
  }

  async history(caller: Caller, type: string, id: string, page: HistoryPage): Promise<VersionsPage> {
    const view = await this.#viewFor(caller, 'history', type, id);
    const asked = { interaction: 'history', type, id } as const;
    const made = this.#made(caller, asked, view);
    if (made === undefined) {
      const found = (await this.#isWithin(view, type, id))
        ? await this.#services.index.versions(type, id, { ...view, ...page })
        : { versions: [], total: 0, exists: false };
      // Of a record that is there a page may be empty.
      if (found.versions.length > 0 || !found.exists) await this.#note(caller, asked, found.versions, view);
      return found;
    }
    const event = await made;
    const { before = Number.POSITIVE_INFINITY } = page;
    const isAsked = event !== undefined && event.version < before && new AskedVersions(page).isAsked(event.lastUpdated);
    const versions = isAsked ? [event] : [];
    return { versions, total: versions.length, exists: event !== undefined };
  }

  async changes(caller: Caller, types: readonly string[], page: HistoryPage): Promise<ChangesPage> {
    const { index, readLog } = this.#services;
    const [first, ...others] = types;
    const views = new Map<string, View>();
    for (const type of types) {
      const view = this.#viewOfAll(caller, type);
      if (view !== undefined) views.set(type, view);
    }
    // Who may read none of it is refused as in a search.
    if (views.size === 0 && first !== undefined) views.set(first, await this.#viewFor(caller, 'history', first));
    const { rows, ...found } = await index.histories.page(views, page);
    const versions = rows.map((row) => index.stored(row));
    const named = others.length === 0 && first !== undefined ? [first] : [];
    for (const type of new Set([...named, ...rows.map((row) => row.type)])) {
      const shown = versions.filter(({ resource }) => resource.resourceType === type);
      await readLog.note(caller, { interaction: 'history', type, about: onceEach(shownOf(shown)) });
    }
    return { versions, ...found };
  }

  /** What is seen of all records of a type; undefined where nothing is, or only what a search finds. */
  #viewOfAll(caller: Caller, type: string): View | undefined {
    if (this.#isMade(caller, type)) return undefined;
    const view = viewIfAny(caller, type, ACTS.history);
    return view?.only === undefined ? view : undefined;
  }

  /** At whole steps where it would tell whether a person is here for others than the caller. */
  search(caller: Caller, search: Search): Promise<SearchPage> {
    const find = () => this.found(caller, search);
    return looksForPerson(search) ? evenly(PERSON_STEP_MS, find) : find();
  }

  /** The same as soon as it is found, for whoever answers at a step of his own. */
  async found(caller: Caller, search: Search): Promise<SearchPage> {
    const view = await this.#viewFor(caller, 'search', search.type);
    for (const type of innerTypesOf(search)) await this.#demandInner(caller, view, type);
    demandSearchable(search, caller, this.#services.organisation);
    const { compartment } = view;
    if (search.type === AUDIT) {
      const events = await this.#services.auditEvents.search(search, whoseIn(view));
      const found = { ...events, matches: events.matches.map((event) => told(event, caller)) };
      await this.#noteSearch(caller, search, found, view);
      return found;
    }
    if (isInDirectory(caller, search.type, this.#services.organisation)) {
      const entries = await searchEntries(this.#services, search);
      await this.#noteEntries(caller, search.type, entries.matches);
      return entries;
    }
    const { index, organisation } = this.#services;
    const isMade = search.asRecorded !== true && isExplained(search.type, organisation);
    const all = await (isMade ? searchExplanations(index, search, view) : index.search(search, view));
    const page = { ...all, matches: onlyOffers(all.matches, view) };
    await this.#noteSearch(caller, search, page, view);
    // A total would count what the compartment hides, were it ever computed without it: patients get none.
    const { total: _, ...untold } = page;
    return compartment === undefined
      ? page
      : { ...untold, matches: page.matches.map((match) => withLinks(match, caller)) };
  }

  async typesOf(caller: Caller, patient: string, types: readonly string[]): Promise<string[]> {
    const held = await this.#services.index.patientRecords.typesAbout(patient);
    const isAlways = (type: string) => type === 'Patient' || this.#isMade(caller, type);
    return types.filter(
      (type) => held.has(type) || isAlways(type) || viewIfAny(caller, type, ACTS.search) === undefined,
    );
  }

  /** What is found through others is found by what the caller may see of them as well. @throws {LedgerError} FORBIDDEN */
  async #demandInner(caller: Caller, outer: View, type: string): Promise<void> {
    const inner = await this.#viewFor(caller, 'search', type);
    if (inner.only === undefined && (inner.compartment === undefined || inner.compartment === outer.compartment))
      return;
    throw new InsufficientScope(`the scopes of this token do not permit to search by what ${type} says`);
  }

  referredTo(caller: Caller, records: readonly StoredResource[]): Promise<ReferredTo> {
    const beside = new Map<string, Promise<Beside[]>>();
    const search = (wanted: Search) => this.#searchBeside(caller, wanted, beside);
    return referredTo(records, { consortium: this.#services.consortium, search });
  }

  /** Of what is about no patient: nothing is written down where nothing is shown, and nothing of what is for others. */
  async #searchBeside(
    caller: Caller,
    search: Search,
    known: Map<string, Promise<Beside[]>>,
  ): Promise<StoredResource[]> {
    const { type } = search;
    const found = await unlessForbidden(async () => {
      const view = withOffers(await this.#withCompanions(viewOf(caller, type, 's'), type, known));
      const { matches: all } = await this.#services.index.search(search, view);
      const matches = onlyOffers(all, view);
      await this.#services.readLog.note(caller, { interaction: 'search', type, about: shownOf(matches) });
      return matches;
    });
    return found ?? [];
  }

  /** What a caller sees; one who sees nothing is refused, and that is written down where there is such a record. */
  async #viewFor(caller: Caller, interaction: keyof typeof ACTS, type: string, id?: string): Promise<View> {
    try {
      const own = await this.#withCompanions(viewOf(caller, type, ACTS[interaction]), type);
      const view = interaction === 'read' || interaction === 'search' ? withOffers(own) : own;
      if (view.only !== undefined && this.#isMade(caller, type))
        throw new InsufficientScope(`a scope that is narrowed by a search shows no ${type} here`);
      return view;
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      const { index, readLog } = this.#services;
      const owner = id === undefined ? { patient: null } : await index.deliveries.ownerOf(type, id);
      const refused = { outcome: 'refused', access: null, records: id === undefined ? [] : [id] } as const;
      if (owner !== undefined)
        await readLog.note(caller, {
          interaction,
          type,
          about: [{ ...refused, records: [...refused.records], ...owner }],
        });
      throw error;
    }
  }

  /** What is made when it is read, or shown in part. */
  #isMade(caller: Caller, type: string): boolean {
    const { organisation } = this.#services;
    return type === AUDIT || isInDirectory(caller, type, organisation) || isExplained(type, organisation);
  }

  /** Whether a record is among those that a view narrows to. */
  async #isWithin(view: View, type: string, id: string): Promise<boolean> {
    if (view.only === undefined) return true;
    const { matches } = await this.#services.index.search({ type, ids: [id], count: 1, isUncounted: true }, view);
    return matches.length > 0;
  }

  /** At the custodian a patient also reads what her records refer to and is about nobody. */
  async #withCompanions(view: View, type: string, known = new Map<string, Promise<Beside[]>>()): Promise<View> {
    const { index, organisation } = this.#services;
    const { compartment } = view;
    if (compartment === undefined || organisation.kind !== 'custodian' || !companionTypes.includes(type)) return view;
    const patients = [compartment, ...(view.linked ?? [])];
    for (const patient of patients) if (!known.has(patient)) known.set(patient, index.companions.ofPatient(patient));
    const found = await Promise.all(patients.flatMap((patient) => known.get(patient) ?? []));
    const beside = found.flat().filter((one) => one.type === type);
    return { ...view, beside: beside.map(({ id }) => id) };
  }

  async #event(caller: Caller, asked: AskedById, view: View): Promise<StoredResource | undefined> {
    const { auditEvents, readLog } = this.#services;
    const { interaction, type, id } = asked;
    const event = await auditEvents.read(id, whoseIn(view));
    if (event !== undefined) await readLog.note(caller, { interaction, type, about: shownOf([event]) });
    else if (view.compartment !== undefined) {
      const others = await auditEvents.read(id);
      const refused = others === undefined ? [] : [{ patient: others.patient ?? null, id }];
      await readLog.note(caller, { interaction, type, about: aboutOf('refused', refused) });
    }
    return event && told(event, caller);
  }

  #noteEntries(caller: Caller, type: string, entries: readonly StoredResource[]): Promise<void> {
    const about = aboutOf(
      'shown',
      entries.map(({ resource: { id } }) => ({ id })),
    );
    return this.#services.readLog.note(caller, { interaction: 'directory', type, about });
  }

  /** Who was shown it; or refused it, where it is for others or another patient's. Nobody is answered before. */
  async #note(caller: Caller, asked: AskedById, found: readonly StoredResource[], view: View): Promise<void> {
    const { readLog } = this.#services;
    const { interaction, type } = asked;
    const about = found.length > 0 ? onceEach(shownOf(found)) : await this.#refused(asked, view);
    await readLog.note(caller, { interaction, type, about });
  }

  async #refused({ type, id }: AskedById, view: View): Promise<About[]> {
    const { deliveries } = this.#services.index;
    const withheld = await deliveries.withheld(type, { ids: [id], view });
    if (withheld.length > 0) return aboutOf('refused', withheld);
    const isAll = view.compartment === undefined && view.only === undefined;
    const owner = isAll ? undefined : await deliveries.ownerOf(type, id);
    return owner === undefined ? [] : aboutOf('refused', [{ ...owner, id }]);
  }

  /** What a search returned. One that returned nothing, or a number alone, is a read of whom it named all the same. */
  async #noteSearch(caller: Caller, search: Search, { matches }: SearchPage, view: View): Promise<void> {
    const { index, readLog } = this.#services;
    const { type, after, patients = [], isTotalAlone = false } = search;
    const shown = isTotalAlone ? [] : shownOf(matches);
    const own = [view.compartment, ...(view.linked ?? [])];
    const isOthers = (patient: string) => view.compartment !== undefined && !own.includes(patient);
    const named = patients.length > 0 ? patients : [view.compartment ?? null];
    const nothing = named
      .filter((patient) => !shown.some((one) => one.patient === patient))
      .map((patient): About => {
        const outcome = patient !== null && isOthers(patient) ? 'refused' : 'shown';
        return { outcome, patient, access: null, records: [] };
      });
    const isNamed = patients.length > 0 || shown.length === 0;
    // What is withheld is withheld from all pages alike: it is written down with the first one.
    const withheld =
      after === undefined && type !== AUDIT ? await index.deliveries.withheld(type, { search, view }) : [];
    const about = [...shown, ...(isNamed ? nothing : []), ...aboutOf('refused', withheld)];
    await readLog.note(caller, { interaction: 'search', type, about });
  }

  /** A member of the consortium is there by its name, whether or not anybody has recorded an Organization for it. */
  missing(references: string[]): Promise<string[]> {
    const { index, consortium } = this.#services;
    const isMember = (reference: string): boolean =>
      organisationByName(consortium, organisationNameOf({ reference }) ?? '') !== undefined;
    return index.missing(references.filter((reference) => !isMember(reference)));
  }

  referrers(references: readonly string[]): Promise<Referrer[]> {
    return this.#services.index.referrers.of(references);
  }

  findByIdentifier(queries: { type: string; system?: string; value: string }[]): Promise<string[][]> {
    return this.#services.index.findByIdentifier(queries);
  }

  told(resource: Resource): Promise<Issue[] | undefined> {
    return toldOf(this.#services, resource);
  }

  /** What is written, and what it replaces. @throws {LedgerError} FORBIDDEN */
  async #demandWritable(caller: Caller, { version, ...draft }: NewDraft): Promise<void> {
    const later = draft.deleted === true ? 'd' : 'u';
    const act = version === 1 ? 'c' : later;
    demandWritable(caller, draft, act);
    if (caller.scopes === undefined || act === 'c') return;
    const { resourceType: type, id } = draft.resource;
    const view = viewOf(caller, type, act);
    if ((await this.#isWithin(view, type, id)) && (await this.#services.index.standing(type, id, view)) !== undefined)
      return;
    throw new InsufficientScope('the scopes of this token do not take in what this would replace', type);
  }

  async submit(caller: Caller, drafts: NewDraft[], sending: Sending): Promise<Outcome> {
    const { kind } = this.#services.organisation;
    const writer = this.#writers[kind];
    if (writer === undefined) {
      throw new LedgerError('FORBIDDEN', `an organisation of kind ${kind} records no resources`);
    }
    for (const draft of drafts) await this.#demandWritable(caller, draft);
    return writer.write(this.#services, drafts, sending, caller);
  }
}

interface AskedById extends Pick<Asked, 'interaction' | 'type'> {
  id: string;
}

/** Versions of one record are one record. */
const onceEach = (about: About[]): About[] => about.map((one) => ({ ...one, records: [...new Set(one.records)] }));

/** The Patients whose data a view shows; undefined: everybody's. */
const whoseIn = ({ compartment, linked = [] }: View): readonly string[] | undefined =>
  compartment === undefined ? undefined : [compartment, ...linked];

/** The only draft. @throws {LedgerError} INVALID for more than one: these types have a transaction each. */
export function onlyOne(drafts: readonly NewDraft[]): Draft {
  const [draft, ...more] = drafts;
  if (draft === undefined || more.length > 0) {
    throw new LedgerError('INVALID', 'consents and coverages are written one in a transaction');
  }
  const { isProvisional: _, ...only } = draft;
  return only;
}

/** An event with what it says as a sentence, in the caller's language. */
const told = (event: StoredResource, { languages }: Caller): StoredResource => ({
  ...event,
  resource: { ...event.resource, text: narrativeOf(event.resource, languageIn(languages)) },
});
