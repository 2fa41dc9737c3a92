/**
 * The decision whether a record may cross to whoever asks for it. Default is deny; a denial by any consent
 * overrides every permission; inside one consent the most specific nested provision wins, and of two equally
 * specific ones the denial. A consent of two meanings, given before such were refused, permits nothing, nor does one that its
 * patient's key has not signed where she had one; its denials hold.
 * @see https://hl7.org/fhir/R4/consent.html
 */

import { spanOfPeriod } from '../model/periods.ts';
import { BREAK_GLASS } from '../model/purposes.ts';
import type { RecordFacts } from '../model/record-facts.ts';
import type { AccessFacts, BoundActors, ConsentContent, Provision } from './consent-content.ts';
import { baseOf, criteriaOf, type Effect, hasOneMeaning, isOfPrivacy, typeOf } from './consent-meaning.ts';
import { namesBreakGlass, unmetCriteria } from './provisions.ts';

export type { RecordFacts } from '../model/record-facts.ts';
export { recordFacts } from '../model/record-facts.ts';
export type { AccessFacts } from './consent-content.ts';
export { consentContentSchema } from './consent-content.ts';

/** One version of a consent with what the ledger says of it. */
export interface LedgerConsent {
  id: string;
  version: number;
  status: 'active' | 'revoked';
  resource: ConsentContent;
  /** Whom its actors were found to be when it was given; absent in older ones. */
  actors?: BoundActors | undefined;
  /** Its patient had a key of her own when it was recorded, and it does not bear her signature. */
  isUnsigned?: boolean;
}

export type ConsentReason = 'consent-permits' | 'consent-denied' | 'consent-expired' | 'consent-absent';

export interface ConsentDecision {
  outcome: 'permit' | 'deny';
  reason: ConsentReason;
  /** The consent that decided, where one did. */
  consent?: { id: string; version: number };
  /** FHIRPath of the provision, or of the policy rule, that decided; with `consent`. */
  provision?: string;
  /** Of a permission: when its consent ends, ISO 8601 UTC; absent where it states no end. */
  until?: string;
}

/** What one consent says. `expired` when only the end of its period keeps it from permitting. */
interface Finding {
  effect: Effect | 'silent' | 'expired';
  until: number;
  /** FHIRPath of what says it. */
  at: string;
}

const ROOT = 'Consent.provision';
const RULE = 'Consent.policyRule';
const SILENT: Finding = { effect: 'silent', until: Infinity, at: 'Consent' };

/**
 * Decides about one record.
 * @param consents those given by the record's patient for the holder's data, in any order
 * @param now time of the transaction, ISO 8601
 */
export function evaluateConsents(
  consents: readonly LedgerConsent[],
  request: AccessFacts,
  record: RecordFacts,
  now: string,
): ConsentDecision {
  const found = consents
    .filter(({ status, resource }) => status === 'active' && resource.status === 'active' && isOfPrivacy(resource))
    .sort((one, other) => (one.id < other.id ? -1 : 1))
    .map((consent) => ({ consent, finding: new Examination(consent, request, record, Date.parse(now)).finding() }));
  const by = (effect: Finding['effect']) => found.filter(({ finding }) => finding.effect === effect);
  const [denial] = by('deny');
  if (denial !== undefined) return { outcome: 'deny', reason: 'consent-denied', ...named(denial) };
  const [permission] = by('permit').sort((one, other) => later(other.finding.until, one.finding.until));
  if (permission === undefined)
    return { outcome: 'deny', reason: by('expired').length > 0 ? 'consent-expired' : 'consent-absent' };
  const { until } = permission.finding;
  const decision = { outcome: 'permit', reason: 'consent-permits', ...named(permission) } as const;
  return until === Infinity ? decision : { ...decision, until: new Date(until).toISOString() };
}

/** Orders times, of which two may be infinite. */
const later = (one: number, other: number): number => (one === other ? 0 : one > other ? 1 : -1);

const named = ({ consent: { id, version }, finding: { at } }: { consent: LedgerConsent; finding: Finding }) => ({
  consent: { id, version },
  provision: at,
});

/** One consent, held against one record and whoever asks. */
class Examination {
  readonly #resource: ConsentContent;
  readonly #isUnsigned: boolean;
  readonly #question: Omit<Parameters<typeof unmetCriteria>[1], 'denies'>;

  constructor(consent: LedgerConsent, request: AccessFacts, record: RecordFacts, now: number) {
    const { resource, actors = {}, isUnsigned = false } = consent;
    this.#resource = resource;
    this.#isUnsigned = isUnsigned;
    this.#question = { request, record, now, bound: actors };
  }

  finding(): Finding {
    if (this.#isUnsigned || !hasOneMeaning(this.#resource)) return this.#denialAlone();
    const root = this.#resource.provision;
    if (root === undefined) return this.#base();
    const unmet = this.#unmet(root, typeOf(root) ?? baseOf(this.#resource) ?? 'permit');
    const { effect, until, at } = unmet.length === 0 ? this.#effectOf(root, ROOT, false) : this.#elsewhere(root);
    if (effect !== 'silent') return { effect, until, at };
    const ended = (spanOfPeriod(root.period)?.end ?? Infinity) <= this.#question.now;
    return ended && unmet.join() === 'period' ? { ...SILENT, effect: 'expired' } : SILENT;
  }

  #unmet(provision: Provision, effect: Effect): string[] {
    return unmetCriteria(provision, { ...this.#question, denies: effect === 'deny' }, criteriaOf(provision));
  }

  /** Whether a denial says nothing here: glass that is to be broken is reached by name alone. */
  #isSilenced(isNamed: boolean): boolean {
    return this.#question.request.purpose === BREAK_GLASS && !isNamed;
  }

  /** What the policy rule alone says. */
  #base(): Finding {
    const effect = baseOf(this.#resource);
    if (effect === undefined || (effect === 'deny' && this.#isSilenced(false))) return SILENT;
    return { effect, until: Infinity, at: RULE };
  }

  /**
   * Where the root's criteria are not met only the policy rule is left. A root without a type has no criteria but the period
   * in which all of the consent is valid. An opt-in that a permitting root narrows down permits nothing beyond it; one from
   * which a denying root takes something away still permits the rest.
   */
  #elsewhere(root: Provision): Finding {
    const type = typeOf(root);
    const isNarrowed = type === undefined || (type === 'permit' && baseOf(this.#resource) === 'permit');
    return isNarrowed ? SILENT : this.#base();
  }

  /** What a provision that applies says: its nested provisions first, a denial among them before a permission. */
  #effectOf(provision: Provision, at: string, isNamedAround: boolean): Finding {
    const isNamed = isNamedAround || namesBreakGlass(provision);
    const end = spanOfPeriod(provision.period)?.end ?? Infinity;
    const nested = (provision.provision ?? [])
      .map((inner, index) => ({ inner, place: `${at}.provision[${index}]` }))
      .filter(({ inner }) => this.#unmet(inner, typeOf(inner) ?? 'deny').length === 0)
      .map(({ inner, place }) => this.#effectOf(inner, place, isNamed))
      .filter(({ effect }) => effect !== 'silent');
    const [first, ...others] = nested;
    if (first === undefined) return this.#own(provision, at, isNamed, end);
    const until = Math.min(end, ...[first, ...others].map((finding) => finding.until));
    return { ...(nested.find(({ effect }) => effect === 'deny') ?? first), until };
  }

  #own(provision: Provision, at: string, isNamed: boolean, until: number): Finding {
    const type = typeOf(provision);
    const effect = type ?? baseOf(this.#resource);
    if (effect === undefined || (effect === 'deny' && this.#isSilenced(isNamed))) return SILENT;
    return { effect, until, at: type === undefined ? RULE : at };
  }

  /** Of a consent of two meanings, or without her signature, only what denies counts, and no exception to it. */
  #denialAlone(): Finding {
    const base = this.#base();
    if (base.effect === 'deny') return base;
    const { provision } = this.#resource;
    const at = provision && this.#denialIn(provision, ROOT, false, true);
    return at === undefined ? SILENT : { effect: 'deny', until: Infinity, at };
  }

  #denialIn(provision: Provision, at: string, isNamedAround: boolean, isRoot: boolean): string | undefined {
    if (this.#unmet(provision, 'deny').length > 0) return undefined;
    const isNamed = isNamedAround || namesBreakGlass(provision);
    const type = typeOf(provision) ?? (isRoot ? undefined : 'deny');
    if (type === 'deny' && !this.#isSilenced(isNamed)) return at;
    return (provision.provision ?? [])
      .map((inner, index) => this.#denialIn(inner, `${at}.provision[${index}]`, isNamed, false))
      .find((found) => found !== undefined);
  }
}
