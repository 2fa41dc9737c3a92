/** The states of a payment: each a value in the payer's collection, written once, with copies for whom it concerns. */
import type { Store } from '../ledger/store.ts';
import { sha256Hex } from '../model/canonical.ts';
import type { Resource } from '../model/fhir.ts';
import { privateKeys } from '../model/keys.ts';
import type { PaymentState, PaymentValue } from '../model/payments.ts';
import { putWithCopies } from './claim-states.ts';

/** The salt of one of several values of a transaction: who sees one of them can guess at no other by its hash. */
export const saltOf = (salt: string, name: string): string => sha256Hex(`${name}/${salt}`);

/** Who has a copy of what becomes of a payment: its bank, and the provider that pays. */
export const concernedBy = ({ bank, debtor }: PaymentState): string[] => [
  bank,
  ...(debtor === undefined ? [] : [debtor]),
];

/** The next state of a payment and its resource. @throws LedgerError CONFLICT where there is one already */
export async function putPayment(store: Store, state: PaymentState, resource: Resource, salt: string): Promise<void> {
  const { id, payer, step } = state;
  const copies = concernedBy(state);
  const value: PaymentValue = { schema: 1, paymentId: id, salt: saltOf(salt, 'reconciliation'), resource };
  await putWithCopies(store, payer, { key: privateKeys.order(id, step), value: state, copies });
  await putWithCopies(store, payer, { key: privateKeys.reconciliation(id, step), value, copies });
}
