/**
 * Who answers for what a claim bills: the practitioners behind its items, by their licence numbers. The gateway shows the
 * register's entries for them, and the claim edits judge by those.
 */
import type { Bill, BillItem } from './bill.ts';
import { objectsOf, performersOf, targetOf } from './claim-evidence.ts';
import type { Reference } from './fhir.ts';
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

const isPractitioner = (reference: Reference): boolean => {
  const [type] = (targetOf(reference) ?? 'Practitioner/').split('/');
  return type === 'Practitioner';
};

/** Who answers for an item. */
export interface Answering {
  /** Licence number; undefined where it is not to be found. */
  number: string | undefined;
  /** How he is named: by reference, by identifier or by both. */
  reference: Reference;
}

/** Everybody who answers for an item: its care team, and whoever its encounters, procedures and observations name. */
export function practitionersOf(item: BillItem, { evidence }: Billed): Answering[] {
  const performers = item.services.flatMap((service) => {
    const shown = evidence.get(service);
    return shown === undefined ? [] : (objectsOf(performersOf(shown.resource)) as Reference[]);
  });
  const people = [...item.careTeam, ...performers].filter(
    (reference) =>
      (reference.reference !== undefined || reference.identifier !== undefined) && isPractitioner(reference),
  );
  return people.map((reference) => ({ number: numberOf(reference, evidence), reference }));
}

/** Every licence number the claim's edits will ask for. */
export const licenceNumbersOf = (basis: Billed): string[] => {
  const people = billedItems(basis.bill).flatMap((item) => practitionersOf(item, basis));
  return [...new Set(people.flatMap(({ number }) => number ?? []))].sort();
};
