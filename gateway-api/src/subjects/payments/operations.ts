/**
 * What is done with payments by FHIR's operations: at the payer `$instruct` and `$retry`, at the bank `$settle` and what else it
 * reports of a PaymentReconciliation.
 */
import { randomUUID } from 'node:crypto';
import {
  type PaymentReport,
  paymentReasonSchema,
  transferReferenceSchema,
} from '@telemed-ledger/chaincode/model/payments.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { committedAnswer } from '../../fhir/answers.ts';
import { parsedInput } from '../../http/bodies.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import { definitionOf, type SubjectOperation } from '../services.ts';
import { parametersIn } from './parameters.ts';
import { instruct, paymentResources, type Report, report, unpaidOf } from './payments.ts';
import { instructAll, wantedSchema } from './runs.ts';

const TYPE = 'PaymentReconciliation';
const today = (): string => new Date().toISOString().slice(0, 10);

interface Reporting {
  name: string;
  status: PaymentReport;
  summary: string;
  /** Of its Parameters, as a report. */
  schema: z.ZodType<Omit<Report, 'status'>>;
}

const transferSchema = z
  .strictObject({ reference: transferReferenceSchema, paidOn: z.iso.date() })
  .transform(({ reference, paidOn }) => ({ reference, day: paidOn }));
const endSchema = z
  .strictObject({ reason: paymentReasonSchema, date: z.iso.date().optional() })
  .transform(({ reason, date }) => ({ reason, day: date ?? today() }));
const acceptanceSchema = z.strictObject({}).transform(() => ({ day: today() }));

/** An operation by which a bank reports what became of a payment. */
const reporting = ({ name, status, summary, schema }: Reporting): SubjectOperation => ({
  kind: 'bank',
  transaction: 'ReportPayment',
  ...{ name, type: TYPE, level: 'instance', summary, definition: definitionOf(`${TYPE}-${name}`) },
  async handle({ caller, id = '', body, idempotency }, services) {
    compartmentOf(caller);
    const { index, idempotent, organisation } = services;
    const reported = { status, ...parsedInput(schema, parametersIn(body)) };
    const { outcome } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => report(services, id, reported, sending),
    }));
    const found = await afterCommit(() => paymentResources(index, collections.billing(organisation.name), id));
    const answer = status === 'settled' ? found?.notice : found?.reconciliation;
    return committedAnswer(outcome.transactionId, answer);
  },
});

const ENDS = 'Parameters with reason, a code of ISO 20022, and date where it was not today.';

/** At the bank. */
export const reportPayment: readonly SubjectOperation[] = [
  reporting({
    ...{ name: 'settle', status: 'settled', schema: transferSchema },
    summary: 'Reports that a payment was made: Parameters with reference and paidOn.',
  }),
  reporting({
    ...{ name: 'accept', status: 'accepted', schema: acceptanceSchema },
    summary: 'Reports that a payment was accepted and will be executed.',
  }),
  ...(
    [
      ['reject', 'rejected', 'was not executed'],
      ['fail', 'failed', 'was tried and not made'],
      ['stop', 'stopped', 'was stopped before it was made'],
      ['return', 'returned', 'came back'],
    ] as const
  ).map(([name, status, words]) =>
    reporting({ name, status, schema: endSchema, summary: `Reports that a payment ${words}: ${ENDS}` }),
  ),
];

/** At the payer: another payment of what one that ended was to pay. */
export const retryPayment: SubjectOperation = {
  kind: 'payer',
  name: 'retry',
  transaction: 'InstructPayment',
  type: TYPE,
  level: 'instance',
  summary: 'Instructs anew what a payment that ended without money was to pay.',
  definition: definitionOf(`${TYPE}-retry`),
  async handle({ caller, id = '', body, idempotency }, services) {
    compartmentOf(caller);
    parsedInput(z.strictObject({}), parametersIn(body));
    const { index, idempotent, organisation } = services;
    const own = collections.billing(organisation.name);
    const payment = randomUUID();
    const { outcome, answer } = await idempotent.write(caller, idempotency, () => ({
      answer: { id: payment },
      submit: async (sending) => {
        const claims = await unpaidOf(index, own, id);
        return instruct(services, { id: payment, claims }, sending);
      },
    }));
    const found = await afterCommit(() => paymentResources(index, own, answer.id));
    return committedAnswer(outcome.transactionId, found?.reconciliation);
  },
};

/** At the payer: payments of many claims each. */
export const instructPayments: SubjectOperation = {
  kind: 'payer',
  name: 'instruct',
  transaction: 'InstructPayment',
  type: TYPE,
  level: 'type',
  summary:
    'Instructs all that is owed and not instructed, many claims by one payment: Parameters with provider, claim (several) and currency to narrow it.',
  definition: definitionOf(`${TYPE}-instruct`),
  async handle({ caller, body, idempotency }, services) {
    compartmentOf(caller);
    const wanted = parsedInput(wantedSchema, parametersIn(body));
    const { payments, transactions } = await instructAll(services, caller, wanted, idempotency);
    const { index, organisation } = services;
    const own = collections.billing(organisation.name);
    const entry = [];
    for (const id of payments) {
      const found = await afterCommit(() => paymentResources(index, own, id));
      if (found !== undefined) entry.push({ resource: found.reconciliation });
    }
    return { status: 200, resource: { resourceType: 'Bundle', type: 'collection', entry }, transactions };
  },
};
