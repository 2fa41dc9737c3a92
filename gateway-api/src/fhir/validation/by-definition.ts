/**
 * What R4's definitions say against a value and this gateway records all the same, because R4's own examples and much of what
 * hospitals have say it: codes that a code system or UCUM lacks, canonical URLs that are relative, HL7's extensions with other
 * values, periods of two precisions.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Issue } from '../outcomes.ts';
import { isUnit, UCUM } from '../units/ucum.ts';
import { bindingOf, isBound } from './bindings.ts';
import type { ExtensionRow } from './definitions/rows.ts';
import { isOfPrimitive } from './primitives.ts';

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

let extensions: ReadonlyMap<string, ExtensionRow> | undefined;
/** Those of HL7's own extensions that have a value. */
const extensionOf = (url: string): ExtensionRow | undefined => {
  extensions ??= new Map(
    Object.entries(
      JSON.parse(readFileSync(new URL('definitions/extensions.json', import.meta.url), 'utf8')) as Record<
        string,
        ExtensionRow
      >,
    ),
  );
  return extensions.get(url);
};

/** hl7.org/fhir/R4/extensibility-registry.html: an extension has a value as it is defined. */
function ofExtension(extension: Members): Fault | undefined {
  const known = extensionOf(String(extension['url']));
  if (known === undefined) return undefined;
  const name = Object.keys(extension).find((one) => /^_?value[A-Z]/.test(one));
  const type = known.t.find((one) => name?.replace(/^_?value/, '') === one.charAt(0).toUpperCase() + one.slice(1));
  if (name === undefined || type === undefined)
    return fault('structure', '', `This extension has a value of the type ${known.t.join(' or ')}.`);
  const isKnown = known.v === undefined || name.startsWith('_') || isBound(bindingOf(known.v), type, extension[name]);
  return isKnown ? undefined : fault('code-invalid', `.${name}`, `The code is not in the value set ${known.v}.`);
}

function ofCanonical(canonical: unknown): Fault | undefined {
  if (typeof canonical !== 'string' || canonical.startsWith('#')) return undefined;
  if (!ABSOLUTE.test(canonical))
    return fault('value', '', 'A canonical URL is absolute, or names something contained.');
  return isOfPrimitive('uri', canonical.replace(/\|.*$/s, ''))
    ? undefined
    : fault('value', '', 'A URL that says that it is an OID or a UUID is one.');
}

const JUDGED: Record<string, (value: Members) => Fault | undefined> = {
  Coding: ofCoding,
  Quantity: ofSystem,
  Identifier: ofUris,
  Attachment: ofData,
  Period: ofTwoPrecisions,
  Extension: ofExtension,
};

/** Of a CodeableConcept another coding, or the text, may say what one of somebody's own does not. */
const isAlone = (path: string): boolean => !/\.coding\[\d+\]$/.test(path);
const isRelative = ({ system }: Members): boolean => typeof system === 'string' && !ABSOLUTE.test(system);

/** What the definitions say against a sound value of a type, besides what is refused here; undefined for nothing. */
export function byDefinition(type: string, value: unknown, path: string): Fault | undefined {
  if (type === 'Coding' && isAlone(path) && isRelative(value as Members))
    return fault('value', '.system', 'This system is an absolute URI.');
  if (type === 'canonical') return ofCanonical(value);
  return Object.hasOwn(JUDGED, type) ? JUDGED[type]!(value as Members) : undefined;
}
