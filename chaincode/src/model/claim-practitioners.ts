/**
 * Who answers for what a claim bills: the practitioners behind its items, by their licence numbers. The gateway shows the
 * register's entries for them, and the claim edits judge by those.
 */
import type { Bill, BillItem } from './bill.ts';
import { isPerson, objectsOf, performersOf, targetOf, visitOf } from './claim-evidence.ts';
import type { Reference, Resource } from './fhir.ts';
import type { Anchored } from './values.ts';

/** A bill, and the records that it rests on by `Type/id`. */
export interface Billed {
  bill: Bill;
  evidence: ReadonlyMap<string, Pick<Anchored, 'resource'>>;
}

/** The lines that ask for money. */
export const billedItems = (bill: Bill): BillItem[] => bill.items.filter((item) => item.billed > 0);

const NPI = 'http://hl7.org/fhir/sid/us-npi';
/** What a licence number can look like: the key it is looked up by stands in the block. */
const NUMBER = /^[A-Za-z0-9-]{1,32}$/;

/** Licence number of a practitioner: from the reference's own identifier, or from the record it names. */
function numberOf(reference: Reference, evidence: Billed['evidence']): string | undefined {
  const target = targetOf(reference);
  const record = target === undefined ? undefined : evidence.get(target)?.resource;
  const identifiers = record === undefined ? [reference.identifier ?? {}] : objectsOf(record['identifier']);
  const number = identifiers.find((identifier) => identifier.system === NPI)?.value;
  return typeof number === 'string' && NUMBER.test(number) ? number : undefined;
}

/** Who answers for an item. */
export interface Answering {
  /** Licence number; undefined where it is not to be found. */
  number: string | undefined;
  /** How he is named: by reference, by identifier or by both. */
  reference: Reference;
  /** The PractitionerRole that he answers in. */
  role?: Resource;
}

/** The practitioner behind a reference, or behind the role that it names. */
function answeringBy(reference: Reference, evidence: Billed['evidence']): Answering {
  const target = targetOf(reference);
  const record = target === undefined ? undefined : evidence.get(target)?.resource;
  if (target?.startsWith('PractitionerRole/') !== true) return { number: numberOf(reference, evidence), reference };
  const person = record?.['practitioner'] as Reference | null | undefined;
  if (record === undefined || typeof person !== 'object' || person === null) return { number: undefined, reference };
  return { number: numberOf(person, evidence), reference: person, role: record };
}

/** Whom a record names; what names nobody was done by those of its visit, where that is the same patient's. */
function performing(record: Resource, { bill, evidence }: Billed): Reference[] {
  const visit = evidence.get(visitOf(record) ?? '')?.resource;
  const isHers = visit?.resourceType === 'Encounter' && targetOf(visit['subject']) === bill.patient;
  return (objectsOf(performersOf(isHers ? visit : record)) as Reference[]).filter(isPerson);
}

const isSupply = (service: string): boolean => service.startsWith('SupplyDelivery/');

/** Those of a claim's lines that answer for one: a supply that names nobody is handed out at what the others bill. */
function answeringLines(item: BillItem, billed: Billed): BillItem[] {
  const isAlone = item.services.length > 0 && item.services.every(isSupply) && item.careTeam.length === 0;
  if (!isAlone) return [item];
  const names = item.services.some((service) => {
    const record = billed.evidence.get(service)?.resource;
    return record !== undefined && performing(record, billed).length > 0;
  });
  return names ? [item] : billed.bill.items.filter(({ services }) => !services.every(isSupply));
}

/** Everybody who answers for an item: its care team, and whoever the records that it points to name. */
export function practitionersOf(one: BillItem, billed: Billed): Answering[] {
  const { evidence } = billed;
  const lines = answeringLines(one, billed);
  const performers = lines.flatMap(({ services }) =>
    services.flatMap((service) => {
      const shown = evidence.get(service);
      return shown === undefined ? [] : performing(shown.resource, billed);
    }),
  );
  const people = [...lines.flatMap(({ careTeam }) => careTeam).filter(isPerson), ...performers];
  return people.map((reference) => answeringBy(reference, evidence));
}

/** Those of an item's care team who rendered it themselves. */
export const renderersOf = ({ renderedBy = [] }: BillItem, { evidence }: Billed): Answering[] =>
  renderedBy.map((reference) => answeringBy(reference, evidence));

/** Every licence number the claim's edits will ask for. */
export const licenceNumbersOf = (basis: Billed): string[] => {
  const people = billedItems(basis.bill).flatMap((item) => practitionersOf(item, basis));
  return [...new Set(people.flatMap(({ number }) => number ?? []))].sort();
};
