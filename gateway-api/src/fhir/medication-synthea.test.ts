/**
 * Prescriptions and administrations as Synthea writes them, reconciled: which administration is of a prescription in the same file, and why
 * others are of none. A made-up file of that kind, and those of a directory that SYNTHEA_FILES names.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { codingsOf, medicineOf, tablesOn } from '@telemed-ledger/chaincode/model/medication-checks.ts';
import { expect } from 'chai';
import { reconcile } from './medication-list.ts';

const NOW = '2026-01-01';
interface Bundle {
  entry: { fullUrl?: string; resource: Resource }[];
}

/** What came of the prescriptions (`listed`: as so many medicines) and of each administration. */
function reconciledIn({ entry }: Bundle): Record<string, number> {
  const ids = new Map(entry.map(({ fullUrl = '', resource }) => [fullUrl, `${resource.resourceType}/${resource.id}`]));
  const text = JSON.stringify(entry.map(({ resource }) => resource));
  const all = JSON.parse(text.replaceAll(/urn:uuid:[0-9a-f-]+/g, (url) => ids.get(url) ?? url)) as Resource[];
  const of = (...types: string[]) => all.filter(({ resourceType }) => types.includes(resourceType));
  const [medications, prescriptions] = [of('Medication'), of('MedicationRequest')];
  const codesOf = (one: Resource) => codingsOf(medicineOf(one, medications)).map(({ code }) => code);
  const fateOf = (given: Resource): string => {
    const same = prescriptions.filter((one) => codesOf(one).some((code) => codesOf(given).includes(code)));
    if (same.length === 0) return 'given without a prescription';
    return same.some(({ status }) => status === 'active') ? 'given of what is taken' : 'given of what is stopped';
  };
  const therapies = reconcile([...prescriptions, ...of('MedicationAdministration')], {
    ...{ tables: tablesOn(NOW), now: Date.parse(NOW), medications },
  });
  const counts: Record<string, number> = {
    prescribed: prescriptions.length,
    active: prescriptions.filter(({ status }) => status === 'active').length,
    listed: therapies.length,
    scheduled: therapies.filter(({ adherence }) => adherence.due !== undefined).length,
  };
  for (const fate of of('MedicationAdministration').map(fateOf)) counts[fate] = (counts[fate] ?? 0) + 1;
  return counts;
}

const drug = (code: string) => ({ coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code }] });
const entryOf = (resourceType: string, id: string, more: object) => ({
  ...{ fullUrl: `urn:uuid:${id}`, resource: { resourceType, id, ...more } },
});

describe('Prescriptions and administrations of a file', () => {
  it('are of one medicine, by its code or by the Medication that the file has', () => {
    const order = { intent: 'order', authoredOn: '2025-12-01T08:00:00Z' };
    const given = { status: 'completed', effectiveDateTime: '2025-12-20T08:00:00Z' };
    const by = (id: string) => ({ medicationReference: { reference: `urn:uuid:${id}` } });
    const entry = [
      entryOf('Medication', 'a0', { status: 'active', code: drug('1') }),
      entryOf('MedicationRequest', 'a1', { ...order, status: 'active', medicationCodeableConcept: drug('1') }),
      entryOf('MedicationRequest', 'a2', { ...order, status: 'active', ...by('a0') }),
      entryOf('MedicationRequest', 'a3', { ...order, status: 'stopped', medicationCodeableConcept: drug('2') }),
      entryOf('MedicationAdministration', 'a4', { ...given, ...by('a0') }),
      entryOf('MedicationAdministration', 'a5', { ...given, medicationCodeableConcept: drug('2') }),
      entryOf('MedicationAdministration', 'a6', { ...given, medicationCodeableConcept: drug('3') }),
    ];
    expect(reconciledIn({ entry })).to.deep.equal({
      ...{ prescribed: 3, active: 2, listed: 1, scheduled: 0 },
      ...{ 'given of what is taken': 1, 'given of what is stopped': 1, 'given without a prescription': 1 },
    });
  });

  it('are each accounted for in Synthea’s own files', function () {
    const directory = process.env['SYNTHEA_FILES'];
    if (directory === undefined) {
      console.log('skipped: SYNTHEA_FILES names no directory of Synthea’s R4 Bundles');
      this.skip();
    }
    this.timeout(120_000);
    const sums: Record<string, number> = {};
    for (const name of readdirSync(directory).filter((one) => /\.json(\.gz)?$/.test(one))) {
      const bytes = readFileSync(join(directory, name));
      const counts = reconciledIn(JSON.parse(String(name.endsWith('.gz') ? gunzipSync(bytes) : bytes)) as Bundle);
      expect(counts['listed'], name).to.be.at.most(counts['active']!);
      for (const [what, count] of Object.entries(counts)) sums[what] = (sums[what] ?? 0) + count;
    }
    console.log(sums);
    expect(sums['prescribed']).to.be.greaterThan(0);
  });
});
