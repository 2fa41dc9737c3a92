/**
 * Delegations: a patient's consent that somebody acts for her at her own gateway. A FHIR Consent of a scope of its own, so that
 * it never permits a disclosure; it stands on the ledger, is amended and revoked like any, and is in force while its period is.
 * @see https://hl7.org/fhir/R4/consent.html
 */
import {
  CARETAKER_ACT_SYSTEM,
  CARETAKER_ACTS,
  type CaretakerAct,
  type Code,
  DELEGATION,
  DELEGATION_SCOPES,
} from './consent-codes.ts';
import { unverifiedDoubts } from './consent-elements.ts';
import type { Doubt } from './consent-refusals.ts';
import { contains, spanOfPeriod } from './periods.ts';

interface Concept {
  coding?: readonly Code[];
}
interface Provision {
  type?: unknown;
  period?: unknown;
  actor?: readonly { role?: Concept; reference?: { reference?: unknown } }[];
  action?: readonly Concept[];
  provision?: unknown;
}
type Content = Readonly<Record<string, unknown>>;

const scopesOf = ({ scope }: Content): readonly Code[] => (scope as Concept | undefined)?.coding ?? [];

/** Whether a consent is one, whatever else it is. */
export const isDelegation = (consent: Content): boolean =>
  scopesOf(consent).some(({ system, code }) => system === DELEGATION_SCOPES && code === DELEGATION);

const CARETAKER = /^(?:RelatedPerson|Person)\/[A-Za-z0-9.-]{1,64}$/;
const isAct = ({ system, code = '' }: Code): boolean =>
  system === CARETAKER_ACT_SYSTEM && CARETAKER_ACTS.some((act) => act === code);

/** Elements of a provision that a delegation may have. */
const KNOWN = new Set(['id', 'type', 'period', 'actor', 'action', 'extension']);
const AT = 'Consent.provision';
const doubt = (rule: Doubt['rule'], expression: string): Doubt => ({ rule, expression });

/** Everything in a delegation that nobody could keep to; nothing where it has one meaning. */
export function delegationDoubts(consent: Content): Doubt[] {
  const several = scopesOf(consent).some(({ system, code }) => system !== DELEGATION_SCOPES || code !== DELEGATION);
  const provision = consent['provision'] as Provision | undefined;
  return [
    ...(several ? [doubt('scope-not-one', 'Consent.scope')] : []),
    ...unverifiedDoubts(consent),
    ...(isOptOut(consent) ? [doubt('delegation-form', 'Consent.policyRule')] : []),
    ...(provision === undefined ? [doubt('delegation-form', AT)] : provisionDoubts(provision)),
  ];
}

const isOptOut = ({ policyRule }: Content): boolean =>
  ((policyRule as Concept | undefined)?.coding ?? []).some(({ code }) => code === 'OPTOUT');

function provisionDoubts(provision: Provision): Doubt[] {
  const { type, period, actor = [], action = [] } = provision;
  const unknown = Object.keys(provision).filter((name) => !KNOWN.has(name));
  const span = period === undefined ? undefined : spanOfPeriod(period);
  return [
    ...(type === 'permit' ? [] : [doubt('delegation-form', `${AT}.type`)]),
    ...unknown.map((name) => doubt('delegation-form', `${AT}.${/^[A-Za-z]{1,40}$/.test(name) ? name : '*'}`)),
    ...(period !== undefined && span === undefined ? [doubt('period-no-date', `${AT}.period`)] : []),
    ...(span !== undefined && span.start >= span.end ? [doubt('period-inverted', `${AT}.period`)] : []),
    ...(actor.length === 0 ? [doubt('delegation-actor', `${AT}.actor`)] : []),
    ...actor.flatMap(({ reference }, index) =>
      CARETAKER.test(String(reference?.reference)) ? [] : [doubt('delegation-actor', `${AT}.actor[${index}]`)],
    ),
    ...(action.length === 0 ? [doubt('delegation-action', `${AT}.action`)] : []),
    ...action.flatMap(({ coding = [] }, index) =>
      coding.length > 0 && coding.every(isAct) ? [] : [doubt('delegation-action', `${AT}.action[${index}]`)],
    ),
  ];
}

/** Whom a delegation names, by the places of its actors. */
export const actorsOfDelegation = (consent: Content): string[] => {
  const { actor = [] } = (consent['provision'] ?? {}) as Provision;
  return actor.map(({ reference }) => String(reference?.reference));
};

/** What a delegation lets them do, by the places of its actions. */
export const actsOfDelegation = (consent: Content): string[][] => {
  const { action = [] } = (consent['provision'] ?? {}) as Provision;
  return action.map(({ coding = [] }) => coding.map(({ code = '' }) => code));
};

/** Whom a delegation names, each once. */
export const caretakersOf = (consent: Content): string[] => [...new Set(actorsOfDelegation(consent))];

export interface Delegation {
  /** `RelatedPerson/<id>` or `Person/<id>`, each once. */
  caretakers: string[];
  acts: CaretakerAct[];
}

/** Whom a consent lets act at a time, and how; undefined for what is no delegation, or not in force then by its own words. */
export function delegationAt(consent: Content, now: string): Delegation | undefined {
  if (!isDelegation(consent) || consent['status'] !== 'active' || delegationDoubts(consent).length > 0)
    return undefined;
  const { period } = consent['provision'] as Provision;
  const span = period === undefined ? undefined : spanOfPeriod(period);
  if (span !== undefined && !contains(span, Date.parse(now))) return undefined;
  const codes = new Set(actsOfDelegation(consent).flat());
  return {
    caretakers: caretakersOf(consent),
    acts: CARETAKER_ACTS.filter((act) => codes.has(act)),
  };
}
