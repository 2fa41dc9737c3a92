/**
 * Visits of made-up people as Synthea's R4 Bundles have them: who was seen by whom, when, for how long, as what, for how much.
 * Their days are moved to the year before this one ends, so that coverage and licences of today apply; their hours are kept.
 */
import { parseMoney } from '@telemed-ledger/chaincode/model/money.ts';
import { type Bundle, readBundle } from '../../load/bundle.ts';

const DAY_MS = 86_400_000;
const NPI = /us-npi\|([0-9]{10})$/;
/** Longer ones are stays. */
const LONGEST_VISIT_MS = DAY_MS / 2;

/** A visit as it is to be recorded. */
export interface Planned {
  /** Of the person, in the files. */
  person: Person;
  /** Of the practitioner: ten digits. */
  npi: string;
  /** ISO 8601 instants. */
  start: string;
  end: string;
  /** FHIR's v3 ActEncounterCode: AMB, EMER, HH, IMP, VR. */
  class: string;
  code: Coding;
  /** What is billed, in minor units. */
  units: number;
}

export interface Coding {
  system: string;
  code: string;
}

export interface Person {
  gender: string;
  birthDate: string;
}

type Read = Record<string, unknown> & { resourceType?: string };

/** All visits of these files, in their order; stays are left out. @throws {UnreadableFile} */
export async function visitsOf(files: readonly string[]): Promise<Planned[]> {
  const found: Planned[] = [];
  for (const file of files) found.push(...visitsIn((await readBundle([file])).bundle));
  return found;
}

function visitsIn({ entry }: Bundle): Planned[] {
  const resources = entry.flatMap(({ resource, fullUrl }) => (resource === undefined ? [] : [{ fullUrl, resource }]));
  const patient = resources.find(({ resource }) => resource.resourceType === 'Patient')?.resource;
  if (patient === undefined) return [];
  const person = { gender: String(patient['gender']), birthDate: String(patient['birthDate']) };
  const billed = totals(resources.map(({ resource }) => resource));
  return resources
    .filter(({ resource }) => resource.resourceType === 'Encounter')
    .flatMap(({ fullUrl, resource }) => plannedOf(resource, person, billed.get(fullUrl ?? '') ?? 0));
}

/** What the Claims of an encounter bill in all, in minor units, by its reference. */
function totals(resources: readonly Read[]): Map<string, number> {
  const billed = new Map<string, number>();
  for (const { resourceType, item, total } of resources) {
    if (resourceType !== 'Claim') continue;
    const { units } = parseMoney(total, 'Claim.total');
    for (const { encounter = [] } of item as { encounter?: { reference: string }[] }[])
      for (const { reference } of encounter) billed.set(reference, units);
  }
  return billed;
}

function plannedOf(encounter: Read, person: Person, units: number): Planned[] {
  const { period, type, participant } = encounter as {
    period?: { start: string; end: string };
    type?: { coding: Coding[] }[];
    participant?: { individual?: { reference?: string } }[];
  };
  const npi = NPI.exec(participant?.[0]?.individual?.reference ?? '')?.[1];
  const coding = type?.[0]?.coding[0];
  if (period === undefined || coding === undefined || npi === undefined || units === 0) return [];
  if (Date.parse(period.end) - Date.parse(period.start) > LONGEST_VISIT_MS) return [];
  const { code: kind } = encounter['class'] as { code: string };
  const { system, code } = coding;
  return [{ person, npi, start: period.start, end: period.end, class: kind, code: { system, code }, units }];
}

/** The same visit so many days ago, at its hour. @param ago days before `today`, an ISO 8601 day */
export function moved(visit: Planned, ago: number, today: string): Planned {
  const [start, end] = [Date.parse(visit.start), Date.parse(visit.end)];
  const from = Date.parse(today) - ago * DAY_MS + (((start % DAY_MS) + DAY_MS) % DAY_MS);
  const text = (time: number): string => new Date(time).toISOString().replace('.000Z', '+00:00');
  return { ...visit, start: text(from), end: text(from + (end - start)) };
}
