/**
 * What a consent says, in plain words: what it permits and denies, to whom, for what and until when; one statement for each
 * provision, and one for what no provision speaks of. It tells what the chaincode decides, and decides nothing.
 * @see https://hl7.org/fhir/R4/consent.html
 */
import { actorNamed, type Named } from '@telemed-ledger/chaincode/model/actors.ts';
import {
  actorMeaning,
  CARETAKER_ACTS,
  type CaretakerAct,
  POLICY_RULES,
  PRIVACY,
  SCOPES,
} from '@telemed-ledger/chaincode/model/consent-codes.ts';
import { isDelegation } from '@telemed-ledger/chaincode/model/delegations.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { type Coding, dataWords, type Effect, type Provision, purposeWords, spanWords } from './word-parts.ts';

export interface Statement {
  effect: Effect | 'none';
  /** FHIRPath of what says it. */
  expression: string;
  text: string;
}

export interface Surroundings {
  /** Name of the provider whose data the consent governs. */
  provider: string;
  /** What a practitioner is called, by `Practitioner/<id>`; those whom nobody has recorded are not in it. */
  names: ReadonlyMap<string, string>;
}

const ROOT = 'Consent.provision';
const RULE = 'Consent.policyRule';

/** @param consent of one meaning: a consent of two is refused before it comes here */
export function statementsOf(consent: Resource, surroundings: Surroundings): Statement[] {
  if (consent['status'] !== 'active')
    return [{ effect: 'none', expression: 'Consent.status', text: 'It has ended: it permits and denies nothing.' }];
  if (isDelegation(consent)) return [delegated(consent)];
  const scopes = ((consent['scope'] ?? {}) as { coding?: Coding[] }).coding ?? [];
  if (!scopes.some(({ system, code }) => system === SCOPES && code === PRIVACY))
    return [
      { effect: 'none', expression: 'Consent.scope', text: 'Kept as a document: it permits and denies nothing.' },
    ];
  const rules = ((consent['policyRule'] ?? {}) as { coding?: Coding[] }).coding ?? [];
  const base = rules.flatMap(({ code }) => POLICY_RULES[code ?? ''] ?? [])[0];
  const root = consent['provision'] as Provision | undefined;
  return root === undefined ? [wholly(base, surroundings, {})] : statedBy(root, base, surroundings);
}

const ACT_WORDS: Record<CaretakerAct, string> = {
  read: 'read your records, consents and log',
  answer: 'answer requests for your records, by a consent or a refusal',
  revoke: 'revoke your consents',
  book: 'book appointments',
  bills: 'see your bills',
  record: 'record measurements, forms, documents and messages for you',
  medication: 'say which medication you take',
};

/** Whom it lets act, in what and when: it permits no organisation anything. */
function delegated(consent: Resource): Statement {
  const {
    actor = [],
    action = [],
    period,
  } = (consent['provision'] ?? {}) as Provision & { action?: { coding?: Coding[] }[] };
  const codes = new Set(action.flatMap(({ coding = [] }) => coding.map(({ code }) => code)));
  const acts = CARETAKER_ACTS.filter((act) => codes.has(act)).map((act) => ACT_WORDS[act]);
  const whom = actor.map(({ reference }) => reference?.display ?? reference?.reference ?? 'somebody').join(', ');
  const text = `${upper(whom)} may act for you: ${acts.join('; ')}; ${spanWords(period, 'permit')}. It shows nothing to any organisation.`;
  return { effect: 'none', expression: ROOT, text };
}

function statedBy(root: Provision, base: Effect | undefined, surroundings: Surroundings): Statement[] {
  const own = effectOf(root.type);
  if (own !== undefined) {
    const first: Statement = { effect: own, expression: ROOT, text: sentence(root, own, surroundings) };
    return [first, ...nestedIn(root, ROOT, own, surroundings), restOf(own, base, surroundings)];
  }
  // A root without a type says nothing but when all of it is valid.
  const all = wholly(base, surroundings, root);
  const nested = nestedIn(root, ROOT, base, surroundings);
  return base === undefined && nested.length > 0 ? nested : [all, ...nested];
}

const effectOf = (type: string | undefined): Effect | undefined =>
  type === undefined ? undefined : type === 'permit' ? 'permit' : 'deny';

/** What the policy rule says where no provision takes a part out of it. */
function wholly(
  base: Effect | undefined,
  surroundings: Surroundings,
  { period }: Pick<Provision, 'period'>,
): Statement {
  if (base === undefined)
    return {
      effect: 'none',
      expression: 'Consent',
      text: 'It permits and denies nothing: it has no rule and no provision.',
    };
  const text = sentence({ ...(period === undefined ? {} : { period }) }, base, surroundings);
  return { effect: base, expression: RULE, text };
}

/** What becomes of everything that the root provision does not speak of. */
function restOf(root: Effect, base: Effect | undefined, surroundings: Surroundings): Statement {
  if (base === 'deny')
    return {
      effect: 'deny',
      expression: RULE,
      text: `Nothing else of ${surroundings.provider} is shown to anybody, whatever other consents permit, but in an emergency by breaking the glass.`,
    };
  if (base === 'permit' && root === 'deny')
    return {
      effect: 'permit',
      expression: RULE,
      text: `Everything else of ${surroundings.provider} may be shown to everybody in the consortium who may ask for it.`,
    };
  const text =
    root === 'permit'
      ? 'It permits nothing else. What another consent permits stays permitted.'
      : 'It permits nothing by itself. What another consent permits, and this one does not deny, stays permitted.';
  return { effect: 'none', expression: 'Consent', text };
}

/** Exceptions, or where nothing is around them that they are exceptions to, statements of their own. */
function nestedIn(outer: Provision, at: string, around: Effect | undefined, surroundings: Surroundings): Statement[] {
  return (outer.provision ?? []).flatMap((one, index) => {
    const expression = `${at}.provision[${index}]`;
    const effect = effectOf(one.type) ?? 'deny';
    const inner = within(outer, one);
    const text = sentence(inner, effect, surroundings);
    const told = around === undefined ? text : around === effect ? `${text} (This is so already.)` : `Except: ${text}`;
    return [{ effect, expression, text: told }, ...nestedIn(inner, expression, effect, surroundings)];
  });
}

const DATA = ['class', 'code', 'securityLabel', 'data', 'dataPeriod'] as const;

/** A provision applies only where the one that it is in does: what it does not say itself, that one says. */
function within(outer: Provision, inner: Provision): Provision {
  const { actor, purpose, period } = outer;
  const isNarrowed = DATA.some((name) => inner[name] !== undefined);
  const data = isNarrowed ? {} : Object.fromEntries(DATA.flatMap((name) => (outer[name] ? [[name, outer[name]]] : [])));
  return { ...(actor && { actor }), ...(purpose && { purpose }), ...(period && { period }), ...data, ...inner };
}

/** One provision, as if it stood alone. */
function sentence(provision: Provision, effect: Effect, { provider, names }: Surroundings): string {
  const { whom, holder } = actorsIn(provision, provider, names);
  const what = dataWords(provision, holder);
  const purpose = purposeWords(provision.purpose, effect);
  const when = spanWords(provision.period, effect);
  return effect === 'permit'
    ? `${upper(whom)} may be shown ${what}, ${purpose}, ${when}.`
    : `${upper(whom)} is not shown ${what}, ${purpose}, ${when}, whatever other consents permit.`;
}

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

interface Actors {
  whom: string;
  holder: string;
}

/** Who asks; an actor who is the custodian says whose data it is, which is the governed provider's in any case. */
function actorsIn({ actor = [] }: Provision, holder: string, names: ReadonlyMap<string, string>): Actors {
  const recipients = actor.filter(
    ({ role }) => !(role?.coding ?? []).some((coding) => actorMeaning(coding) === 'custodian'),
  );
  const told = recipients.map((one) => actorWords(one, holder, names));
  return { whom: told.length === 0 ? 'everybody in the consortium who may ask' : told.join(' or '), holder };
}

const ROLES: Readonly<Record<string, string>> = {
  practitioner: 'any practitioner',
  system: 'the computer system, for nobody in particular,',
  caretaker: 'any caretaker',
};

function actorWords(
  { role, reference }: NonNullable<Provision['actor']>[number],
  holder: string,
  names: ReadonlyMap<string, string>,
): string {
  const meaning = (role?.coding ?? []).map(actorMeaning).find((one) => one !== undefined);
  const inRole = ROLES[meaning ?? ''];
  if (reference === undefined) return inRole === undefined ? 'nobody' : `${inRole} of any organisation`;
  const named = namedWords(reference, holder, names);
  return inRole === undefined ? named : `${inRole} of ${named}`;
}

function namedWords(reference: Named, holder: string, names: ReadonlyMap<string, string>): string {
  const named = actorNamed(reference, holder);
  switch (named.kind) {
    case 'organisation':
      return `the organisation ${named.name}`;
    case 'practitioner': {
      const called = names.get(named.fhirUser);
      const known = called === undefined ? named.fhirUser : `${called} (${named.fhirUser})`;
      return named.isRelative || named.organisation === undefined ? known : `${known} of ${named.organisation}`;
    }
    case 'role':
      return `whoever had the role ${named.reference} when this was given`;
    case 'identified':
      return `whoever had the identifier ${named.value} (${named.system}) when this was given`;
    case 'related':
      return `the related person ${named.fhirUser}`;
    default:
      return 'somebody who cannot be told';
  }
}
