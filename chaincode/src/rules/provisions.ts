/**
 * Whether one provision of a consent speaks about one record asked for by one requestor. Where a record does not
 * say what a criterion asks, a denying provision takes it as met and a permitting one as not met.
 * @see https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision
 */
import { z } from 'zod';
import { type ActorReference, organisationNameOf, practitionerNamed, referenceTo } from '../model/organisations.ts';
import { contains, overlaps, spanOfPeriod, within } from './periods.ts';
import { type Coding, type RecordFacts, relative } from './record-facts.ts';

/** Who asks, and for what. */
export interface AccessFacts {
  /** Name of the requestor's organisation. */
  organisation: string;
  /** Name of the provider whose data is asked for: relative references of its consents mean its own practitioners. */
  holder: string;
  /** FHIR reference of the practitioner who asks, where one does: whom `organisation` certified under it. */
  practitioner?: string | undefined;
  /** Role of the ledger: `practitioner`, `system` … */
  role: string;
  /** Purpose of use, HL7 v3 code. */
  purpose: string;
}

const codingSchema = z.looseObject({ system: z.string().optional(), code: z.string().optional() });
const conceptSchema = z.looseObject({ coding: z.array(codingSchema).optional() });
const referenceSchema = z.looseObject({
  reference: z.string().optional(),
  identifier: z.looseObject({ system: z.string().optional(), value: z.string().optional() }).optional(),
});
const periodSchema = z.looseObject({ start: z.string().optional(), end: z.string().optional() });

/** Consent.provision as far as it is evaluated; what it does not name is a criterion that nothing meets. */
const provisionSchema = z.looseObject({
  type: z.string().optional(),
  period: periodSchema.optional(),
  actor: z.array(z.looseObject({ role: conceptSchema.optional(), reference: referenceSchema.optional() })).optional(),
  action: z.array(conceptSchema).optional(),
  securityLabel: z.array(codingSchema).optional(),
  purpose: z.array(codingSchema).optional(),
  class: z.array(codingSchema).optional(),
  code: z.array(conceptSchema).optional(),
  dataPeriod: periodSchema.optional(),
  data: z.array(z.looseObject({ meaning: z.string().optional(), reference: referenceSchema.optional() })).optional(),
  get provision() {
    return z.array(provisionSchema).optional();
  },
});
export type Provision = z.infer<typeof provisionSchema>;
type Actor = NonNullable<Provision['actor']>[number];
type Data = NonNullable<Provision['data']>[number];
type Concept = z.infer<typeof conceptSchema>;

/** What of a Consent the rules read. A consent is held to it when it is granted. */
export const consentContentSchema = z.looseObject({
  resourceType: z.literal('Consent'),
  status: z.string(),
  /** hl7.org/fhir/R4/valueset-consent-scope.html */
  scope: conceptSchema.optional(),
  patient: referenceSchema,
  organization: z.array(referenceSchema).optional(),
  policyRule: conceptSchema.optional(),
  provision: provisionSchema.optional(),
});
export type ConsentContent = z.infer<typeof consentContentSchema>;

interface Question {
  request: AccessFacts;
  record: RecordFacts;
  /** Milliseconds since 1970. */
  now: number;
  /** A rule that denies is read widely, one that permits narrowly. */
  denies: boolean;
}

type Criterion = (provision: Provision, question: Question) => boolean;

const CRITERIA: Record<string, Criterion> = {
  period: ({ period }, { now, denies }) => {
    const span = spanOfPeriod(period);
    return span === undefined ? denies : contains(span, now);
  },
  actor: ({ actor = [] }, { request, denies }) => actor.some((one) => isActor(one, request, denies)),
  // What is decided here is access by the requestor, which is disclosure by the holder.
  action: ({ action = [] }) => codesOf(action).some(({ code }) => code === 'access' || code === 'disclose'),
  securityLabel: ({ securityLabel = [] }, { record, denies }) => meetsLabels(securityLabel, record.labels, denies),
  purpose: ({ purpose = [] }, { request }) => purpose.some(({ code }) => code === request.purpose),
  class: (provision, { record }) =>
    (provision.class ?? []).some(
      (wanted) => record.kinds.includes(wanted.code ?? '') || record.classes.some((coding) => isCoding(wanted, coding)),
    ),
  code: ({ code = [] }, { record }) =>
    codesOf(code).some((wanted) => record.codes.some((coding) => isCoding(wanted, coding))),
  dataPeriod: ({ dataPeriod }, { record, denies }) => {
    const span = spanOfPeriod(dataPeriod);
    if (span === undefined || record.span === undefined) return denies;
    return denies ? overlaps(record.span, span) : within(record.span, span);
  },
  data: ({ data = [] }, { request, record }) => data.some((one) => isData(one, request.holder, record)),
};

/** Members that say nothing about where a provision applies. */
const NO_CRITERIA = new Set(['id', 'type', 'provision', 'extension']);

/** The names of the criteria that a provision sets; those we do not know are among them. */
const criteriaOf = (provision: Provision): string[] =>
  Object.keys(provision).filter((name) => !NO_CRITERIA.has(name) && !name.startsWith('_'));

/** The names of the criteria that are not met; a provision applies when there are none. */
export function unmetCriteria(provision: Provision, question: Question): string[] {
  return criteriaOf(provision).filter((name) => {
    const criterion = CRITERIA[name];
    return criterion === undefined ? !question.denies : !criterion(provision, question);
  });
}

const codesOf = (concepts: readonly Concept[]): Coding[] => concepts.flatMap(({ coding }) => coding ?? []);

/** A coding of a consent that states no system means the code in any. */
const isCoding = (wanted: Coding, coding: Coding): boolean =>
  wanted.code !== undefined &&
  wanted.code === coding.code &&
  (wanted.system === undefined || wanted.system === coding.system);

const LEDGER_ROLES = new Set(['system', 'practitioner', 'patient', 'caretaker']);

/** By organisation, by practitioner, or by role alone; a role of the ledger narrows the others. */
function isActor({ role, reference }: Actor, request: AccessFacts, denies: boolean): boolean {
  const roles = (role?.coding ?? []).map(({ code }) => code ?? '').filter((code) => LEDGER_ROLES.has(code));
  const hasRole = roles.includes(request.role);
  if (roles.length > 0 && !hasRole) return false;
  if (reference === undefined) return hasRole;
  if (organisationNameOf(reference) === request.organisation) return true;
  return isPractitioner(reference, request, denies);
}

/**
 * A person is who an organisation certified, not the reference alone. A denial that does not say whose practitioner it
 * means denies every organisation's of that id.
 */
function isPractitioner(
  reference: ActorReference,
  { organisation, holder, practitioner }: AccessFacts,
  denies: boolean,
): boolean {
  const named = practitionerNamed(reference, holder);
  if (named === undefined || named.fhirUser !== practitioner) return false;
  return named.organisation === organisation || (denies && (named.isRelative || named.organisation === undefined));
}

const CONFIDENTIALITY = ['U', 'L', 'M', 'N', 'R', 'V'];
const isConfidentiality = ({ code }: Coding): boolean => CONFIDENTIALITY.includes(code ?? '');
const rankOf = ({ code }: Coding): number => CONFIDENTIALITY.indexOf(code ?? '');
const NORMAL = CONFIDENTIALITY.indexOf('N');

/**
 * Confidentiality is a high-water mark: a permission for R covers R and less; a denial of R covers R and more.
 * Other labels must be among the record's.
 */
function meetsLabels(wanted: readonly Coding[], labels: readonly Coding[], denies: boolean): boolean {
  const marks = wanted.filter(isConfidentiality).map(rankOf);
  const stated = labels.filter(isConfidentiality).map(rankOf);
  const rank = stated.length === 0 ? NORMAL : Math.max(...stated);
  const marked = denies ? rank >= Math.min(...marks) : rank <= Math.max(...marks);
  const others = wanted.filter((label) => !isConfidentiality(label));
  const labelled = others.some((label) => labels.some((coding) => isCoding(label, coding)));
  return (marks.length === 0 || marked) && (others.length === 0 || labelled);
}

/** @see https://hl7.org/fhir/R4/valueset-consent-data-meaning.html */
function isData({ meaning, reference }: Data, holder: string, record: RecordFacts): boolean {
  const local = (text: string): string => relative(text).replace(referenceTo(holder, ''), '');
  const target = local(reference?.reference ?? '');
  if (target === '') return false;
  if (meaning === 'authoredby') return record.authors.map(local).includes(target);
  if (record.reference === target) return true;
  if (meaning === 'related') return record.referredBy.includes(target);
  if (meaning === 'dependents') return record.refersTo.includes(target);
  return false;
}
