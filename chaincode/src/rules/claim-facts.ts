/**
 * The facts that claim edits judge by, all read from the ledger before any edit runs, and the shape of an
 * edit. Edits are pure: no ledger, no clock, no randomness.
 */
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import type { Bill, BillItem } from '../model/bill.ts';
import { objectsOf, performersOf, targetOf } from '../model/claim-evidence.ts';
import type { FeeSchedule } from '../model/claims.ts';
import type { Cover } from '../model/coverage.ts';
import type { Reference, Resource } from '../model/fhir.ts';
import type { Anchored, LicenceState } from '../model/transactions.ts';

/** An earlier claim that holds the fingerprint of an item. */
export interface Earlier {
  item: number;
  claimId: string;
}

/** What the records of a claim say, before anything is looked up for them. */
export interface ClaimBasis {
  bill: Bill;
  provider: Organisation;
  /** Evidence by `Type/id`. */
  evidence: ReadonlyMap<string, Anchored>;
}

export interface ClaimFacts extends ClaimBasis {
  /** The newest version of the coverage the claim names. */
  cover: Cover;
  feeSchedule: FeeSchedule | undefined;
  /** Licences by practitioner number; a number that has none is absent. */
  licences: ReadonlyMap<string, LicenceState>;
  earlier: readonly Earlier[];
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

/** Why an edit denies; stored privately, so that anyone entitled can recompute the denial. */
export type DenialFacts = Record<string, string | number | boolean | null>;

export interface ClaimEdit {
  /** Public: names the rule and says nothing about a patient. */
  name: string;
  /** Changes whenever the same facts could be judged differently. */
  version: string;
  /** Edits without which this one means nothing: where one of them denies, this one is not evaluated. */
  after: readonly string[];
  /** undefined lets the claim pass. */
  judge: (facts: ClaimFacts) => DenialFacts | undefined;
}

/** The lines that ask for money. */
export const billedItems = (bill: Bill): BillItem[] => bill.items.filter((item) => item.billed > 0);

/** The Patient record the claim names, where it was shown. */
export const patientOf = ({ bill, evidence }: ClaimBasis): Resource | undefined => evidence.get(bill.patient)?.resource;

const NPI = 'http://hl7.org/fhir/sid/us-npi';
/** What a licence number can look like: the key it is looked up by stands in the block. */
const NUMBER = /^[A-Za-z0-9-]{1,32}$/;

/** Licence number of a practitioner: from the reference's own identifier, or from the record it names. */
function numberOf(reference: Reference, evidence: ClaimBasis['evidence']): string | undefined {
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

/**
 * The licence numbers of everybody who answers for an item: its care team, and whoever its encounters, procedures and
 * observations name. undefined stands for a person whose number is not to be found.
 */
export function practitionersOf(item: BillItem, { evidence }: ClaimBasis): (string | undefined)[] {
  const performers = item.services.flatMap((service) => {
    const shown = evidence.get(service);
    return shown === undefined ? [] : (objectsOf(performersOf(shown.resource)) as Reference[]);
  });
  const people = [...item.careTeam, ...performers].filter(
    (reference) =>
      (reference.reference !== undefined || reference.identifier !== undefined) && isPractitioner(reference),
  );
  return [...new Set(people.map((reference) => numberOf(reference, evidence)))];
}

/** Every licence number the claim's edits will ask for. */
export const licenceNumbersOf = (basis: ClaimBasis): string[] => {
  const numbers = billedItems(basis.bill).flatMap((item) => practitionersOf(item, basis));
  return [...new Set(numbers.filter((number) => number !== undefined))].sort();
};
