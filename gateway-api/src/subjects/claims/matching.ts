/**
 * Whom and what the resources of a submission are here: an entry is a record of this organisation's by its identifiers, by its id, or,
 * of what took place, by patient and time. A person is never told by name and birthday: twins share them.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { memberReference, organisationNameOf } from '@telemed-ledger/chaincode/model/organisations.ts';
import { instantOf } from '@telemed-ledger/chaincode/model/periods.ts';
import { type Consortium, organisationByName } from '@telemed-ledger/consortium/members.ts';
import { identifierParameter, supportedType } from '../../fhir/types.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { type Entry, entryNamed } from './submission.ts';

/** Of a resource or a reference, `system` absent where it has none. */
export interface Identifier {
  system?: string;
  value: string;
}

/** What an entry is here; undefined: nothing that is known here. */
export type Known = Reference | undefined;

const invalid = (reason: string, expression: string): never => {
  throw new LedgerError('INVALID', reason, expression);
};

/** The identifiers that say whose they are. */
export function identifiersOf(resource: Readonly<Record<string, unknown>>): Identifier[] {
  const all = [resource['identifier'] ?? []].flat() as { system?: unknown; value?: unknown }[];
  return all.flatMap(({ system, value }) =>
    typeof value !== 'string' ? [] : [{ value, ...(typeof system === 'string' ? { system } : {}) }],
  );
}

/** What took place, which is told by when: the elements that say it. */
const TIMES: Record<string, readonly string[]> = {
  Condition: ['onsetDateTime', 'recordedDate'],
  DiagnosticReport: ['effectiveDateTime', 'effectivePeriod'],
  Encounter: ['period'],
  Immunization: ['occurrenceDateTime'],
  MedicationAdministration: ['effectiveDateTime', 'effectivePeriod'],
  MedicationDispense: ['whenHandedOver'],
  MedicationRequest: ['authoredOn'],
  Observation: ['effectiveDateTime', 'effectivePeriod'],
  Procedure: ['performedPeriod', 'performedDateTime'],
  SupplyDelivery: ['occurrenceDateTime', 'occurrencePeriod'],
};
/** The elements that say what it was. */
const CODES = ['code', 'vaccineCode', 'medicationCodeableConcept', 'class'];
/** As many of a patient's as are looked through for one that took place at that time. */
const MOST_LOOKED_AT = 1000;

/** When something took place, as instants; undefined where it does not say both hours. */
function timesOf(resource: Resource): string | undefined {
  const value = TIMES[resource.resourceType]?.map((element) => resource[element]).find((one) => one !== undefined);
  const { start, end } = (typeof value === 'string' ? { start: value, end: value } : (value ?? {})) as {
    start?: string;
    end?: string;
  };
  const [from, to] = [start, end].map((text) => (text?.includes('T') === true ? instantOf(text) : Number.NaN));
  return Number.isNaN(from) || Number.isNaN(to) ? undefined : `${from}/${to}`;
}

const codesOf = (resource: Resource): string => {
  const { itemCodeableConcept } = (resource['suppliedItem'] ?? {}) as { itemCodeableConcept?: unknown };
  return JSON.stringify([...CODES.map((element) => resource[element]), itemCodeableConcept].map(codingsOf));
};

/** Of a CodeableConcept or a Coding: systems and codes, in their order. */
function codingsOf(value: unknown): unknown {
  const { coding = [value] } = (value ?? {}) as { coding?: unknown[] };
  return coding.map((one) => [
    (one as { system?: string } | undefined)?.system,
    (one as { code?: string } | undefined)?.code,
  ]);
}

/** Finds what entries are here; each is looked up once. */
export class Matching {
  readonly #index: Pick<ReadModel, 'findByIdentifier' | 'newest' | 'search'>;
  readonly #consortium: Consortium;
  readonly #entries: readonly Entry[];
  readonly #known = new Map<Entry, Promise<Known>>();

  constructor(
    index: Pick<ReadModel, 'findByIdentifier' | 'newest' | 'search'>,
    consortium: Consortium,
    entries: readonly Entry[],
  ) {
    this.#index = index;
    this.#consortium = consortium;
    this.#entries = entries;
  }

  /** @throws LedgerError INVALID where it could be several */
  known(entry: Entry): Promise<Known> {
    const found = this.#known.get(entry) ?? this.#find(entry);
    this.#known.set(entry, found);
    return found;
  }

  async #find(entry: Entry): Promise<Known> {
    const { resource, at } = entry;
    const member = this.#memberIn(resource);
    if (member !== undefined) return member;
    if (supportedType(resource.resourceType) === undefined) return undefined;
    const id =
      (await this.byIdentifiers(resource.resourceType, identifiersOf(resource), at)) ??
      (await this.#byId(resource)) ??
      (await this.#byTime(entry));
    return id === undefined ? undefined : { reference: `${resource.resourceType}/${id}` };
  }

  #memberIn(resource: Resource): Known {
    if (resource.resourceType !== 'Organization') return undefined;
    const names = identifiersOf(resource).map((identifier) => organisationNameOf({ identifier }));
    const name = [...names, resource.id].find((one) => organisationByName(this.#consortium, one ?? '') !== undefined);
    return name === undefined ? undefined : memberReference(name);
  }

  /**
   * Id of the only resource of a type here that carries one of these identifiers.
   * @throws LedgerError INVALID at `at` where several do
   */
  async byIdentifiers(type: string, identifiers: readonly Identifier[], at: string): Promise<string | undefined> {
    // One without a system is anybody's.
    const stated = identifiers.filter(({ system }) => system !== undefined);
    if (stated.length === 0 || identifierParameter(type) === undefined) return undefined;
    const found = await this.#index.findByIdentifier(stated.map((identifier) => ({ type, ...identifier })));
    const ids = [...new Set(found.flat())];
    if (ids.length > 1) invalid(`its identifiers are those of ${ids.length} resources here`, `${at}.identifier`);
    return ids[0];
  }

  /** By an id of this ledger's; one that is of somebody with other identifiers of the same systems is another's. */
  async #byId(resource: Resource): Promise<string | undefined> {
    if (typeof resource.id !== 'string') return undefined;
    const stored = await this.#index.newest(resource.resourceType, resource.id);
    if (stored === undefined) return undefined;
    const here = identifiersOf(stored.resource);
    const contradicts = identifiersOf(resource).some(
      ({ system, value }) =>
        here.some((one) => one.system === system) && !here.some((one) => one.system === system && one.value === value),
    );
    return contradicts ? undefined : resource.id;
  }

  /** Of what took place: the only one of that patient at that time, with that code or class. */
  async #byTime({ resource, fullUrl }: Entry): Promise<string | undefined> {
    const time = timesOf(resource);
    if (time === undefined) return undefined;
    const subject = await this.patientNamed(
      (resource['subject'] ?? resource['patient']) as Reference | undefined,
      fullUrl,
    );
    if (subject === undefined) return undefined;
    const search = { type: resource.resourceType, patients: [subject], count: MOST_LOOKED_AT };
    const { matches } = await this.#index.search(search);
    const same = matches.filter((one) => timesOf(one.resource) === time && codesOf(one.resource) === codesOf(resource));
    // Of several, as of two prescriptions of a day, the one that stands as the entry says.
    const alike = same.length === 1 ? same : same.filter((one) => one.resource['status'] === resource['status']);
    return alike.length === 1 ? alike[0]!.resource.id : undefined;
  }

  /** Id of the Patient here that a reference names. */
  async patientNamed(reference: Reference | undefined, from: string | undefined): Promise<string | undefined> {
    const entry = entryNamed(reference?.reference, from, this.#entries);
    const known = entry === undefined ? reference : await this.known(entry);
    return /^Patient\/([^/]+)/.exec(known?.reference ?? '')?.[1];
  }
}
