/**
 * The access log as AuditEvents (hl7.org/fhir/R4/auditevent.html), made from the ledger: one per access request,
 * as the custodian, the holder and the requestor of it are each entitled to see it.
 */
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import {
  type AccessRequest,
  type AccessState,
  accessRequestSchema,
  accessStateSchema,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import { organisationByMsp } from '@telemed-ledger/consortium/members.ts';
import type { Search, SearchPage, StoredResource } from '../../fhir/repository.ts';
import { IntegrityFailure } from '../../http/failures.ts';
import { boundsOf } from '../../index/read/dates.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { StatesTable } from '../../index/schema.ts';

/** One access as this organisation knows it. */
export interface Disclosure {
  state: AccessState;
  transactionId: string;
  /** What was asked, where this organisation holds the requestor's inbox. */
  request?: AccessRequest;
  /** Id of the holder's Patient, where this organisation knows it. */
  patient?: string;
  /** Values of the transaction that have not arrived at this organisation; absent where none is missing. */
  undelivered?: number;
}

export class Disclosures {
  readonly #index: ReadModel;
  readonly #consortium: Consortium;
  readonly #organisation: string;

  constructor(index: ReadModel, consortium: Consortium, organisation: string) {
    this.#index = index;
    this.#consortium = consortium;
    this.#organisation = organisation;
  }

  /** An access this organisation takes part in; `compartment` limits it to one patient's. */
  async find(id: string, compartment?: string): Promise<Disclosure | undefined> {
    const row = await this.#index.state('access', id);
    const disclosure = row === undefined ? undefined : await this.#disclosure(row);
    return compartment === undefined || disclosure?.patient === compartment ? disclosure : undefined;
  }

  /** Every access this organisation takes part in, oldest first. */
  async all(compartment?: string): Promise<Disclosure[]> {
    const found: Disclosure[] = [];
    for (const row of await this.#index.states('access')) {
      const disclosure = await this.#disclosure(row);
      if (disclosure === undefined) continue;
      if (compartment === undefined || disclosure.patient === compartment) found.push(disclosure);
    }
    return found;
  }

  async read(id: string, compartment?: string): Promise<StoredResource | undefined> {
    const disclosure = await this.find(id, compartment);
    return disclosure === undefined ? undefined : this.#stored(disclosure);
  }

  /** Searchable by _id, patient and _lastUpdated; `after` is a count of matches already seen. */
  async search(search: Search, compartment?: string): Promise<SearchPage> {
    if (search.values !== undefined) return { matches: [], total: 0 };
    const { ids, patients, lastUpdated = [] } = search;
    const all = (await this.all(compartment))
      .filter(({ patient }) => patients === undefined || (patient !== undefined && patients.includes(patient)))
      .filter(({ state }) => ids === undefined || ids.includes(state.id))
      .map((disclosure) => this.#stored(disclosure))
      .filter((event) => lastUpdated.every((condition) => holds(condition, event.lastUpdated)));
    const start = Number(search.after ?? 0);
    const matches = all.slice(start, start + search.count);
    const end = start + matches.length;
    return { matches, total: all.length, ...(end < all.length ? { next: String(end) } : {}) };
  }

  async #disclosure(row: StatesTable): Promise<Disclosure | undefined> {
    const { data: stated } = accessStateSchema.safeParse(JSON.parse(row.value));
    // Any two organisations can write what they like under an id that nobody has used.
    if (stated === undefined || stated.id !== row.id) return undefined;
    const state = {
      ...stated,
      requestor: this.#name(stated.requestor),
      holder: this.#name(stated.holder),
      custodian: this.#name(stated.custodian),
    };
    if (![state.requestor, state.holder, state.custodian].includes(this.#organisation)) return undefined;
    const disclosure: Disclosure = { state, transactionId: row.transaction_id };
    const undelivered = await this.#index.undelivered.ofTransaction(row.transaction_id);
    if (undelivered > 0) disclosure.undelivered = undelivered;
    const inbox = collections.inbox(state.requestor);
    const asked = await this.#index.privateValue(inbox, privateKeys.request(state.id));
    if (asked === undefined) return disclosure;
    if (sha256Hex(asked.value) !== asked.anchor) throw new IntegrityFailure(`${inbox} ${asked.key}`);
    const { data: request } = accessRequestSchema.safeParse(JSON.parse(asked.value));
    if (request === undefined) return disclosure;
    disclosure.request = request;
    const patient = await this.#index.patientByIdentifier(collections.care(state.holder), request.patient);
    if (patient !== undefined) disclosure.patient = patient.id;
    return disclosure;
  }

  /** Organisations stand in states by MSP id or by name. */
  #name(organisation: string): string {
    return organisationByMsp(this.#consortium, organisation)?.name ?? organisation;
  }

  #stored(disclosure: Disclosure): StoredResource {
    const { state, transactionId } = disclosure;
    const version = state.status === 'requested' ? 1 : state.status === 'purged' ? 3 : 2;
    const lastUpdated = state.decidedAt ?? state.requestedAt;
    return {
      resource: auditEvent(disclosure, version, lastUpdated),
      version,
      lastUpdated,
      author: state.custodian,
      transactionId,
    };
  }
}

function holds(condition: NonNullable<Search['lastUpdated']>[number], instant: string): boolean {
  return boundsOf(condition).some((all) =>
    all.every((bound) => (bound.operator === '<' ? instant < bound.instant : instant >= bound.instant)),
  );
}

const organisation = (name: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value: name }, display: name });
/** DICOM's code for data leaving a holder (hl7.org/fhir/R4/valueset-audit-event-type.html). */
const EXPORT = { system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110106', display: 'Export' };

function auditEvent(
  { state, request, patient, undelivered }: Disclosure,
  version: number,
  lastUpdated: string,
): Resource {
  const refused = state.status === 'refused';
  const described = undelivered === undefined ? state.reason : 'delivery-incomplete';
  const purpose = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: state.purpose };
  const who: Record<string, unknown>[] = [];
  if (patient !== undefined) who.push({ what: { reference: `Patient/${patient}` } });
  else if (request !== undefined) who.push({ what: { identifier: request.patient } });
  if (state.consent !== undefined) {
    who.push({ what: { reference: `Consent/${state.consent.id}/_history/${state.consent.version}` } });
  }
  return {
    resourceType: AUDIT_EVENT,
    id: state.id,
    meta: { versionId: String(version), lastUpdated },
    type: EXPORT,
    subtype: [{ system: 'https://telemed-ledger.example/fhir/CodeSystem/access-status', code: state.status }],
    action: 'R',
    recorded: lastUpdated,
    outcome: refused || undelivered !== undefined ? '4' : '0',
    ...(described === undefined ? {} : { outcomeDesc: described }),
    purposeOfEvent: [{ coding: [purpose] }],
    agent: [
      { who: organisation(state.requestor), requestor: true },
      ...(request?.practitioner === undefined ? [] : [{ who: { reference: request.practitioner }, requestor: false }]),
      { who: organisation(state.holder), requestor: false },
    ],
    source: { observer: organisation(state.custodian) },
    ...(who.length === 0 ? {} : { entity: who }),
  };
}

const AUDIT_EVENT = 'AuditEvent';
