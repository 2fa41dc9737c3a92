/**
 * Linking of one person's Patient records at several providers. Each provider's collection says that a Patient of its own is of
 * a person; the person is a random id, and what would tell one provider where else she is known is in none of it. Records are of
 * one person where both say so and share something that identifies people, which each provider's peer takes from its own record.
 */
import { z } from 'zod';
import { canonicalJson, sha256Hex } from './canonical.ts';
import type { Resource } from './fhir.ts';
import { fhirIdSchema, hashSchema, idSchema, instantSchema, saltSchema } from './texts.ts';

/** The most of what identifies a Patient that is looked at. */
const MAX_IDENTITIES = 100;

const LINK_STATUSES = ['linked', 'unlinked'] as const;

/** `link/<patient>/<n>` in care_<Provider>: of which person a Patient is, one generation after the other. */
export const linkSchema = z.strictObject({
  schema: z.literal(1),
  patient: fhirIdSchema,
  /** Random; the same of all records of one person. */
  person: idSchema,
  status: z.enum(LINK_STATUSES),
  /** What identifies her in that record, each keyed with the person: nobody else can tell what it is. */
  identities: z.array(hashSchema).max(MAX_IDENTITIES),
  /** What of her is told apart in that record, keyed alike: two records that differ in it are of two people. */
  born: hashSchema.optional(),
  gender: hashSchema.optional(),
  /** Version of the Patient that says so. */
  version: z.int().min(1).max(999_999_999),
  /** Who asked: the patient, or the custodian, which begins a link only of who has no key of her own. */
  by: z.enum(['patient', 'custodian']),
  at: instantSchema,
  salt: saltSchema,
});
export type PatientLink = z.infer<typeof linkSchema>;

/** As names are compared: without regard to case, accents and the amount of white space. */
const comparable = (text: string): string =>
  text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trim().replace(/\s+/g, ' ');

interface Identity {
  kind: 'identifier' | 'person';
  parts: string[];
}

/** What identifies a Patient: each identifier with its system, and each name together with birth date and gender. */
export function identitiesIn(patient: Resource): Identity[] {
  const { birthDate, gender } = patient as { birthDate?: unknown; gender?: unknown };
  const identifiers = objectsIn(patient['identifier']).flatMap(({ system, value }): Identity[] =>
    isText(system) && isText(value) ? [{ kind: 'identifier', parts: [system, value] }] : [],
  );
  if (!isDay(birthDate) || !isText(gender) || gender === 'unknown') return identifiers;
  const names = objectsIn(patient['name']).flatMap(({ family, given }): Identity[] => {
    const [first] = [given ?? []].flat();
    if (!isText(family) || !isText(first)) return [];
    return [{ kind: 'person', parts: [comparable(family), comparable(first), birthDate, gender] }];
  });
  return [...identifiers, ...names];
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';
/** A year or a month is many people's. */
const isDay = (value: unknown): value is string => typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value);
const objectsIn = (value: unknown): Record<string, unknown>[] =>
  [value].flat().filter((one) => typeof one === 'object' && one !== null) as Record<string, unknown>[];

/** The same, each keyed with a person; ascending. */
export const identityHashes = (patient: Resource, person: string): string[] =>
  [...new Set(identitiesIn(patient).map((identity) => sha256Hex(`identity/${person}/${canonicalJson(identity)}`)))]
    .sort()
    .slice(0, MAX_IDENTITIES);

/** Her birth date and gender where a record states them, each keyed with a person. */
export function apartHashes({ birthDate, gender }: Resource, person: string): Pick<PatientLink, 'born' | 'gender'> {
  const keyed = (name: string, value: string): string => sha256Hex(`${name}/${person}/${value}`);
  return {
    ...(isDay(birthDate) ? { born: keyed('born', birthDate) } : {}),
    ...(isText(gender) && gender !== 'unknown' ? { gender: keyed('gender', gender) } : {}),
  };
}

/** Whether two Patients are of one person as far as records tell: something identifies both, and nothing says otherwise. */
export function isOnePerson(one: Resource, other: Resource): boolean {
  const [known, shared] = [one, other].map((patient) => identityHashes(patient, ''));
  return (
    !isApart(apartHashes(one, ''), apartHashes(other, '')) && known!.some((identity) => shared!.includes(identity))
  );
}

type Apart = Pick<PatientLink, 'born' | 'gender'>;
const isApart = (one: Apart, other: Apart): boolean =>
  (['born', 'gender'] as const).some(
    (name) => one[name] !== undefined && other[name] !== undefined && one[name] !== other[name],
  );

/** Whether two links are of one person, as their providers' peers agreed. */
export const isSamePerson = (one: PatientLink, other: PatientLink): boolean =>
  one.status === 'linked' &&
  other.status === 'linked' &&
  one.person === other.person &&
  !isApart(one, other) &&
  one.identities.some((identity) => other.identities.includes(identity));
