/** What a provider owes back, paid back: the provider's instruction, and at the payer that what ended without money is owed again. */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { type Amount, parseMoney } from '@telemed-ledger/chaincode/model/money.ts';
import { debtsOf } from '@telemed-ledger/chaincode/model/payment-details.ts';
import {
  ENDED_PAYMENTS,
  MAX_DEBTS_OF_PAYMENT,
  type PaymentState,
  paymentStateSchema,
} from '@telemed-ledger/chaincode/model/payments.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { AS_SYSTEM, type Duty } from '../../duties/duties.ts';
import { ownStates } from '../../duties/found.ts';
import { committedAnswer } from '../../fhir/answers.ts';
import { parsedInput } from '../../http/bodies.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { debtsIn, type Standing } from '../claims/debts.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { claimReference, parametersIn, several } from './parameters.ts';
import { paymentResources, standing } from './payments.ts';
import { newestTerms } from './terms.ts';

/** What of its debts a provider pays back: all that is left, where nothing is said. */
const wantedSchema = z.strictObject({
  payer: z.string().max(63).optional(),
  claim: several(claimReference).optional(),
  amount: z.unknown().optional(),
  bank: z.string().max(63).optional(),
});
type Wanted = Omit<z.infer<typeof wantedSchema>, 'amount'> & { amount?: Amount };

/** At the provider. */
export const payBack: SubjectOperation = {
  kind: 'provider',
  name: 'pay-back',
  transaction: 'RepayDebts',
  type: 'PaymentReconciliation',
  level: 'type',
  summary:
    'Has a bank pay back what is owed to a payer: Parameters with payer, claim (several), amount (Money) and bank to narrow it.',
  definition: definitionOf('PaymentReconciliation-pay-back'),
  async handle({ caller, body, idempotency }, services) {
    compartmentOf(caller);
    const { amount: money, ...narrowed } = parsedInput(wantedSchema, parametersIn(body));
    const wanted: Wanted = { ...narrowed, ...(money === undefined ? {} : { amount: parseMoney(money, 'amount') }) };
    const id = randomUUID();
    const { outcome, answer } = await services.idempotent.write(caller, idempotency, () => ({
      answer: { id },
      submit: (sending) => repay(services, id, wanted, sending),
    }));
    const own = collections.billing(services.organisation.name);
    const found = await afterCommit(() => paymentResources(services.index, own, answer.id));
    return committedAnswer(outcome.transactionId, found?.reconciliation);
  },
};

async function repay(services: Services, id: string, wanted: Wanted, sending: Sending): Promise<Outcome> {
  const { index, ledger, organisation, consortium } = services;
  const own = collections.billing(organisation.name);
  return upToDate(async () => {
    const owed = (await debtsIn(index, own)).filter(({ debt }) => debt.provider === organisation.name);
    const chosen = chosenOf(owed, wanted);
    const payer = chosen[0]!.debt.payer;
    const amount = amountOf(chosen, wanted.amount);
    const terms = await newestTerms(index, own, { payer, provider: organisation.name });
    const bank = wanted.bank ?? terms?.terms.bank ?? organisationsOfKind(consortium, 'bank')[0]?.name;
    if (bank === undefined) throw new LedgerError('NOT_FOUND', 'there is no bank in this consortium');
    const shown = terms === undefined ? {} : { terms: { generation: terms.generation, text: terms.text } };
    const debts = textsFor(chosen, amount.units);
    return ledger.submit('RepayDebts', { id, payer, bank }, { salt: newSalt(), ...amount, debts, ...shown }, sending);
  });
}

/** The debts that are meant, oldest first. @throws {LedgerError} CONFLICT where there is none, INVALID where they are not to one payer in one currency */
function chosenOf(owed: readonly Standing[], { payer, claim, amount }: Wanted): readonly Standing[] {
  const chosen = owed.filter(
    ({ debt }) =>
      (payer === undefined || debt.payer === payer) &&
      (claim === undefined || claim.includes(debt.claimId)) &&
      (amount === undefined || debt.left.currency === amount.currency),
  );
  if (chosen.length === 0) throw new LedgerError('CONFLICT', 'nothing of that is owed back', 'amount');
  const isOne = (values: string[]): boolean => new Set(values).size === 1;
  if (!isOne(chosen.map(({ debt }) => debt.payer)))
    throw new LedgerError('INVALID', 'several are owed: say which', 'payer');
  if (!isOne(chosen.map(({ debt }) => debt.left.currency)))
    throw new LedgerError('INVALID', 'is owed in several currencies: say how much of one', 'amount');
  return chosen.slice(0, MAX_DEBTS_OF_PAYMENT);
}

/** @throws {LedgerError} INVALID where it is more than these debts */
function amountOf(chosen: readonly Standing[], wanted: Amount | undefined): Amount {
  const units = chosen.reduce((sum, { debt }) => sum + debt.left.units, 0);
  if (wanted !== undefined && (wanted.units > units || wanted.units === 0))
    throw new LedgerError('INVALID', 'must be more than nothing, and no more than is owed back', 'amount');
  return wanted ?? { units, currency: chosen[0]!.debt.left.currency };
}

/** Of the first so many that come to an amount. */
function textsFor(chosen: readonly Standing[], units: number): string[] {
  const texts: string[] = [];
  let left = units;
  for (const { debt, text } of chosen) {
    if (left <= 0) break;
    texts.push(text);
    left -= debt.left.units;
  }
  return texts;
}

/** At the payer: payments back that ended, of which the debts are not open again. */
export const reopenDebts: Duty<PaymentState> = {
  name: 'reopen debts',
  kind: 'payer',
  on: [events.PaymentReported],
  idOf: ({ id }) => id,
  async *find(services) {
    const own = collections.billing(services.organisation.name);
    for await (const state of ownStates(services, 'payment', paymentStateSchema, ENDED_PAYMENTS))
      if (state.debtor !== undefined && !(await services.index.evidence.isWritten(own, privateKeys.reopened(state.id))))
        yield state;
  },
  async perform({ id, debtor }, { index, ledger, organisation }) {
    const own = collections.billing(organisation.name);
    await upToDate(async () => {
      const { shown, resource } = await standing(index, own, id);
      const all = await debtsIn(index, own, true);
      const debts = debtsOf(resource).map((one) => {
        const found = all.find(({ debt }) => debt.claimId === one.claimId && debt.step === one.step);
        if (found === undefined) throw new LedgerError('NOT_FOUND', 'its debt is not here', 'id');
        return found.text;
      });
      const opening = { salt: newSalt(), ...shown, debts };
      return ledger.submit('ReopenDebts', { id, provider: debtor! }, opening, AS_SYSTEM);
    });
  },
};
