/** The sample visit (scripts/sample/visit.json) with a patient who was never seen before and the day of yesterday. */
import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bundle, Entry } from '../load/bundle.ts';

const SAMPLE = join(import.meta.dirname, '..', 'sample', 'visit.json');
const SAMPLE_DAY = '2026-03-02';
const SAMPLE_NPI = '9990000017';
const DAY_MS = 86_400_000;

export interface Identifier {
  system: string;
  value: string;
}

export interface Visit {
  /** What the hospital records, without the claim. */
  bundle: Bundle;
  /** The claim as it stands in the sample; its references are urn:uuid, its insurance is still missing. */
  claim: Record<string, unknown>;
  /** YYYY-MM-DD */
  day: string;
  mrn: Identifier;
  member: Identifier;
  npi: string;
  /** Everything about the patient and their health that no other organisation may learn from the ledger. */
  secrets: string[];
}

/** Of a practitioner of this visit's own: one who is seen with every patient at the same hour is unusual. */
const newNumber = (): string => String(randomInt(1_000_000_000, 10_000_000_000));

/** The patient's name, as pages show it. */
export function nameIn({ bundle }: Visit): string {
  const patient = bundle.entry.find(({ resource }) => resource?.resourceType === 'Patient')?.resource;
  const [name] = (patient?.['name'] ?? []) as { given?: string[]; family?: string }[];
  return [...(name?.given ?? []), name?.family].join(' ');
}

export function newVisit(): Visit {
  const mark = randomBytes(6).toString('hex');
  const day = new Date(Date.now() - DAY_MS).toISOString().slice(0, 10);
  const names = { Samplepatient: `Samplepatient${mark}`, Ottilie: `Ottilie${mark}` };
  let text = readFileSync(SAMPLE, 'utf8')
    .replaceAll(SAMPLE_DAY, day)
    .replaceAll(SAMPLE_NPI, newNumber())
    .replaceAll(/SAMPLE-(MRN|MEMBER)-0001/g, `$1-${mark}`);
  for (const [name, own] of Object.entries(names)) text = text.replaceAll(name, own);
  const bundle = JSON.parse(text) as Bundle;
  const isClaim = (entry: Entry) => entry.resource?.resourceType === 'Claim';
  const claim = bundle.entry.find(isClaim)?.resource ?? {};
  const identifiers = identifiersOf(bundle);
  return {
    bundle: { ...bundle, entry: bundle.entry.filter((entry) => !isClaim(entry)) },
    claim,
    day,
    mrn: identifiers('Patient', 'https://hospital.example/mrn'),
    member: identifiers('Patient', 'https://payer.example/members'),
    npi: identifiers('Practitioner', 'http://hl7.org/fhir/sid/us-npi').value,
    secrets: [...Object.values(names), `MRN-${mark}`, `MEMBER-${mark}`, ...clinicalSecrets(bundle)],
  };
}

/** Finds an identifier by resource type and system. */
function identifiersOf({ entry }: Bundle): (type: string, system: string) => Identifier {
  return (type, system) => {
    const resource = entry.find((one) => one.resource?.resourceType === type)?.resource;
    const found = (resource?.['identifier'] as Identifier[] | undefined)?.find((one) => one.system === system);
    if (found === undefined) throw new Error(`${SAMPLE} has no ${type} with an identifier of ${system}`);
    return found;
  };
}

/** Codings of clinical terminologies: what a patient has, was measured or was billed. */
const CLINICAL = new Set(['http://snomed.info/sct', 'http://loinc.org']);

/** Clinical codes with their texts, amounts of money, the birth date and the street. */
function clinicalSecrets(bundle: Bundle): string[] {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { system, code, display, value: amount, currency, birthDate, line } = value as Record<string, unknown>;
    if (CLINICAL.has(String(system))) for (const one of [code, display]) if (typeof one === 'string') found.add(one);
    if (currency !== undefined) found.add(String(amount));
    if (typeof birthDate === 'string') found.add(birthDate);
    if (Array.isArray(line)) for (const one of line) found.add(String(one));
    for (const member of Object.values(value)) visit(member);
  };
  visit(bundle);
  return [...found];
}
