/**
 * Whether a new version of a consent only takes away from the one before: then the old one can be withdrawn at once, and
 * nobody sees meanwhile what the patient does not want seen. What cannot be proved from the two texts alone is not taken
 * for narrower. How a consent is evaluated is the chaincode's: https://hl7.org/fhir/R4/consent.html
 */
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';

type Json = Record<string, unknown>;

interface Provision extends Json {
  type?: unknown;
  provision?: unknown;
}

/**
 * Whether everything that `next` permits `before` permitted, and `before` denied nothing: one that denies keeps other
 * consents from permitting, and is not to be missed for a moment. Equal ones take nothing away.
 */
export function onlyTakesAway(before: Json, next: Json): boolean {
  if (bearingOf(before) === bearingOf(next)) return false;
  if (!sameIn(['status', 'scope', 'patient', 'organization'], before, next)) return false;
  if (!isOfPrivacy(before) || deniesSomething(before)) return false;
  return permitsNothing(next) || permitsAll(before) || isWithin(next, before);
}

/** What of a consent bears on what it permits. */
const bearingOf = ({ status, scope, patient, organization, policyRule, provision }: Json): string =>
  canonicalJson({ status, scope, patient, organization, policyRule, provision });

const isSame = (one: unknown, other: unknown): boolean => canonicalJson({ one }) === canonicalJson({ one: other });
const sameIn = (elements: readonly string[], one: Json, other: Json): boolean =>
  elements.every((element) => isSame(one[element], other[element]));

const listIn = (value: unknown): Json[] =>
  [value ?? []].flat().filter((item) => typeof item === 'object' && item !== null) as Json[];

const rootOf = ({ provision }: Json): Provision | undefined => listIn(provision)[0];
const nestedIn = ({ provision }: Provision): Provision[] => listIn(provision);

const SCOPES = 'http://terminology.hl7.org/CodeSystem/consentscope';
/** Others are documents, and permit nothing here. */
const isOfPrivacy = ({ scope }: Json): boolean =>
  listIn((scope as Json | undefined)?.['coding']).some(
    ({ system, code }) => system === SCOPES && code === 'patient-privacy',
  );

/** HL7 v3 ActCode: what no provision speaks about is permitted, or denied. */
function baseOf({ policyRule }: Json): 'permit' | 'deny' | undefined {
  const codes = listIn((policyRule as Json | undefined)?.['coding']).map(({ code }) => code);
  if (codes.includes('OPTOUT')) return 'deny';
  return codes.includes('OPTIN') ? 'permit' : undefined;
}

/** Whether this provision or one within it is of a type that fits. */
const isSomewhere = (
  provision: Provision,
  fits: (one: Provision, isRoot: boolean) => boolean,
  isRoot = true,
): boolean => fits(provision, isRoot) || nestedIn(provision).some((inner) => isSomewhere(inner, fits, false));

/** A nested provision without a type denies, as does one of a type that nobody knows. */
const denies = ({ type }: Provision, isRoot: boolean): boolean =>
  isRoot ? type !== undefined && type !== 'permit' : type !== 'permit';

function deniesSomething(consent: Json): boolean {
  const root = rootOf(consent);
  return baseOf(consent) === 'deny' || (root !== undefined && isSomewhere(root, denies));
}

const permits = ({ type }: Provision): boolean => type === 'permit';

function permitsNothing(consent: Json): boolean {
  const root = rootOf(consent);
  return baseOf(consent) !== 'permit' && (root === undefined || !isSomewhere(root, permits));
}

/** Of a consent that denies nothing. */
function permitsAll(consent: Json): boolean {
  const root = rootOf(consent);
  if (root === undefined) return baseOf(consent) === 'permit';
  return permitsByItself(root, consent) && nestedIn(root).length === 0 && criteriaOf(root).length === 0;
}

/** Whether a root permits whatever it applies to, by its own type or the consent's rule. */
const permitsByItself = (root: Provision, consent: Json): boolean => permits(root) || baseOf(consent) === 'permit';

/** Without a type it says nothing but the period of all; what it says beside is no one meaning, and permits nothing. */
const isSound = (root: Provision): boolean =>
  root.type !== undefined || criteriaOf(root).every((name) => name === 'period');

/**
 * Whether each record that `next` permits is one that `before`, which denies nothing, permits. A permission inside one that
 * permits by itself has two meanings, and the chaincode lets it permit nothing.
 */
function isWithin(next: Json, before: Json): boolean {
  const [inner, outer] = [rootOf(next), rootOf(before)];
  if (inner === undefined || outer === undefined || !isSound(outer)) return false;
  const isRead = permits(inner) || (inner.type === undefined && baseOf(next) !== 'deny');
  if (!isRead || !areCriteriaWithin(inner, outer)) return false;
  if (permitsByItself(outer, before)) return nestedIn(outer).length === 0;
  const isGroup = nestedIn(outer).every((one) => permits(one) && nestedIn(one).length === 0);
  return isGroup && !permitsByItself(inner, next) && nestedIn(inner).every((one) => isCovered(one, nestedIn(outer)));
}

/** A nested provision that permits nothing, or nothing but what one of the others permits. */
const isCovered = (inner: Provision, others: readonly Provision[]): boolean =>
  !isSomewhere(inner, permits) || (permits(inner) && others.some((outer) => areCriteriaWithin(inner, outer)));

const NO_CRITERIA = new Set(['id', 'type', 'provision', 'extension']);
const criteriaOf = (provision: Provision): string[] =>
  Object.keys(provision).filter((name) => !NO_CRITERIA.has(name) && !name.startsWith('_'));

/** Criteria of which one element that fits is enough. */
const ANY_OF = new Set(['actor', 'action', 'purpose', 'class', 'code', 'data']);
const PERIODS = new Set(['period', 'dataPeriod']);

/** Of provisions that permit: whatever meets the criteria of one meets those of the other. */
const areCriteriaWithin = (inner: Provision, outer: Provision): boolean =>
  criteriaOf(outer).every((name) => isCriterionWithin(name, inner[name], outer[name]));

function isCriterionWithin(name: string, inner: unknown, outer: unknown): boolean {
  if (inner === undefined) return false;
  if (isSame(inner, outer)) return true;
  if (PERIODS.has(name)) return isPeriodWithin(inner as Json, outer as Json);
  if (!ANY_OF.has(name) || !Array.isArray(inner) || !Array.isArray(outer)) return false;
  if (name === 'actor' && outer.some(isCustodian)) return false;
  const known = new Set(outer.map((one) => canonicalJson(one)));
  return inner.every((one) => known.has(canonicalJson(one)));
}

/** Whose data it is, which is asked beside who may see it: without the one or the other more is permitted. */
const isCustodian = (actor: Json): boolean =>
  listIn((actor['role'] as Json | undefined)?.['coding']).some(({ code }) => code === 'CST');

function isPeriodWithin(inner: Json, outer: Json): boolean {
  const [starts, ends] = [
    [inner['start'], outer['start']],
    [inner['end'], outer['end']],
  ];
  return isBound(starts!, (one, other) => one >= other) && isBound(ends!, (one, other) => one <= other);
}

/** Bounds that are the same, or of one form, so that their order is the order of time. */
function isBound([inner, outer]: unknown[], isWithin: (one: number, other: number) => boolean): boolean {
  if (outer === undefined) return inner === undefined || instantOf(inner) !== undefined;
  if (inner === outer) return true;
  const [one, other] = [instantOf(inner), instantOf(outer)];
  return one !== undefined && other !== undefined && one.form === other.form && isWithin(one.at, other.at);
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const SECOND = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:Z|[+-]\d{2}:\d{2})$/;

function instantOf(text: unknown): { form: 'day' | 'second'; at: number } | undefined {
  if (typeof text !== 'string') return undefined;
  const form = DAY.test(text) ? 'day' : SECOND.test(text) ? 'second' : undefined;
  const at = Date.parse(text);
  return form === undefined || Number.isNaN(at) ? undefined : { form, at };
}
