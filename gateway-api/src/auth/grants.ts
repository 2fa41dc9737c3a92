/**
 * Scopes of SMART App Launch (hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html) as a token states them; what they
 * leave of what a role may do is in scopes.ts.
 */
/** create; read, vread and history of an instance; update and patch; delete; search and history of a type. */
export type Act = 'c' | 'r' | 'u' | 'd' | 's';
const ACTS: readonly Act[] = ['c', 'r', 'u', 'd', 's'];

export interface Grant {
  level: 'patient' | 'user' | 'system';
  /** A resource type, or `*`. */
  type: string;
  acts: readonly Act[];
  /** A search that narrows it: `category=laboratory`. */
  query?: string;
}

export interface Scopes {
  grants: readonly Grant[];
  /** Id of the Patient in context, whom scopes of the level `patient` are about. */
  patient?: string;
}

const FIRST: Readonly<Record<string, readonly Act[]>> = { read: ['r', 's'], write: ['c', 'u', 'd'], '*': ACTS };
const SCOPE = /^(patient|user|system)\/(\*|[A-Z][A-Za-z]{1,63})\.(read|write|\*|c?r?u?d?s?)(?:\?(\S+))?$/;

/** A scope as it is granted; undefined for what is none of resources. Version 1's `.read` and `.write` are mapped. */
export function grantOf(scope: string): Grant | undefined {
  const [, level, type = '', letters = '', query] = SCOPE.exec(scope) ?? [];
  const acts = FIRST[letters] ?? ([...letters] as Act[]);
  if (level === undefined || acts.length === 0) return undefined;
  return { level: level as Grant['level'], type, acts, ...(query === undefined ? {} : { query }) };
}

/** @param patient of the launch, where there is one */
export function scopesIn(text: string, patient: string | undefined): Scopes {
  const grants = text.split(' ').flatMap((one) => grantOf(one) ?? []);
  return { grants, ...(patient === undefined ? {} : { patient }) };
}
