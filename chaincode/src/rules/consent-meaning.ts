/**
 * Whether a consent has one meaning, from its text alone. R4's own examples use one structure with two meanings, so what
 * can be read in two ways is refused when it is given, with where it stands and why; nothing is guessed. What needs the
 * consortium, such as whether an actor is known, is in consent-actors.ts.
 * @see https://hl7.org/fhir/R4/consent.html
 */
import { actorNamed } from '../model/actors.ts';
import { canonicalJson } from '../model/canonical.ts';
import {
  actorMeaning,
  type Code,
  classKind,
  DATA_MEANINGS,
  DECIDED_ACTIONS,
  isAction,
  isLabel,
  isLevel,
  isPurpose,
  isRecordOrAuthor,
  POLICY_RULES,
  PRIVACY,
  ruleOf,
  SCOPE_CODES,
  SCOPES,
} from '../model/consent-codes.ts';
import { frameDoubts } from '../model/consent-elements.ts';
import type { ConsentRefusal, Doubt } from '../model/consent-refusals.ts';
import { delegationDoubts, isDelegation } from '../model/delegations.ts';
import { isOfCalendar, spanOfPeriod } from '../model/periods.ts';
import { ACT_CODE } from '../model/security-labels.ts';
import type { Actor, Concept, ConsentContent, Provision } from './consent-content.ts';

export type Effect = 'permit' | 'deny';

/** Members of a provision that say nothing about where it applies. */
const NO_CRITERIA = new Set(['id', 'type', 'provision', 'extension']);

/** The names of the criteria that a provision sets; those we do not know are among them. */
export const criteriaOf = (provision: Provision): string[] =>
  Object.keys(provision).filter((name) => !NO_CRITERIA.has(name) && !name.startsWith('_'));

const codingsOf = (concepts: readonly Concept[]): Code[] => concepts.flatMap(({ coding }) => coding ?? []);

/**
 * Whether a consent is an agreement about disclosure. Consents to a treatment or to research and advance directives are
 * kept as documents; they say nothing here.
 */
export const isOfPrivacy = ({ scope }: ConsentContent): boolean =>
  (scope?.coding ?? []).some(({ system, code }) => system === SCOPES && code === PRIVACY);

/**
 * OPTIN: what no provision speaks about is permitted; OPTOUT: it is denied (HL7 v3 ActCode). Under another system, as in consents
 * that were taken before such were refused, it denies and does not permit.
 */
export function baseOf({ policyRule }: ConsentContent): Effect | undefined {
  const rules = policyRule?.coding ?? [];
  if (rules.some(({ code }) => POLICY_RULES[code ?? ''] === 'deny')) return 'deny';
  return rules.map(ruleOf).find((effect) => effect !== undefined);
}

/** A type that we do not know denies. */
export const typeOf = ({ type }: Provision): Effect | undefined =>
  type === undefined ? undefined : type === 'permit' ? 'permit' : 'deny';

/** Everything in a consent that can be read in two ways, or that nobody could keep; nothing where it has one meaning. */
export function doubtsOf(consent: ConsentContent): Doubt[] {
  const anywhere = modifiersIn(consent, 'Consent');
  if (isDelegation(consent)) return [...anywhere, ...delegationDoubts(consent)];
  if (!isOfPrivacy(consent)) return [...anywhere, ...scopeDoubts(consent)];
  const { provision } = consent;
  const nested = provision === undefined ? [] : rootDoubts(provision, baseOf(consent));
  return [...anywhere, ...frameDoubts(consent), ...ruleDoubts(consent), ...nested];
}

const known = new WeakMap<ConsentContent, boolean>();
/** Whether a consent has one meaning; it is looked into once however many records it is held against. */
export function hasOneMeaning(consent: ConsentContent): boolean {
  const answer = known.get(consent) ?? doubtsOf(consent).length === 0;
  known.set(consent, answer);
  return answer;
}

const doubt = (rule: ConsentRefusal, expression: string): Doubt => ({ rule, expression });
const doubtIf = (isDoubtful: boolean, rule: ConsentRefusal, expression: string): Doubt[] =>
  isDoubtful ? [doubt(rule, expression)] : [];

/** Elements that change the meaning of what they stand in, wherever they stand; FHIR has them refused where unknown. */
const MODIFIERS: Readonly<Record<string, ConsentRefusal>> = {
  modifierExtension: 'modifier-extension',
  implicitRules: 'implicit-rules',
};

/** A member of a place; what is no element's name may be content, and is masked. */
const member = (at: string, name: string): string => `${at}.${/^[A-Za-z]{1,40}$/.test(name) ? name : '*'}`;

function modifiersIn(value: unknown, expression: string): Doubt[] {
  if (Array.isArray(value)) return value.flatMap((one, index) => modifiersIn(one, `${expression}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const element = name.replace(/^_/, '');
    const rule = MODIFIERS[element];
    const place = member(expression, element);
    return rule === undefined ? modifiersIn(inner, place) : [doubt(rule, place)];
  });
}

/** A scope that nobody here knows could be an agreement about disclosure, which then nobody would keep. */
function scopeDoubts({ scope }: ConsentContent): Doubt[] {
  const [first, ...others] = scope?.coding ?? [];
  const isKnown = first?.system === SCOPES && SCOPE_CODES.includes(first.code ?? '');
  const isOther = others.some(({ system, code }) => system !== first?.system || code !== first?.code);
  return [
    ...doubtIf(isOther, 'scope-not-one', 'Consent.scope'),
    ...doubtIf(!isOther && !isKnown, 'scope-unknown', 'Consent.scope'),
  ];
}

function ruleDoubts(consent: ConsentContent): Doubt[] {
  const rules = consent.policyRule?.coding ?? [];
  const stated = rules.flatMap((coding) => ruleOf(coding) ?? []);
  // A directive by its code in another system is no other policy's name.
  const isUnknown = rules.some(
    (coding) => ruleOf(coding) === undefined && (coding.system === ACT_CODE || (coding.code ?? '') in POLICY_RULES),
  );
  return [
    ...scopeDoubts(consent),
    ...doubtIf(new Set(stated).size > 1, 'policy-rule-not-one', 'Consent.policyRule'),
    ...doubtIf(isUnknown, 'policy-rule-unknown', 'Consent.policyRule'),
  ];
}

/** R4 has no type in the root, IHE PCF requires it: it may be left out only where the root says nothing but its period. */
function rootDoubts(root: Provision, base: Effect | undefined): Doubt[] {
  const at = 'Consent.provision';
  const isGuess = root.type === undefined && criteriaOf(root).some((name) => name !== 'period');
  return [
    ...doubtIf(isGuess, 'root-without-type', at),
    ...provisionDoubts(root, at),
    ...nestedDoubts(root, at, { effect: typeOf(root) ?? base, criteria: [root] }),
  ];
}

/** What a nested provision is an exception to. */
interface Outer {
  effect: Effect | undefined;
  /** The provisions that it is nested in. */
  criteria: readonly Provision[];
}

function nestedDoubts({ provision: inner = [] }: Provision, at: string, outer: Outer): Doubt[] {
  return inner.flatMap((one, index) => {
    const place = `${at}.provision[${index}]`;
    const effect = typeOf(one);
    const isCancelling = effect !== undefined && outer.effect !== undefined && effect !== outer.effect;
    return [
      ...doubtIf(effect === undefined, 'nested-without-type', place),
      ...doubtIf(effect === 'permit' && outer.effect === 'permit', 'nested-permit', place),
      ...doubtIf(isCancelling && addsNothing(one, outer.criteria), 'nested-cancels', place),
      ...provisionDoubts(one, place),
      ...nestedDoubts(one, place, { effect: effect ?? 'deny', criteria: [...outer.criteria, one] }),
    ];
  });
}

/** Whether all criteria of a nested provision stand in those around it: then it applies wherever they do. */
const addsNothing = (inner: Provision, outer: readonly Provision[]): boolean =>
  criteriaOf(inner).every((name) =>
    outer.some((one) => canonicalJson({ _: one[name] }) === canonicalJson({ _: inner[name] })),
  );

function provisionDoubts(provision: Provision, at: string): Doubt[] {
  const unread = Object.keys(provision).filter((name) => name.startsWith('_'));
  return [
    ...doubtIf(
      provision.type !== undefined && !['permit', 'deny'].includes(provision.type),
      'unknown-type',
      `${at}.type`,
    ),
    ...unread.map((name) => doubt('unread-element', member(at, name.slice(1)))),
    ...criteriaOf(provision).flatMap((name) => {
      const place = member(at, name);
      if (name in MODIFIERS) return [];
      const check = CHECKS[name];
      if (check === undefined) return [doubt('unknown-criterion', place)];
      if (Array.isArray(provision[name]) && provision[name].length === 0) return [doubt('empty-criterion', place)];
      return check(provision, place);
    }),
  ];
}

type Check = (provision: Provision, at: string) => Doubt[];

const CHECKS: Record<string, Check> = {
  period: ({ period }, at) => periodDoubts(period, at),
  dataPeriod: ({ dataPeriod }, at) => periodDoubts(dataPeriod, at),
  actor: ({ actor = [] }, at) => actor.flatMap((one, index) => actorDoubts(one, `${at}[${index}]`)),
  action: ({ action = [] }, at) => actionDoubts(action, at),
  securityLabel: ({ securityLabel = [] }, at) => [
    ...each(securityLabel, at, isLabel, 'unknown-label'),
    ...doubtIf(securityLabel.some(isLevel) && !securityLabel.every(isLevel), 'mixed-labels', at),
  ],
  purpose: ({ purpose = [] }, at) => each(purpose, at, isPurpose, 'unknown-purpose'),
  class: (provision, at) => each(provision.class ?? [], at, (one) => classKind(one) !== undefined, 'unknown-class'),
  code: ({ code = [] }, at) => each(code, at, isFindable, 'code-without-coding'),
  data: ({ data = [] }, at) =>
    data.flatMap(({ meaning, reference }, index) => {
      const [, type = ''] = RECORD.exec(reference?.reference ?? '') ?? [];
      return [
        ...doubtIf(!DATA_MEANINGS.includes(meaning ?? ''), 'unknown-meaning', `${at}[${index}].meaning`),
        ...doubtIf(!isRecordOrAuthor(type, meaning), 'data-reference', `${at}[${index}].reference`),
      ];
    }),
};

const each = <T>(list: readonly T[], at: string, isKnown: (one: T) => boolean, rule: ConsentRefusal): Doubt[] =>
  list.flatMap((one, index) => doubtIf(!isKnown(one), rule, `${at}[${index}]`));

const isFindable = ({ coding = [] }: Concept): boolean =>
  coding.length > 0 && coding.every(({ code = '' }) => code !== '');

/**
 * A record of this ledger, or whoever authored one, without or with the base of an organisation. Its versions are one record: who
 * names one of them could mean that one alone.
 */
const RECORD =
  /^(?:https:\/\/telemed-ledger\.example\/organisations\/[a-z][a-z0-9-]{0,31}\/)?([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}$/;

function periodDoubts(period: Provision['period'], at: string): Doubt[] {
  const { start, end, ...rest } = period ?? {};
  const unread = Object.keys(rest).filter((name) => name.startsWith('_'));
  if (unread.length > 0) return unread.map((name) => doubt('unread-element', member(at, name.slice(1))));
  if (start === undefined && end === undefined) return [doubt('empty-criterion', at)];
  const span = spanOfPeriod(period);
  if (span === undefined || ![start, end].every(isOfCalendar)) return [doubt('period-no-date', at)];
  return doubtIf(span.start >= span.end, 'period-inverted', at);
}

function actionDoubts(action: readonly Concept[], at: string): Doubt[] {
  const unknown = each(action, at, ({ coding = [] }) => coding.some(isAction), 'unknown-action');
  const isDecided = codingsOf(action).some(({ code }) => DECIDED_ACTIONS.includes(code ?? ''));
  return unknown.length > 0 ? unknown : doubtIf(!isDecided, 'action-not-decided', at);
}

/** A role in words alone is none: whom the reference names is who asks. */
function actorDoubts({ role, reference }: Actor, at: string): Doubt[] {
  const codings = role?.coding ?? [];
  const meanings = new Set(codings.flatMap((coding) => actorMeaning(coding) ?? []));
  const roles = doubtIf(codings.length > 0 && meanings.size !== 1, 'unknown-role', `${at}.role`);
  if (reference === undefined)
    return [
      ...roles,
      ...doubtIf(meanings.size === 0 || meanings.has('recipient') || meanings.has('custodian'), 'actor-nobody', at),
    ];
  const named = actorNamed(reference, '');
  const rules = {
    nobody: 'actor-nobody',
    display: 'actor-display',
    unsupported: 'actor-unsupported',
    several: 'actor-disagrees',
  } as const;
  const rule = named.kind in rules ? rules[named.kind as keyof typeof rules] : undefined;
  return [...roles, ...doubtIf(rule !== undefined, rule ?? 'actor-nobody', `${at}.reference`)];
}
