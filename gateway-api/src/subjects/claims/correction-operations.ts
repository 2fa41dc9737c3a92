/** Claim/<id>/$cancel, $submit-attachment and $appeal, at the provider whose claim it is. */
import { targetOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { TransactionName } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { type Answer, committedAnswer } from '../../fhir/answers.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import type { IdempotentRequest } from '../../idempotency/request.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { claimState } from './claims.ts';
import { type Added, reopen, withdraw } from './corrections.ts';
import { responseOf } from './response.ts';

interface Parameter {
  name?: string;
  valueString?: string;
  valueReference?: { reference?: string };
  valuePositiveInt?: unknown;
}

interface Asked {
  reason: string | undefined;
  added: Added;
}

/** @throws LedgerError INVALID where anything in it is not understood */
function askedIn(body: Resource | undefined, names: readonly string[]): Asked {
  if (body !== undefined && body.resourceType !== 'Parameters')
    throw new LedgerError('INVALID', 'is no Parameters', body.resourceType);
  const parameters = (body?.['parameter'] ?? []) as Parameter[];
  const asked = { reason: undefined as string | undefined, records: [] as string[], items: [] as number[] };
  for (const [index, parameter] of parameters.entries()) {
    const at = `Parameters.parameter[${index}]`;
    const { name = '', valueString, valueReference, valuePositiveInt } = parameter;
    if (!names.includes(name)) throw new LedgerError('INVALID', `is none of ${names.join(', ')}`, `${at}.name`);
    const record = targetOf(valueReference);
    if (name === 'reason' && valueString !== undefined && asked.reason === undefined) asked.reason = valueString;
    else if (name === 'record' && record !== undefined) asked.records.push(record);
    else if (name === 'item' && Number(valuePositiveInt) >= 1) asked.items.push(Number(valuePositiveInt));
    else throw new LedgerError('INVALID', 'is twice there, or without a value of its type', at);
  }
  const { reason, records, items } = asked;
  return { reason, added: { records, items } };
}

export const needed = (reason: string | undefined): string => {
  if (reason !== undefined) return reason;
  throw new LedgerError('INVALID', 'needs a reason', 'Parameters.parameter');
};

interface Handling {
  caller: Caller;
  id: string | undefined;
  idempotency: IdempotentRequest | undefined;
}

/** Sends it once, and answers how the claim stands then. */
async function handled(
  { caller, id = '', idempotency }: Handling,
  services: Services,
  submit: (id: string, sending: Sending) => Promise<Outcome>,
): Promise<Answer> {
  compartmentOf(caller);
  const { outcome } = await services.idempotent.write(caller, idempotency, () => ({
    answer: {},
    submit: (sending) => submit(id, sending),
  }));
  const response = await afterCommit(async () => responseOf(services, await claimState(services.index, id)));
  return committedAnswer(outcome.transactionId, response);
}

const operation = (
  name: string,
  transaction: TransactionName,
  summary: string,
  handle: SubjectOperation['handle'],
): SubjectOperation => ({
  ...{ kind: 'provider', name, transaction, type: 'Claim', level: 'instance', summary, handle },
  definition: definitionOf(`Claim-${name}`),
});

export const correctClaim: readonly SubjectOperation[] = [
  operation(
    'cancel',
    'WithdrawClaim',
    'Takes a claim back before it is decided: Parameters with a reason. One that is decided is voided by a Claim with frequency code 8.',
    async ({ body, ...handling }, services) => {
      const { reason = 'cancelled by the provider' } = askedIn(body, ['reason']);
      return handled(handling, services, (id, sending) => withdraw(services, { id, kind: 'cancel', reason }, sending));
    },
  ),
  operation(
    'submit-attachment',
    'ReopenClaim',
    'Answers what is missing of a pended claim: Parameters with a reason, records (references) and the items that they are for.',
    async ({ body, ...handling }, services) => {
      const { reason, added } = askedIn(body, ['reason', 'record', 'item']);
      const asked = { kind: 'supplement', reason: needed(reason), added } as const;
      return handled(handling, services, (id, sending) => reopen(services, { id, ...asked }, sending));
    },
  ),
  operation(
    'appeal',
    'ReopenClaim',
    'Appeals against a decision: Parameters with a reason, records (references) and the items that they are for.',
    async ({ body, ...handling }, services) => {
      const { reason, added } = askedIn(body, ['reason', 'record', 'item']);
      const asked = { kind: 'appeal', reason: needed(reason), added } as const;
      return handled(handling, services, (id, sending) => reopen(services, { id, ...asked }, sending));
    },
  ),
];
