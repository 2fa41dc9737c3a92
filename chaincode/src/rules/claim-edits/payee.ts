/** An edit about who is paid: that follows from what payer and provider have agreed on, and from nothing that a claim asks for. */
import type { ClaimEdit } from '../claim-facts.ts';

/** A claim asks for nobody else to be paid than its provider. */
export const paidToProvider: ClaimEdit = {
  name: 'payee',
  version: '1',
  after: [],
  judge: ({ bill: { payee }, provider }) => (payee === undefined || payee === provider.name ? [] : [{ payee }]),
};
