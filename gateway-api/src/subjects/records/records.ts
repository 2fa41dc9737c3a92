/**
 * The FHIR room's Repository: reads the read model as far as the caller may see, and writes by the one ledger
 * transaction that a write is at this kind of organisation. What a provider writes is in groups.ts.
 */

import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { organisationNameOf } from '@telemed-ledger/chaincode/model/organisations.ts';
import { audienceName, type Draft, type TransactionName } from '@telemed-ledger/chaincode/model/transactions.ts';
import { type Kind, organisationByName } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf, demandCaller, mayCall, readingOf, sightOf } from '../../auth/entitlement.ts';
import type { Issue } from '../../fhir/outcomes.ts';
import type {
  HistoryPage,
  NewDraft,
  Repository,
  Search,
  SearchPage,
  StoredResource,
  VersionsPage,
} from '../../fhir/repository.ts';
import type { Sending } from '../../idempotency/writes.ts';
import { byAccess, type View } from '../../index/read/deliveries.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import type { Asked } from '../access/delivered-reads.ts';
import { toldOf } from '../consents/telling.ts';
import { isInDirectory, readEntry, searchEntries } from '../directory/directory.ts';
import type { Services } from '../services.ts';

/** What of the gateway reading and writing records needs. */
export type RecordServices = Pick<
  Services,
  'organisation' | 'consortium' | 'index' | 'ledger' | 'groups' | 'auditEvents' | 'deliveredReads' | 'wishes'
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
    if (mayCall(kind, caller.role, names)) return;
    const sight = sightOf(caller);
    if (type !== undefined) demandCaller(kind, caller, ...names);
    else if ('none' in sight) throw new LedgerError('FORBIDDEN', sight.none);
  }

  async read(caller: Caller, type: string, id: string): Promise<StoredResource | undefined> {
    const view = viewOf(caller, type);
    if (type === AUDIT) return this.#services.auditEvents.read(id, view.compartment);
    if (isInDirectory(caller, type, this.#services.organisation)) return readEntry(this.#services, type, id);
    const found = await this.#services.index.newest(type, id, view);
    await this.#note(caller, { interaction: 'read', type, id }, found === undefined ? [] : [found]);
    return found;
  }

  async readVersion(caller: Caller, type: string, id: string, version: number): Promise<StoredResource | undefined> {
    const view = viewOf(caller, type);
    if (type !== AUDIT) {
      const found = await this.#services.index.version(type, id, version, view);
      await this.#note(caller, { interaction: 'vread', type, id }, found === undefined ? [] : [found]);
      return found;
    }
    const event = await this.#services.auditEvents.read(id, view.compartment);
    return event?.version === version ? event : undefined;
  }

  async history(caller: Caller, type: string, id: string, page: HistoryPage): Promise<VersionsPage> {
    const view = viewOf(caller, type);
    if (type !== AUDIT) {
      const found = await this.#services.index.versions(type, id, { ...view, ...page });
      await this.#note(caller, { interaction: 'history', type, id }, found.versions);
      return found;
    }
    const event = await this.#services.auditEvents.read(id, view.compartment);
    const { before = Number.POSITIVE_INFINITY, since = Number.NEGATIVE_INFINITY } = page;
    const isAsked = event !== undefined && event.version < before && Date.parse(event.lastUpdated) >= since;
    const versions = isAsked ? [event] : [];
    return { versions, total: versions.length, exists: event !== undefined };
  }

  async search(caller: Caller, search: Search): Promise<SearchPage> {
    const view = viewOf(caller, search.type);
    const { compartment } = view;
    if (search.type === AUDIT) return this.#services.auditEvents.search(search, compartment);
    if (isInDirectory(caller, search.type, this.#services.organisation)) return searchEntries(this.#services, search);
    const page = await this.#services.index.search(search, view);
    await this.#noteSearch(caller, search, page);
    // A total would count what the compartment hides, were it ever computed without it: patients get none.
    const { total: _, ...untold } = page;
    return compartment === undefined ? page : untold;
  }

  /** Of what was delivered: who was shown it, or refused it where it is for others. Nobody is answered before. */
  async #note(caller: Caller, { id, ...asked }: AskedById, found: readonly StoredResource[]): Promise<void> {
    const { index, deliveredReads } = this.#services;
    const shown = byAccess(found.map(({ access = null }) => ({ access, id })));
    const view = viewOf(caller, asked.type);
    const refused = found.length > 0 ? [] : await index.deliveries.withheld(asked.type, { ids: [id], view });
    await deliveredReads.note(caller, { ...asked, shown, refused });
  }

  async #noteSearch(caller: Caller, search: Search, { matches }: SearchPage): Promise<void> {
    const { index, deliveredReads } = this.#services;
    const { type, after, isTotalAlone = false } = search;
    const seen = isTotalAlone ? [] : matches.map(({ access = null, resource: { id } }) => ({ access, id }));
    // What is withheld is withheld from all pages alike: it is written down with the first one.
    const refused =
      after === undefined ? await index.deliveries.withheld(type, { search, view: viewOf(caller, type) }) : [];
    await deliveredReads.note(caller, { interaction: 'search', type, shown: byAccess(seen), refused });
  }

  /** A member of the consortium is there by its name, whether or not anybody has recorded an Organization for it. */
  missing(references: string[]): Promise<string[]> {
    const { index, consortium } = this.#services;
    const isMember = (reference: string): boolean =>
      organisationByName(consortium, organisationNameOf({ reference }) ?? '') !== undefined;
    return index.missing(references.filter((reference) => !isMember(reference)));
  }

  findByIdentifier(queries: { type: string; system?: string; value: string }[]): Promise<string[][]> {
    return this.#services.index.findByIdentifier(queries);
  }

  told(resource: Resource): Promise<Issue[] | undefined> {
    return toldOf(this.#services, resource);
  }

  async submit(caller: Caller, drafts: NewDraft[], sending: Sending): Promise<Outcome> {
    const { kind } = this.#services.organisation;
    const writer = this.#writers[kind];
    if (writer === undefined) {
      throw new LedgerError('FORBIDDEN', `an organisation of kind ${kind} records no resources`);
    }
    return writer.write(this.#services, drafts, sending, caller);
  }
}

interface AskedById extends Pick<Asked, 'interaction' | 'type'> {
  id: string;
}

/** What of the read model a caller sees. @throws {LedgerError} FORBIDDEN */
export const viewOf = (caller: Caller, type: string): View => ({
  compartment: compartmentOf(caller, ...readingOf(type)),
  audience: audienceName({ role: caller.role, user: caller.fhirUser }),
});

/** The only draft. @throws {LedgerError} INVALID for more than one: these types have a transaction each. */
export function onlyOne(drafts: readonly NewDraft[]): Draft {
  const [draft, ...more] = drafts;
  if (draft === undefined || more.length > 0) {
    throw new LedgerError('INVALID', 'consents and coverages are written one in a transaction');
  }
  const { isProvisional: _, ...only } = draft;
  return only;
}
