/**
 * pain.001.001.09, CustomerCreditTransferInitiation (ISO 20022): what a payer, or a provider that pays back, has its bank pay, one PmtInf with one transfer for
 * each payment. A payment is found again by its id: as PmtInfId and EndToEndId it has no hyphens, so that it fits into 35 characters.
 */
import type { AccountNumber } from '@telemed-ledger/chaincode/model/accounts.ts';
import { debtorOf, type PaymentState } from '@telemed-ledger/chaincode/model/payments.ts';
import { decimalText } from './amounts.ts';
import { type Content, writeXml } from './xml.ts';

const NAMESPACE = 'urn:iso:std:iso:20022:tech:xsd:pain.001.001.09';
/** The scheme of accounts that are given by their tokens. */
const TOKENS = 'TELEMED-LEDGER';
/** What banks write where something has to stand and is not known. */
const NOT_PROVIDED = 'NOTPROVIDED';

/** An id of the ledger as a reference of at most 35 characters, and back. */
export const referenceOf = (id: string): string => id.replaceAll('-', '');
export function idOf(reference: string | undefined): string | undefined {
  const parts = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/i.exec(reference ?? '');
  return parts === null ? undefined : parts.slice(1).join('-').toLowerCase();
}

export interface Initiation {
  /** At most 35 characters. */
  messageId: string;
  /** Who sends it. */
  initiator: string;
  /** ISO 8601. */
  created: string;
  payments: readonly PaymentState[];
  /** The number of an account where it is known here; else its token is written. */
  numberOf: (account: string) => AccountNumber | undefined;
}

export function pain001Of({ messageId, initiator, created, payments, numberOf }: Initiation): string {
  const header = {
    ...{ MsgId: messageId, CreDtTm: created, NbOfTxs: String(payments.length) },
    ...{ CtrlSum: decimalText(payments), InitgPty: { Nm: initiator } },
  };
  return writeXml(NAMESPACE, 'Document', {
    CstmrCdtTrfInitn: { GrpHdr: header, PmtInf: payments.map((payment) => paymentInformation(payment, numberOf)) },
  });
}

function paymentInformation(payment: PaymentState, numberOf: Initiation['numberOf']): Content {
  const { id, bank, payee, day, currency, payerAccount, payeeAccount } = payment;
  const [from, to] = [payerAccount && numberOf(payerAccount), payeeAccount && numberOf(payeeAccount)];
  const amount = decimalText([payment]);
  const transfer = {
    PmtId: { InstrId: referenceOf(id), EndToEndId: referenceOf(id) },
    Amt: { InstdAmt: { '@Ccy': currency, '#': amount } },
    ...(to === undefined || to === '' ? {} : { CdtrAgt: { FinInstnId: agentOf(to) } }),
    Cdtr: { Nm: nameOf(to, payee) },
    CdtrAcct: { Id: accountId(payeeAccount, to) },
    RmtInf: { Ustrd: `Payment ${id}` },
  };
  return {
    ...{ PmtInfId: referenceOf(id), PmtMtd: 'TRF', NbOfTxs: '1', CtrlSum: amount, ReqdExctnDt: { Dt: day } },
    Dbtr: { Nm: nameOf(from, debtorOf(payment)) },
    DbtrAcct: { Id: accountId(payerAccount, from), Ccy: currency },
    DbtrAgt: { FinInstnId: from === undefined || from === '' ? { Nm: bank } : agentOf(from) },
    CdtTrfTxInf: transfer,
  };
}

type Known = AccountNumber | undefined | '';

const nameOf = (account: Known, organisation: string): string =>
  account === undefined || account === '' ? organisation : account.name;

function accountId(token: string | undefined, account: Known): Content {
  if (account !== undefined && account !== '') {
    const { iban, number = '' } = account;
    return iban === undefined ? { Othr: { Id: number } } : { IBAN: iban };
  }
  if (token === undefined) return { Othr: { Id: NOT_PROVIDED } };
  return { Othr: { Id: referenceOf(token), SchmeNm: { Prtry: TOKENS } } };
}

function agentOf({ bic, clearing }: AccountNumber): Content {
  if (bic === undefined && clearing === undefined) return { Othr: { Id: NOT_PROVIDED } };
  return {
    BICFI: bic,
    ClrSysMmbId: clearing && { ClrSysId: { Cd: clearing.system }, MmbId: clearing.member },
  };
}
