/** What a provider's files take for granted before their Claims can be billed: licences, coverages and prices, made up from the files. */
import { isNumber, numberOf } from '@telemed-ledger/chaincode/model/numbers.ts';
import { type Bundle, readBundle, referencesIn } from '../../load/bundle.ts';

type Members = Record<string, unknown>;
interface Identifier {
  system: string;
  value: string;
}

/** Of all files together. */
export interface Book {
  /** National numbers of practitioners whom visits name. */
  practitioners: string[];
  /** An identifier of each patient who has an insurance. */
  insured: Identifier[];
  /** The most that a code costs, in minor units. */
  prices: Record<string, number>;
}

const NPI = /^Practitioner\?identifier=http:\/\/hl7\.org\/fhir\/sid\/us-npi\|([0-9]{10})$/;

/** @throws {UnreadableFile} */
export async function bookOf(files: readonly string[]): Promise<Book> {
  const practitioners = new Set<string>();
  const insured: Identifier[] = [];
  const prices: Record<string, number> = {};
  for (const file of files) {
    const { entry } = (await readBundle([file])).bundle;
    for (const number of practitionersIn(entry)) practitioners.add(number);
    insured.push(...patientsIn(entry));
    for (const [code, units] of pricesIn(entry)) prices[code] = Math.max(prices[code] ?? 0, units);
  }
  return { practitioners: [...practitioners], insured, prices };
}

const practitionersIn = (entry: Bundle['entry']): string[] =>
  entry.flatMap(({ resource }) => [...referencesIn(resource)].flatMap((one) => NPI.exec(one)?.[1] ?? []));

const patientsIn = (entry: Bundle['entry']): Identifier[] =>
  entry.flatMap(({ resource }) => {
    const [first] = (resource?.resourceType === 'Patient' ? (resource['identifier'] ?? []) : []) as Identifier[];
    return first === undefined ? [] : [{ system: first.system, value: first.value }];
  });

const unitsOf = (money: unknown): number => {
  const value = (money as Members | undefined)?.['value'];
  return isNumber(value) ? Math.round(numberOf(value) * 100) : 0;
};

/** A visit or medicine, which Synthea prices by the Claim's total alone, costs what is left of that. */
function pricesIn(entry: Bundle['entry']): [code: string, units: number][] {
  return entry.flatMap(({ resource }) => {
    if (resource?.resourceType !== 'Claim') return [];
    const items = (resource['item'] ?? []) as Members[];
    return items.flatMap((item): [string, number][] => {
      const { coding = [] } = (item['productOrService'] ?? {}) as { coding?: { code: string }[] };
      const units = item['net'] === undefined ? unitsOf(resource['total']) : unitsOf(item['net']);
      return coding.map(({ code }) => [code, units]);
    });
  });
}
