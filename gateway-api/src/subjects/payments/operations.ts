/** PaymentReconciliation/<id>/$settle at the bank: reports that a payment was made. */

import { keysOfClaim } from '@telemed-ledger/chaincode/model/claim-places.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { committedAnswer } from '../../fhir/answers.ts';
import { parsedInput } from '../../http/bodies.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { claimState, resourceAt } from '../claims/claims.ts';
import { definitionOf, type SubjectOperation } from '../services.ts';
import { claimOfPayment, settle } from './payments.ts';

const transferSchema = z.object({ reference: z.string().min(1).max(140), paidOn: z.iso.date() });

export const settlePayment: SubjectOperation = {
  kind: 'bank',
  name: 'settle',
  transaction: 'SettlePayment',
  type: 'PaymentReconciliation',
  level: 'instance',
  summary: 'Reports that a payment was made: Parameters with reference and paidOn.',
  definition: definitionOf('PaymentReconciliation-settle'),
  async handle({ caller, id = '', body, idempotency }, services) {
    compartmentOf(caller);
    const { index, idempotent, organisation } = services;
    const transfer = parsedInput(transferSchema, parametersIn(body));
    const claimId = await claimOfPayment(index, id);
    const { outcome } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => settle(services, claimId, transfer, sending),
    }));
    const own = collections.billing(organisation.name);
    const notice = await afterCommit(async () =>
      resourceAt(index, 'PaymentNotice', own, keysOfClaim(await claimState(index, claimId)).settlement),
    );
    return committedAnswer(outcome.transactionId, notice);
  },
};

/** hl7.org/fhir/R4/parameters.html: name → the value[x] it carries. */
function parametersIn(body: Resource | undefined): unknown {
  const parameters = (body?.['parameter'] ?? []) as Record<string, unknown>[];
  const entries = parameters.map((parameter) => {
    const value = Object.keys(parameter).find((key) => key.startsWith('value'));
    return [String(parameter['name']), value === undefined ? undefined : parameter[value]];
  });
  return Object.fromEntries(entries);
}
