/**
 * A SMART Health Card (hl7.org/fhir/uv/smart-health-cards-and-links, spec.smarthealth.cards): who she is and what she was
 * vaccinated with, as little of each as identifies it, in a compressed JWS that fits into QR codes.
 */
import { deflateRawSync } from 'node:zlib';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { CompactSign } from 'jose';
import type { CardKey } from './card-key.ts';

export const HEALTH_CARD = 'https://smarthealth.cards#health-card';
export const IMMUNIZATION = 'https://smarthealth.cards#immunization';

/** What of the Patient is in a card, as `includeIdentityClaim` names it. */
export const IDENTITY_CLAIMS = ['Patient.name', 'Patient.birthDate'] as const;
export type IdentityClaim = (typeof IDENTITY_CLAIMS)[number];

interface Coding {
  system?: string;
  code?: string;
}
interface Actor {
  actor?: { display?: string };
}

const given = (members: Record<string, unknown>): object =>
  Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));

/** Its codes without their words. */
const codesIn = (concept: unknown): object => ({
  coding: ((concept as { coding?: Coding[] } | undefined)?.coding ?? []).map(({ system, code }) =>
    given({ system, code }),
  ),
});

function patientIn({ name, birthDate }: Resource, claims: readonly IdentityClaim[]): object {
  const names = (name as { family?: string; given?: string[] }[] | undefined)?.slice(0, 1);
  return given({
    resourceType: 'Patient',
    name: claims.includes('Patient.name')
      ? names?.map(({ family, given: first }) => given({ family, given: first }))
      : undefined,
    birthDate: claims.includes('Patient.birthDate') ? birthDate : undefined,
  });
}

function immunizationIn(one: Resource): object {
  const performers = (one['performer'] as Actor[] | undefined)?.flatMap(({ actor }) =>
    actor?.display === undefined ? [] : [{ actor: { display: actor.display } }],
  );
  return given({
    ...{ resourceType: 'Immunization', status: one['status'], vaccineCode: codesIn(one['vaccineCode']) },
    ...{ patient: { reference: 'resource:0' }, occurrenceDateTime: one['occurrenceDateTime'] },
    occurrenceString: one['occurrenceString'],
    lotNumber: one['lotNumber'],
    performer: performers !== undefined && performers.length > 0 ? performers : undefined,
  });
}

export interface CardOptions {
  /** Base URL under which the issuer's keys are at /.well-known/jwks.json, without a slash at the end. */
  issuer: string;
  claims: readonly IdentityClaim[];
  now: Date;
}

/** The JWS. @param immunizations completed ones; `resource:1` is the first of them */
export async function cardOf(
  patient: Resource,
  immunizations: readonly Resource[],
  key: CardKey,
  { issuer, claims, now }: CardOptions,
): Promise<string> {
  const resources = [patientIn(patient, claims), ...immunizations.map(immunizationIn)];
  const entry = resources.map((resource, index) => ({ fullUrl: `resource:${index}`, resource }));
  const payload = {
    iss: issuer,
    nbf: Math.floor(now.getTime() / 1000),
    vc: {
      type: [HEALTH_CARD, IMMUNIZATION],
      credentialSubject: { fhirVersion: '4.0.1', fhirBundle: { resourceType: 'Bundle', type: 'collection', entry } },
    },
  };
  const { kid } = await key.jwk();
  return new CompactSign(deflateRawSync(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'ES256', zip: 'DEF', kid })
    .sign(key.privateKey);
}
