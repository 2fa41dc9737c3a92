/**
 * What R4's definitions say against a value and this gateway records all the same, because R4's own examples and much of what
 * hospitals have say it: codes that a code system or UCUM lacks, canonical URLs that are relative, periods of two precisions.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Issue } from '../outcomes.ts';
import { isUnit, UCUM } from '../units/ucum.ts';

interface Fault {
  code: Issue['code'];
  /** Behind the path of the value. */
  at: string;
  text: string;
}

type Members = Readonly<Record<string, unknown>>;
const fault = (code: Issue['code'], at: string, text: string): Fault => ({ code, at, text });
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:/i;

let systems: Map<string, ReadonlySet<string>> | undefined;
/** The codes of a code system that R4's definitions hold whole. */
function codesOf(system: string): ReadonlySet<string> | undefined {
  systems ??= new Map(
    Object.entries(
      JSON.parse(readFileSync(new URL('definitions/systems.json', import.meta.url), 'utf8')) as Record<
        string,
        string[]
      >,
    ).map(([url, codes]) => [url, new Set(codes)]),
  );
  return systems.get(system);
}

/** hl7.org/fhir/R4/datatypes.html#Coding: a code is one of its system. */
function ofSystem({ system, code }: Members): Fault | undefined {
  if (typeof system !== 'string' || typeof code !== 'string') return undefined;
  const isKnown = system === UCUM ? isUnit(code) : (codesOf(system)?.has(code) ?? true);
  return isKnown ? undefined : fault('code-invalid', '.code', 'The code system does not have this code.');
}

/** A Coding that names a system known as a list says nothing without a code of it. */
const ofCoding = (coding: Members): Fault | undefined =>
  coding['code'] === undefined && coding['_code'] === undefined && codesOf(String(coding['system'])) !== undefined
    ? fault('code-invalid', '', 'A system is named, and no code of it.')
    : ofSystem(coding);

/** hl7.org/fhir/R4/datatypes.html#Identifier: of urn:ietf:rfc:3986 the value is a full URI. */
const ofUris = ({ system, value }: Members): Fault | undefined =>
  system === 'urn:ietf:rfc:3986' && typeof value === 'string' && !ABSOLUTE.test(value)
    ? fault('value', '.value', 'An identifier of urn:ietf:rfc:3986 is a full URI.')
    : undefined;

/** hl7.org/fhir/R4/datatypes.html#Attachment: the hash is SHA-1's, in base64. */
const ofData = ({ data, hash }: Members): Fault | undefined =>
  typeof data === 'string' &&
  typeof hash === 'string' &&
  createHash('sha1').update(Buffer.from(data, 'base64')).digest('base64') !== hash
    ? fault('value', '.hash', 'This is not the SHA-1 of the data in base64.')
    : undefined;

/** per-1 as FHIRPath reads it: what is equal as far as both say it, and said to two precisions, cannot be compared. */
const ofTwoPrecisions = ({ start, end }: Members): Fault | undefined => {
  if (typeof start !== 'string' || typeof end !== 'string') return undefined;
  const precision = Math.min(start.length, end.length, 11);
  const isSame = start.length === end.length || (start.length > 10 && end.length > 10);
  return !isSame && start.slice(0, precision) === end.slice(0, precision)
    ? fault('invariant', '', 'per-1: start and end are of two precisions, and equal as far as both go.')
    : undefined;
};

const isAbsolute = (canonical: unknown): Fault | undefined =>
  typeof canonical === 'string' && !canonical.startsWith('#') && !ABSOLUTE.test(canonical)
    ? fault('value', '', 'A canonical URL is absolute, or names something contained.')
    : undefined;

const JUDGED: Record<string, (value: Members) => Fault | undefined> = {
  Coding: ofCoding,
  Quantity: ofSystem,
  Identifier: ofUris,
  Attachment: ofData,
  Period: ofTwoPrecisions,
};

/** What the definitions say against a sound value of a type, besides what is refused here; undefined for nothing. */
export function byDefinition(type: string, value: unknown): Fault | undefined {
  if (type === 'canonical') return isAbsolute(value);
  return Object.hasOwn(JUDGED, type) ? JUDGED[type]!(value as Members) : undefined;
}
