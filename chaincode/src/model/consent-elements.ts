/**
 * What becomes of each element of R4's Consent, and what in those beside the provision keeps a consent from being taken: whatever
 * says something about who sees what is read or refused, and the rest is kept without effect.
 * @see https://hl7.org/fhir/R4/consent.html
 */
import type { Code } from './consent-codes.ts';
import { POLICY_RULES } from './consent-codes.ts';
import type { ConsentRefusal, Doubt } from './consent-refusals.ts';
import { EMERGENCIES } from './emergencies.ts';

/**
 * Read: it decides. Held to: it must agree with the rest. Refused: nobody could keep to it. Kept: it stands in the document and
 * changes no decision.
 */
export type Becomes = 'read' | 'held to' | 'refused' | 'kept';

/** Every element of a Consent of scope patient-privacy, with a note where it needs one. */
export const CONSENT_ELEMENTS: Readonly<Record<string, readonly [becomes: Becomes, note?: string]>> = {
  id: ['kept'],
  meta: ['kept'],
  implicitRules: ['refused'],
  language: ['kept'],
  text: ['kept', 'the provision counts, whatever the narrative says'],
  contained: ['kept', 'nobody is named by what it contains'],
  extension: ['kept', 'a patient’s signature is read'],
  modifierExtension: ['refused', 'anywhere in it'],
  identifier: ['kept'],
  status: ['read', 'only active permits or denies'],
  scope: ['read'],
  category: ['held to', 'a directive among the categories must be what the rule and the provision say'],
  patient: ['read'],
  dateTime: ['kept', 'a consent counts from when it is recorded; period says otherwise'],
  performer: ['kept', 'who gives it is who is signed in, or whose key signed it'],
  organization: ['read', 'the provider whose data it governs'],
  source: ['kept', 'the provision counts, whatever a scanned form says'],
  policy: ['kept', 'no policy elsewhere is looked up'],
  policyRule: ['read', 'OPTIN and OPTOUT; another policy’s code is kept, and words alone are refused'],
  verification: ['held to', 'one that was not verified is refused'],
  provision: ['read'],
};

/** The same of a provision, at any depth. */
export const PROVISION_ELEMENTS: Readonly<Record<string, readonly [becomes: Becomes, note?: string]>> = {
  id: ['kept'],
  extension: ['kept'],
  modifierExtension: ['refused'],
  type: ['read'],
  period: ['read'],
  actor: ['read'],
  action: ['read'],
  securityLabel: ['read'],
  purpose: ['read'],
  class: ['read'],
  code: ['read'],
  dataPeriod: ['read'],
  data: ['read'],
  provision: ['read'],
};

interface Concept {
  coding?: readonly Code[] | undefined;
}
interface Provision {
  type?: unknown;
  purpose?: readonly Code[] | undefined;
  provision?: readonly Provision[] | undefined;
}
type Content = Readonly<Record<string, unknown>>;

const doubt = (rule: ConsentRefusal, expression: string): Doubt => ({ rule, expression });

/** `source[x]` is written with its type. */
const elementOf = (name: string): string => name.replace(/^_/, '').replace(/^source(?=[A-Z])[A-Za-z]+$/, 'source');

/** What of the elements beside the provision keeps an agreement about disclosure from being taken. */
export const frameDoubts = (consent: Content): Doubt[] => [
  ...unknownElements(consent),
  ...wordsAlone(consent),
  ...disagreeingCategories(consent),
  ...unverifiedDoubts(consent),
];

/** What a later FHIR, or nobody, has: it may be what decides. */
const unknownElements = (consent: Content): Doubt[] =>
  Object.keys(consent)
    .filter((name) => name !== 'resourceType' && !Object.hasOwn(CONSENT_ELEMENTS, elementOf(name)))
    .map((name) => doubt('unknown-criterion', `Consent.${/^[A-Za-z]{1,40}$/.test(name) ? name : '*'}`));

/** A rule without a code, which nobody could keep to. */
function wordsAlone({ policyRule }: Content): Doubt[] {
  if (policyRule === undefined) return [];
  const { coding = [] } = policyRule as Concept;
  const isCoded = coding.length > 0 && coding.every(({ code = '' }) => code !== '');
  return isCoded ? [] : [doubt('policy-rule-words', 'Consent.policyRule')];
}

/** A permission, or a denial, that was not verified with her is nobody's word yet: also of a delegation. */
export const unverifiedDoubts = ({ verification }: Content): Doubt[] =>
  ([verification ?? []].flat() as { verified?: unknown }[]).flatMap(({ verified }, index) =>
    verified === true ? [] : [doubt('unverified', `Consent.verification[${index}].verified`)],
  );

/** HL7's consent directives, which some write as categories (v3-ActCode, and consentcategorycodes in small letters). */
const DIRECTIVES = new Set('EMRGONLY GRANTORCHOICE IMPLIED IMPLIEDD NOCONSENT OPTIN OPTINR OPTOUT OPTOUTE'.split(' '));

function disagreeingCategories(consent: Content): Doubt[] {
  const categories = [consent['category'] ?? []].flat() as Concept[];
  return categories.flatMap(({ coding = [] }, index) => {
    const directives = coding.map(({ code = '' }) => code.toUpperCase()).filter((code) => DIRECTIVES.has(code));
    const isSaid = directives.every((directive) => says(consent, directive));
    return isSaid ? [] : [doubt('category-disagrees', `Consent.category[${index}]`)];
  });
}

/** Whether rule and provision say what a directive does. */
function says({ policyRule, provision }: Content, directive: string): boolean {
  const base = ((policyRule ?? {}) as Concept).coding?.map(({ code = '' }) => code) ?? [];
  if (directive in POLICY_RULES) return base.includes(directive);
  if (directive !== 'EMRGONLY' || base.includes('OPTIN')) return false;
  return provision === undefined || permitsEmergenciesAlone(provision as Provision, false);
}

function permitsEmergenciesAlone({ type, purpose = [], provision = [] }: Provision, isAround: boolean): boolean {
  const named = purpose.map(({ code = '' }) => code);
  const isEmergency = isAround || (named.length > 0 && named.every((code) => EMERGENCIES.some((one) => one === code)));
  return (type !== 'permit' || isEmergency) && provision.every((inner) => permitsEmergenciesAlone(inner, isEmergency));
}
