/**
 * What became of payments on a day, as payer, bank and provider each hold it: one row for each payer, bank, provider, currency and
 * status. All three make the rows of what concerns two of them from the same values of the ledger, so that they are equal.
 */
import { canonicalJson, sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { claimsOf, isPayBack, payerOf } from '@telemed-ledger/chaincode/model/payment-details.ts';
import { decimalText } from './iso20022/amounts.ts';

/** Amounts in minor units. */
export interface Row {
  payer: string;
  bank: string;
  provider: string;
  currency: string;
  status: string;
  /** Of what a provider pays back; absent where the payer pays. */
  direction?: 'back' | undefined;
  payments: number;
  claims: number;
  units: number;
}

/** What is not the same everywhere, or not yet. */
export interface Difference {
  /** Of the payment, by which payer, bank and provider know it. */
  payment: string;
  what: string;
}

/** The payment that a PaymentReconciliation is of, whoever holds it. */
export const paymentOf = (resource: Resource): string =>
  (resource['identifier'] as { value?: string }[] | undefined)?.[0]?.value ?? resource.id;

const PAYMENT_STATUS = /\/payment-status$/;

/** How a payment stands by its resource. */
export function statusOf(resource: Resource): string {
  const extensions = (resource['extension'] ?? []) as { url: string; valueCode?: string }[];
  const stated = extensions.find(({ url }) => PAYMENT_STATUS.test(url))?.valueCode;
  return stated ?? (resource['outcome'] === 'complete' ? 'settled' : 'instructed');
}

/** Whether it says what was taken from a debt: no bank has moved anything. */
export const isOffset = (resource: Resource): boolean =>
  ((resource['detail'] ?? []) as { type?: { coding?: { code?: string }[] } }[]).some(({ type }) =>
    type?.coding?.some(({ code }) => code === 'adjustment'),
  );

/** A PaymentReconciliation as it stood after a report, and the bank that reported. */
export interface Reported {
  resource: Resource;
  bank: string;
}

/** The rows of what was reported, by what they are of. */
export function rowsOf(reported: readonly Reported[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { resource, bank } of reported) {
    const back = isPayBack(resource) ? ({ direction: 'back' } as const) : {};
    const at = { payer: payerOf(resource) ?? '', bank, status: statusOf(resource), ...back };
    const counted = new Set<string>();
    for (const { provider = '', amount } of claimsOf(resource).values()) {
      const name = canonicalJson([at, provider, amount.currency]);
      const row = rows.get(name) ?? { ...at, provider, currency: amount.currency, payments: 0, claims: 0, units: 0 };
      if (!counted.has(name)) row.payments += 1;
      counted.add(name);
      rows.set(name, { ...row, claims: row.claims + 1, units: row.units + amount.units });
    }
  }
  return [...rows].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);
}

/** One line by which two of them see that they hold the same. */
export const digestOf = (rows: readonly Row[]): string => sha256Hex(canonicalJson(rows));

export interface RowDifference {
  /** What the rows are of. */
  of: Pick<Row, 'payer' | 'bank' | 'provider' | 'currency' | 'status' | 'direction'>;
  own?: Row;
  theirs?: Row;
}

/** Where two sides' rows of what concerns both differ. */
export function differencesBetween(own: readonly Row[], theirs: readonly Row[]): RowDifference[] {
  const named = (rows: readonly Row[]) =>
    new Map(
      rows.map((row) => {
        const { payments: _, claims: __, units: ___, ...of } = row;
        return [canonicalJson(of), row] as const;
      }),
    );
  const [ours, others] = [named(own), named(theirs)];
  return [...new Set([...ours.keys(), ...others.keys()])].sort().flatMap((name) => {
    const [one, other] = [ours.get(name), others.get(name)];
    if (canonicalJson(one ?? null) === canonicalJson(other ?? null)) return [];
    return [{ of: JSON.parse(name), ...(one && { own: one }), ...(other && { theirs: other }) }];
  });
}

const HEAD = ['payer', 'bank', 'provider', 'currency', 'status', 'payments', 'claims', 'amount', 'direction'];

/** The rows as CSV (RFC 4180), amounts as decimals of their currency. Names of members need no quotes. */
export const csvOf = (rows: readonly Row[]): string =>
  [
    HEAD,
    ...rows.map((row) => [
      ...[row.payer, row.bank, row.provider, row.currency, row.status, row.payments, row.claims],
      ...[decimalText([row]), row.direction ?? ''],
    ]),
  ]
    .map((cells) => `${cells.join(',')}\r\n`)
    .join('');
