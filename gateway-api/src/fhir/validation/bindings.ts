/**
 * Required bindings (hl7.org/fhir/R4/terminologies.html#required): whether a code, Coding or CodeableConcept takes
 * its code from the value set it must come from. Everything is decided from codes.json, nothing is looked up.
 */
import { readFileSync } from 'node:fs';
import type { Codes } from './definitions/rows.ts';

/** A required value set. */
export interface Binding {
  url: string;
  /** A bare code, as in a `code` element. */
  hasCode(code: string): boolean;
  hasCoding(system: string | undefined, code: string | undefined): boolean;
}

/** Systems without a list of codes: a code is recognised by its form. */
const FORMS: Record<string, (code: string) => boolean> = {
  /** Media types (RFC 2046), parameters allowed. */
  'urn:ietf:bcp:13': (code) => /^[\w.+-]+\/[\w.+*-]+(?:; ?[\w.+-]+=[^;]+)*$/.test(code),
  /** Language tags (RFC 5646). */
  'urn:ietf:bcp:47': (code) => /^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/.test(code),
  /** Currencies: the list that comes with the runtime. */
  'urn:iso:std:iso:4217': (code) => currencies().has(code),
  'http://unitsofmeasure.org': (code) => /^[!-~]+$/.test(code),
};

let knownCurrencies: Set<string> | undefined;
const currencies = (): Set<string> => {
  knownCurrencies ??= new Set(Intl.supportedValuesOf('currency'));
  return knownCurrencies;
};

const codes = JSON.parse(readFileSync(new URL('definitions/codes.json', import.meta.url), 'utf8')) as Codes;

/** By system, the codes of a value set of R4's own that is required somewhere; `true` for a system that has no list. */
export const codesOf = (url: string): Codes[string] | undefined => (Object.hasOwn(codes, url) ? codes[url] : undefined);

const testOf = (system: string, list: string[] | true): ((code: string) => boolean) => {
  if (list === true) return FORMS[system]!;
  const set = new Set(list);
  return (code) => set.has(code);
};

function build(url: string): Binding {
  const systems = new Map(Object.entries(codes[url]!).map(([system, list]) => [system, testOf(system, list)]));
  const tests = [...systems.values()];
  return {
    url,
    hasCode: (code) => tests.some((test) => test(code)),
    hasCoding: (system, code) => system !== undefined && code !== undefined && systems.get(system)?.(code) === true,
  };
}

const built = new Map<string, Binding>();

/** The binding of a value set of codes.json. */
export function bindingOf(url: string): Binding {
  const known = built.get(url);
  if (known !== undefined) return known;
  const binding = build(url);
  built.set(url, binding);
  return binding;
}

interface Coding {
  system?: string;
  code?: string;
}

/** Whether a value that is structurally sound takes its code from the set; of several codings one is enough. */
export function isBound(binding: Binding, type: string, value: unknown): boolean {
  if (typeof value === 'string') return binding.hasCode(value);
  if (type === 'CodeableConcept') {
    const { coding } = value as { coding?: Coding[] };
    return coding?.some((one) => binding.hasCoding(one.system, one.code)) === true;
  }
  if (type === 'Coding' || type === 'Quantity') {
    const { system, code } = value as Coding;
    return binding.hasCoding(system, code);
  }
  return true;
}
