/**
 * Prior authorizations: what a payer is asked whether it will cover, before anything is done (hl7.org/fhir/us/davinci-pas). Its
 * states, who takes which step, and the clock that starts when the payer receives a request.
 */
import { nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { sha256Hex } from './canonical.ts';
import { objectsOf } from './claim-evidence.ts';
import { type Resource, resourceSchema } from './fhir.ts';
import { type ActorReference, organisationNameOf } from './organisations.ts';
import {
  codeSchema,
  daySchema,
  idSchema,
  instantSchema as instant,
  line,
  saltSchema,
  userSchema,
  versionSchema,
} from './texts.ts';

export const AUTHORIZATION_STATUSES = ['pended', 'approved', 'partial', 'denied', 'cancelled'] as const;
export type AuthorizationStatus = (typeof AUTHORIZATION_STATUSES)[number];

/** The most steps of one request: what is asked, amended and decided, and the last one, by which it ends. */
export const MAX_AUTHORIZATION_STEPS = 50;

/** From which status a step may be taken. A denial is final: the guide has a new request made. */
export const AUTHORIZATION_STEPS = {
  request: [],
  revise: ['pended', 'approved', 'partial'],
  cancel: ['pended', 'approved', 'partial'],
  decide: ['pended'],
} as const satisfies Record<string, readonly AuthorizationStatus[]>;
export type AuthorizationStep = keyof typeof AUTHORIZATION_STEPS;

/**
 * How long a payer has, in hours: 72 for an expedited request, 7 calendar days for a standard one
 * (42 CFR 422.568(b)(1) and 422.572(a)(1) as amended by CMS-0057-F).
 */
export const DECISION_HOURS = { expedited: 72, standard: 168 } as const;
/**
 * How long before the ledger has it a payer may have received a request, in hours: the other endorser was away meanwhile. Further back
 * it would count in figures of another time than that of any clock it has missed.
 */
export const MOST_HELD_HOURS = DECISION_HOURS.standard;
export type Urgency = keyof typeof DECISION_HOURS;

/** `authorization-state/<id>/<step>`: how a request stands, without what it asks for. */
export const authorizationStateSchema = z.strictObject({
  schema: z.literal(1),
  id: idSchema,
  /** From 1 on; FHIR's version of the Claim and its ClaimResponse. */
  step: z.int().min(1).max(MAX_AUTHORIZATION_STEPS),
  payer: nameSchema,
  /** The member that asks; absent where somebody else sent it to the payer. */
  provider: nameSchema.optional(),
  status: z.enum(AUTHORIZATION_STATUSES),
  urgency: z.enum(['expedited', 'standard']),
  /** When the payer received what is decided on: the request, or its last revision. */
  receivedAt: instant,
  dueAt: instant,
  /** Of what was decided last; a revision that is pended keeps none. */
  decidedAt: instant.optional(),
  /** It was decided after `dueAt`. */
  isLate: z.literal(true).optional(),
  /** The rule that denied it on receipt: a name, never a fact. */
  reason: codeSchema.optional(),
  /** How often it was revised. */
  revisions: z.int().min(0).max(MAX_AUTHORIZATION_STEPS),
  /** When what it showed was purged: it authorizes nothing any more, and this is its last step. */
  purgedAt: instant.optional(),
  updatedAt: instant,
  salt: saltSchema,
});
export type AuthorizationState = z.infer<typeof authorizationStateSchema>;

/** `authorization/<id>/<step>`: the Claim as it is asked for, and the payer's answer to it so far. */
export const authorizationRecordSchema = z.strictObject({
  schema: z.literal(1),
  id: idSchema,
  version: versionSchema,
  recordedAt: instant,
  payer: nameSchema,
  coverage: z.strictObject({ id: idSchema, version: versionSchema }),
  /** The person at the payer who decided, as certified; absent where a rule did, or a system. */
  reviewer: userSchema.optional(),
  salt: saltSchema,
  /** Claim and ClaimResponse. */
  resources: z.array(resourceSchema).length(2),
});
export type AuthorizationRecord = z.infer<typeof authorizationRecordSchema>;

/** `authorization-number/<payer>/<hash>`: the request that a payer's number of an authorization means. */
export const authorizationNumberSchema = z.strictObject({
  schema: z.literal(1),
  authorization: idSchema,
  salt: saltSchema,
});
type AuthorizationNumber = z.infer<typeof authorizationNumberSchema>;

/** It follows from the id of the request, so that whoever is shown that can tell. */
export const authorizationNumber = (id: string): AuthorizationNumber => ({
  ...{ schema: 1, authorization: id, salt: sha256Hex(`authorization-number/${id}`) },
});

/** Under which hash a number lies: of one coverage, so that nobody else can try which there are. */
export const nameOfNumber = (coverage: string, number: string): string => sha256Hex(`${coverage}/${number}`);

/** Why, as a code of whoever's, and in words. */
const reasonSchema = z.strictObject({
  system: line(2_048).optional(),
  code: line(64).optional(),
  text: line(1_000).optional(),
});
export type DecisionReason = z.infer<typeof reasonSchema>;

/**
 * The members that are to render a line's service, as a request names them in its care team, or else who asks, where that is a member;
 * empty: whoever does.
 */
export function membersNamed(claim: Resource, provider: string | undefined): ReadonlySet<string> {
  const contained = new Map(objectsOf(claim['contained']).map((one) => [`#${String(one['id'])}`, one]));
  const named = objectsOf(claim['careTeam']).flatMap(({ provider: of }) => {
    const inside = contained.get(String((of as { reference?: unknown } | undefined)?.reference));
    const identifiers = objectsOf([inside?.['identifier']].flat());
    const names = [of, ...identifiers.map((identifier) => ({ identifier }))];
    return names.flatMap((one) => organisationNameOf(one as ActorReference | undefined) ?? []);
  });
  if (named.length > 0) return new Set(named);
  return new Set(provider === undefined ? [] : [provider]);
}

const PAS = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition';
const CERTIFICATION_TYPE = `${PAS}/extension-certificationType`;
const CANCELLED = `${PAS}/modifierextension-infoCancelled`;
/** X12 1322: cancel. */
const CANCEL = '3';

const extensionsOf = (element: Record<string, unknown>, name: 'extension' | 'modifierExtension', url: string) =>
  objectsOf(element[name]).filter((one) => one['url'] === url);

/** A line that is taken back. */
export const isCancelledItem = (item: Record<string, unknown>): boolean =>
  extensionsOf(item, 'modifierExtension', CANCELLED).some(({ valueBoolean }) => valueBoolean === true) ||
  extensionsOf(item, 'extension', CERTIFICATION_TYPE).some(({ valueCodeableConcept }) =>
    objectsOf((valueCodeableConcept as { coding?: unknown } | undefined)?.coding).some(({ code }) => code === CANCEL),
  );

/** What becomes of a line: certified, certified for less, not certified. */
const OUTCOMES = ['approve', 'modify', 'deny'] as const;

/** What a payer decides of a request. */
export const authorizationDecisionSchema = z.strictObject({
  /** `pend`: it is not decided yet, and why. */
  outcome: z.enum([...OUTCOMES, 'pend']),
  reason: reasonSchema.optional(),
  /** Lines that are decided otherwise. */
  items: z
    .array(
      z.strictObject({
        sequence: z.int().min(1).max(1_000_000),
        outcome: z.enum(OUTCOMES),
        reason: reasonSchema.optional(),
        /** Of a line that is modified: how much is authorized. */
        quantity: z.number().positive().max(1_000_000).optional(),
      }),
    )
    .max(500)
    .optional(),
  /** Days on which it holds. */
  period: z.strictObject({ start: daySchema, end: daySchema }).optional(),
  /** The payer's number of it; made from the id where none is given. */
  number: line(50).optional(),
});
export type AuthorizationDecision = z.infer<typeof authorizationDecisionSchema>;
