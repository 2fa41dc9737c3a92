/**
 * What provider and payer ask of each other about a claim, as Tasks (hl7.org/fhir/R4/task.html, as R4's financial workflow has them:
 * hl7.org/fhir/R4/financial-module.html). The words are of whoever asks.
 */
import { SIGNATURE_EXTENSION } from '../model/consent-signature.ts';
import type { Resource } from '../model/fhir.ts';
import { concept, organisationReference } from './fhir-terms.ts';

const OURS = 'https://telemed-ledger.example/fhir/CodeSystem/claim-tasks';

/** Codes of http://terminology.hl7.org/CodeSystem/financialtaskcode, where it has one. */
const FINANCIAL: Partial<Record<ClaimTaskKind, string>> = { cancel: 'cancel', void: 'cancel', appeal: 'reprocess' };

/** `answer` is the payer's question; all others are the provider's, and done with being written. */
export type ClaimTaskKind = 'cancel' | 'void' | 'supplement' | 'appeal' | 'answer';

export interface ClaimTaskFacts {
  taskId: string;
  kind: ClaimTaskKind;
  claimId: string;
  provider: string;
  payer: string;
  reason: string;
  /** Id of the Patient, where she asks it herself. */
  patient?: string;
  /** Where she has signed it with a key of her own: when, and the JWS. */
  signature?: { when: string; jws: string } | undefined;
  /** Transaction time, ISO 8601 UTC. */
  now: string;
}

export function claimTaskOf({
  taskId,
  kind,
  claimId,
  provider,
  payer,
  reason,
  patient,
  signature,
  now,
}: ClaimTaskFacts): Resource {
  const financial = FINANCIAL[kind];
  const [from, to] = kind === 'answer' ? [payer, provider] : [provider, payer];
  return {
    resourceType: 'Task',
    id: taskId,
    ...(signature === undefined ? {} : { extension: [signatureOf(`Patient/${patient}`, signature)] }),
    status: kind === 'answer' ? 'requested' : 'completed',
    intent: 'order',
    code: {
      coding: [
        ...(financial === undefined ? [] : concept('financialtaskcode', financial).coding),
        { system: OURS, code: kind },
      ],
    },
    focus: { reference: `Claim/${claimId}` },
    ...(patient === undefined ? {} : { for: { reference: `Patient/${patient}` } }),
    authoredOn: now,
    requester: patient === undefined ? organisationReference(from) : { reference: `Patient/${patient}` },
    owner: organisationReference(to),
    reasonCode: { text: reason },
  };
}

/** hl7.org/fhir/R4/datatypes.html#Signature */
const signatureOf = (who: string, { when, jws }: NonNullable<ClaimTaskFacts['signature']>): object => ({
  url: SIGNATURE_EXTENSION,
  valueSignature: {
    type: [{ system: 'urn:iso-astm:E1762-95:2013', code: '1.2.840.10065.1.12.1.1', display: "Author's Signature" }],
    ...{ when, who: { reference: who }, sigFormat: 'application/jose', data: Buffer.from(jws).toString('base64') },
  },
});
