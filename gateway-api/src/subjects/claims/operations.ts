/**
 * The operations that move a claim to its payment, mounted on the FHIR API: Claim/$submit at the provider (after Da
 * Vinci PAS), Claim/<id>/$adjudicate at the payer, PaymentReconciliation/<id>/$settle at the bank.
 */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Kind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { type Answer, committedAnswer } from '../../fhir/answers.ts';
import type { Operation, OperationRequest } from '../../fhir/operations.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { once, parsedInput } from '../../idempotency/once.ts';
import type { IdempotentWrites } from '../../idempotency/writes.ts';
import type { Claims } from './claims.ts';

const transferSchema = z.object({ reference: z.string().min(1).max(140), paidOn: z.iso.date() });

const definition = (name: string): string => `https://telemed-ledger.example/fhir/OperationDefinition/${name}`;

/** What an organisation of this kind does with claims. */
export function claimOperations(kind: Kind, claims: Claims, idempotent: IdempotentWrites): Operation[] {
  if (kind === 'provider') return [submit(claims, idempotent)];
  if (kind === 'payer') return [adjudicate(claims, idempotent)];
  if (kind === 'bank') return [settle(claims, idempotent)];
  return [];
}

const submit = (claims: Claims, idempotent: IdempotentWrites): Operation => ({
  name: 'submit',
  type: 'Claim',
  level: 'type',
  definition: 'http://hl7.org/fhir/OperationDefinition/Claim-submit',
  async handle({ caller, body, idempotency }: OperationRequest): Promise<Answer> {
    compartmentOf(caller);
    const claim = claimIn(body);
    const id = randomUUID();
    const { receipt, answer, result } = await once({
      caller,
      idempotency,
      idempotent,
      answer: { id },
      submit: (sending) => claims.submit(claim, id, sending),
    });
    const state = result ?? (await afterCommit(() => claims.state(answer.id)));
    return committedAnswer(receipt, state && submittedClaim(claim, state));
  },
});

const adjudicate = (claims: Claims, idempotent: IdempotentWrites): Operation => ({
  name: 'adjudicate',
  type: 'Claim',
  level: 'instance',
  definition: definition('Claim-adjudicate'),
  async handle({ caller, id = '', idempotency }: OperationRequest): Promise<Answer> {
    compartmentOf(caller);
    const { receipt, result } = await once({
      caller,
      idempotency,
      idempotent,
      answer: {},
      submit: (sending) => claims.adjudicate(id, sending),
    });
    const made = await afterCommit(async () => {
      const { provider, payer } = result ?? (await claims.state(id));
      return claims.made('ClaimResponse', collections.claim(provider, payer), privateKeys.response(id));
    });
    return committedAnswer(receipt, made?.resource);
  },
});

const settle = (claims: Claims, idempotent: IdempotentWrites): Operation => ({
  name: 'settle',
  type: 'PaymentReconciliation',
  level: 'instance',
  definition: definition('PaymentReconciliation-settle'),
  async handle({ caller, id = '', body, idempotency }: OperationRequest): Promise<Answer> {
    compartmentOf(caller);
    const transfer = parsedInput(transferSchema, parametersIn(body));
    const claimId = await claims.claimOfPayment(id);
    const { receipt, result } = await once({
      caller,
      idempotency,
      idempotent,
      answer: {},
      submit: (sending) => claims.settle(claimId, transfer, sending),
    });
    const made = await afterCommit(async () => {
      const { payer, bank } = result ?? (await claims.state(claimId));
      return claims.made('PaymentNotice', collections.settle(payer, bank ?? ''), privateKeys.settlement(claimId));
    });
    return committedAnswer(receipt, made?.resource);
  },
});

/** The one Claim of a body that is a Claim, or a Bundle with one Claim in it. */
function claimIn(body: Resource | undefined): Resource {
  if (body?.resourceType === 'Claim') return body;
  if (body?.resourceType !== 'Bundle') {
    throw new LedgerError('INVALID', 'a submission is a Claim, or a Bundle with one Claim', 'resourceType');
  }
  const entries = (body['entry'] ?? []) as { resource?: Resource }[];
  const held = entries.map(({ resource }) => resource).filter((resource) => resource?.resourceType === 'Claim');
  const [claim] = held;
  if (claim === undefined || held.length > 1) {
    throw new LedgerError('INVALID', 'a submission holds one Claim', 'Bundle.entry');
  }
  return claim;
}

/** hl7.org/fhir/R4/parameters.html: name → the value[x] it carries. */
function parametersIn(body: Resource | undefined): unknown {
  const parameters = (body?.['parameter'] ?? []) as Record<string, unknown>[];
  const entries = parameters.map((parameter) => {
    const value = Object.keys(parameter).find((key) => key.startsWith('value'));
    return [String(parameter['name']), value === undefined ? undefined : parameter[value]];
  });
  return Object.fromEntries(entries);
}

const organisation = (name: string) => ({ identifier: { system: ORGANISATION_SYSTEM, value: name }, display: name });

/** What is known when a claim has been submitted: it waits for adjudication, or an edit denied it. */
function submittedClaim(claim: Resource, state: ClaimState): object {
  const reason = state.reason ?? 'denied';
  return {
    resourceType: 'ClaimResponse',
    status: 'active',
    type: claim['type'],
    use: claim['use'],
    patient: claim['patient'],
    created: state.submittedAt,
    insurer: organisation(state.payer),
    requestor: organisation(state.provider),
    request: { reference: `Claim/${state.id}` },
    ...(state.status === 'denied'
      ? { outcome: 'error', disposition: `denied: ${reason}`, error: [{ code: { text: reason } }] }
      : { outcome: 'queued' }),
  };
}
