/** What the rules read of a consent and of a request: shapes alone, which every rule about consents shares. */
import { z } from 'zod';
import type { Person } from '../model/actors.ts';
import type { RecordFacts } from '../model/record-facts.ts';

/** Who asks, and for what. */
export interface AccessFacts {
  /** Name of the requestor's organisation. */
  organisation: string;
  /** Name of the provider whose data is asked for: relative references of its consents mean its own practitioners. */
  holder: string;
  /** FHIR reference of the practitioner who asks, where one does: whom `organisation` certified under it. */
  practitioner?: string | undefined;
  /** The identifiers that his organisation's record of him has; undefined where there is none. */
  identifiers?: readonly Identifier[] | undefined;
  /** Role of the ledger: `practitioner`, `system` … */
  role: string;
  /** Purpose of use, HL7 v3 code. */
  purpose: string;
}

interface Identifier {
  system?: string | undefined;
  value?: string | undefined;
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
export type Actor = NonNullable<Provision['actor']>[number];
export type Concept = z.infer<typeof conceptSchema>;
export type Data = NonNullable<Provision['data']>[number];

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

/** Whom the actors of a consent were found to be when it was given, by `keyOfActor`. */
export type BoundActors = Record<string, Person[]>;

export interface Question {
  request: AccessFacts;
  record: RecordFacts;
  /** Milliseconds since 1970. */
  now: number;
  /** A rule that denies is read widely, one that permits narrowly. */
  denies: boolean;
  bound: BoundActors;
}
