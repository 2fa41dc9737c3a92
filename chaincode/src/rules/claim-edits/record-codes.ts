/**
 * The edits that hold what is billed against what the records say was done: by their codes, directly or by the payer's crosswalk,
 * and, of a medicine, by its dispense.
 */
import type { BillItem } from '../../model/bill.ts';
import { type Coding, codingsOf, targetOf } from '../../model/claim-evidence.ts';
import { type CrosswalkRow, countingOn } from '../../model/claim-tables.ts';
import type { Resource } from '../../model/fhir.ts';
import type { ClaimBasis, ClaimEdit, ClaimFacts, DenialFacts } from '../claim-facts.ts';
import { billedLeaves, type Leaf } from './leaves.ts';

/** A record's codes, a medicine's among them where it is named by reference. */
function codingsIn({ evidence }: ClaimBasis, resource: Resource): Coding[] {
  const medication = targetOf(resource['medicationReference']);
  return codingsOf(resource, medication === undefined ? undefined : evidence.get(medication)?.resource);
}

const isSame = (one: Coding, other: Coding): boolean =>
  one.code === other.code && (one.system === other.system || one.system === '' || other.system === '');

const inCapitals = ({ system, code }: { system: string; code: string }): Coding => ({
  system,
  code: code.toUpperCase(),
});

/** Whether a record's code is billed by this one. */
const isBilledBy = (record: Coding, billed: Coding, rows: readonly CrosswalkRow[]): boolean => {
  const names = (row: string, { system, code }: Coding) => row === `${system}|${code}`.toUpperCase();
  return rows.some((row) => names(row.record, record) && names(row.billed, billed));
};

type Judged = ClaimBasis & Pick<ClaimFacts, 'tables'>;

/** Whether what a record says was done may be billed by this code. */
const fitsCode = (billed: Coding, said: readonly Coding[], rows: readonly CrosswalkRow[]): boolean =>
  said.some((one) => isSame(billed, one) || isBilledBy(one, billed, rows));

/** Whether one of the codes that an item is billed by is what a record says. */
function fits(item: BillItem, record: Resource, facts: Judged): boolean {
  const rows = countingOn(facts.tables?.crosswalk, item.first);
  const said = codingsIn(facts, record);
  return item.codes.map(inCapitals).some((billed) => fitsCode(billed, said, rows));
}

/**
 * Whether records bear an item out. Each of its codes that can be compared must fit one of them, so that none rides on another: by
 * the system of a record's codes, or by the crosswalk's. A payer who has a crosswalk pays for nothing that fits no record.
 */
function isBorneOut(item: BillItem, records: readonly Resource[], facts: ClaimFacts): boolean {
  const { crosswalk } = facts.tables ?? {};
  const rows = countingOn(crosswalk, item.first);
  const said = records.flatMap((record) => codingsIn(facts, record));
  const systems = said.map(({ system }) => system.toUpperCase());
  const targets = new Set(rows.map(({ billed }) => billed.slice(0, billed.lastIndexOf('|'))));
  const isComparable = ({ system }: Coding): boolean =>
    said.length > 0 && (system === '' || systems.includes(system.toUpperCase()) || targets.has(system.toUpperCase()));
  const billed = item.codes.map(inCapitals);
  if (billed.some((one) => isComparable(one) && !fitsCode(one, said, rows))) return false;
  return crosswalk === undefined || billed.some((one) => fitsCode(one, said, rows));
}

const shownOf = ({ services }: BillItem, { evidence }: ClaimBasis): Resource[] =>
  services.flatMap((service) => evidence.get(service)?.resource ?? []);

/** What is billed is what one of the records says was done. */
export const codeOfRecord: ClaimEdit = {
  name: 'code-not-of-record',
  version: '1',
  after: ['patient-mismatch'],
  judge: (facts) =>
    billedLeaves(facts.bill).flatMap((item): DenialFacts[] => {
      const records = shownOf(item, facts);
      if (records.length === 0 || isBorneOut(item, records, facts) || isPrescribed(item, facts)) return [];
      const billed = item.codes.map(({ system, code }) => `${system}|${code}`).join(' ');
      const said = [...new Set(records.flatMap((record) => codingsIn(facts, record)))];
      const recorded = said.map(({ system, code }) => `${system}|${code}`).join(' ');
      const crosswalk = facts.tables?.crosswalk === undefined ? null : facts.tables.generation;
      return [{ ...item.place, billed: billed.slice(0, 500), recorded: recorded.slice(0, 500), crosswalk }];
    }),
};

/** Terminologies of medicines, by which a line is for one whatever the claim's type says. */
const MEDICINES = ['http://www.nlm.nih.gov/research/umls/rxnorm', 'http://hl7.org/fhir/sid/ndc'];
const GIVEN = ['MedicationDispense', 'MedicationAdministration', 'Immunization'];

const isMedicine = (item: BillItem, { bill }: ClaimBasis): boolean =>
  bill.type === 'pharmacy' || item.codes.some(({ system }) => MEDICINES.includes(system));

const isGiven = (item: BillItem, facts: ClaimBasis): boolean =>
  shownOf(item, facts).some(({ resourceType }) => GIVEN.includes(resourceType));

/** Whether the prescription that a claim is for is shown, and of this medicine for this patient. */
function isPrescribed(item: BillItem, facts: ClaimFacts): boolean {
  const { bill, evidence, provider } = facts;
  const shown = bill.prescription === undefined ? undefined : evidence.get(bill.prescription);
  if (shown?.resource.resourceType !== 'MedicationRequest' || shown.author !== provider.mspId) return false;
  const { resource } = shown;
  const isDone = ['active', 'completed', 'stopped'].includes(String(resource['status']));
  return (
    isDone && targetOf(resource['subject']) === bill.patient && isMedicine(item, facts) && fits(item, resource, facts)
  );
}

/** A medicine was given, not only prescribed. */
export const medicineGiven: ClaimEdit = {
  name: 'dispense-not-shown',
  version: '1',
  after: ['patient-mismatch'],
  judge: (facts) =>
    billedLeaves(facts.bill)
      .filter((item) => isMedicine(item, facts) && !isGiven(item, facts) && !isPrescribed(item, facts))
      .map(({ place }) => ({ ...place })),
};

/** Lines of a medicine that was prescribed, whose dispense nobody has shown. */
export const undispensed = (facts: ClaimFacts): Leaf[] =>
  billedLeaves(facts.bill).filter(
    (item) => isMedicine(item, facts) && !isGiven(item, facts) && isPrescribed(item, facts),
  );
