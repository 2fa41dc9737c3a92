/**
 * What banks report by files: pain.002 (CustomerPaymentStatusReport), camt.053 and camt.054 (statement, debit and credit
 * notification), of any version that has these elements. Every payment that a file names becomes one report, known or not.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { PaymentReport } from '@telemed-ledger/chaincode/model/payments.ts';
import { unitsOf } from './amounts.ts';
import { idOf } from './pain001.ts';
import { all, first, type Node, type ParsedDocument, parseXml, textAt } from './xml.ts';

export interface FileReport {
  /** Where in the file: `Ntry[1]/TxDtls[2]`. */
  at: string;
  /** The payment's reference as the file has it. */
  endToEndId?: string | undefined;
  /** Id of the payment, where the reference can be one of ours. */
  paymentId?: string | undefined;
  /** What it says became of it; undefined where that is nothing to be recorded yet. */
  status?: PaymentReport | undefined;
  /** In the bank's words: BOOK, ACSC, RJCT … */
  said: string;
  reason?: string | undefined;
  /** The bank's reference of the transfer. */
  reference?: string | undefined;
  /** YYYY-MM-DD. */
  day?: string | undefined;
  units?: number | undefined;
  currency?: string | undefined;
  /** IBAN or other number of the account that a statement is of. */
  account?: string | undefined;
}

const MESSAGE = /^urn:iso:std:iso:20022:tech:xsd:(pain\.002|camt\.053|camt\.054)\.001\.\d{2}$/;

/** @throws {LedgerError} INVALID for what is none of these messages */
export function readReports(text: string): { message: string; reports: FileReport[] } {
  const document = parseXml(text);
  const message = MESSAGE.exec(document.namespace)?.[1];
  if (message === undefined || document.root.name !== 'Document')
    throw new LedgerError('INVALID', 'is no pain.002, camt.053 or camt.054 of ISO 20022', '$');
  return { message, reports: message === 'pain.002' ? statusReports(document) : accountReports(document) };
}

/** ExternalPaymentTransactionStatus1Code, as far as it says that something became of a payment. */
const STATUSES: Record<string, PaymentReport> = {
  ...{ ACTC: 'accepted', ACCP: 'accepted', ACSP: 'accepted', ACWC: 'accepted', ACWP: 'accepted' },
  ...{ ACSC: 'settled', ACCC: 'settled', RJCT: 'rejected', CANC: 'stopped', BLCK: 'failed' },
};
/** Not specified by the customer's or the bank's agent (ExternalStatusReason1Code). */
const UNSPECIFIED = 'MS03';
const ENDED: readonly (PaymentReport | undefined)[] = ['rejected', 'stopped', 'failed', 'returned'];

function statusReports({ root }: ParsedDocument): FileReport[] {
  const report = first(root, 'CstmrPmtStsRpt');
  const created = textAt(report, 'GrpHdr', 'CreDtTm');
  const payments = all(report, 'OrgnlPmtInfAndSts');
  if (payments.length === 0) return [groupReport(first(report, 'OrgnlGrpInfAndSts'))];
  return payments.flatMap((payment, index) => {
    const transactions = all(payment, 'TxInfAndSts');
    const at = `OrgnlPmtInfAndSts[${index + 1}]`;
    const whole = (node: Node | undefined, place: string, id: string | undefined, said: string | undefined) =>
      statusReport(node, { at: place, id, said: said ?? 'none', created });
    if (transactions.length === 0)
      return [whole(payment, at, textAt(payment, 'OrgnlPmtInfId'), textAt(payment, 'PmtInfSts'))];
    return transactions.map((transaction, number) => {
      const id = textAt(transaction, 'OrgnlEndToEndId') ?? textAt(transaction, 'OrgnlInstrId');
      return whole(transaction, `${at}/TxInfAndSts[${number + 1}]`, id, textAt(transaction, 'TxSts'));
    });
  });
}

/** A whole file that is accepted or refused names no payment: it is listed. */
const groupReport = (group: Node | undefined): FileReport => ({
  ...{ at: 'OrgnlGrpInfAndSts', endToEndId: textAt(group, 'OrgnlMsgId'), said: textAt(group, 'GrpSts') ?? 'none' },
});

function statusReport(
  node: Node | undefined,
  { at, id, said, created }: { at: string; id: string | undefined; said: string; created: string | undefined },
): FileReport {
  const reference = textAt(node, 'AcctSvcrRef');
  const stated = STATUSES[said];
  // Settled without the bank's reference is a promise: the statement says more.
  const status = stated === 'settled' && reference === undefined ? 'accepted' : stated;
  const instructed = first(node, 'OrgnlTxRef', 'Amt', 'InstdAmt');
  const reason = textAt(node, 'StsRsnInf', 'Rsn', 'Cd') ?? textAt(node, 'StsRsnInf', 'Rsn', 'Prtry');
  return {
    ...{ at, endToEndId: id, paymentId: idOf(id), status, said, reference },
    ...(ENDED.includes(status) ? { reason: reason ?? UNSPECIFIED } : {}),
    day: dayOf(textAt(node, 'FctvIntrBkSttlmDt', 'Dt') ?? textAt(node, 'AccptncDtTm') ?? created),
    ...amountOf(instructed),
  };
}

const dayOf = (text: string | undefined): string | undefined => /^\d{4}-\d{2}-\d{2}/.exec(text ?? '')?.[0];

function amountOf(node: Node | undefined): { units?: number | undefined; currency?: string | undefined } {
  const currency = node?.attributes['Ccy'];
  return node === undefined || currency === undefined ? {} : { units: unitsOf(node.text, currency), currency };
}

function accountReports({ root }: ParsedDocument): FileReport[] {
  const accounts = [...all(root, 'BkToCstmrStmt', 'Stmt'), ...all(root, 'BkToCstmrDbtCdtNtfctn', 'Ntfctn')];
  return accounts.flatMap((statement, index) => {
    const id = first(statement, 'Acct', 'Id');
    const account = textAt(id, 'IBAN') ?? textAt(id, 'Othr', 'Id');
    const place = accounts.length > 1 ? `${statement.name}[${index + 1}]/` : '';
    return all(statement, 'Ntry').flatMap((entry, number) =>
      entryReports(entry, `${place}Ntry[${number + 1}]`).map((report) => ({ ...report, account })),
    );
  });
}

function entryReports(entry: Node, at: string): FileReport[] {
  const transactions = all(entry, 'NtryDtls', 'TxDtls');
  if (transactions.length === 0) return [entryReport(entry, undefined, at, false)];
  return transactions.map((transaction, index) =>
    entryReport(entry, transaction, `${at}/TxDtls[${index + 1}]`, transactions.length > 1),
  );
}

function entryReport(entry: Node, transaction: Node | undefined, at: string, isOneOfMany: boolean): FileReport {
  const references = first(transaction, 'Refs');
  const endToEndId = textAt(references, 'EndToEndId') ?? textAt(references, 'InstrId');
  const said = textAt(entry, 'Sts', 'Cd') ?? textAt(entry, 'Sts') ?? 'none';
  const returned = first(transaction, 'RtrInf');
  const isReversal = textAt(entry, 'RvslInd') === 'true';
  const isCredit = (textAt(transaction, 'CdtDbtInd') ?? textAt(entry, 'CdtDbtInd')) === 'CRDT';
  const own = textAt(references, 'AcctSvcrRef') ?? textAt(references, 'UETR') ?? textAt(references, 'TxId');
  const whole = textAt(entry, 'AcctSvcrRef') ?? textAt(entry, 'NtryRef');
  // Transfers of one booking share its reference: with the payment's it is one of each.
  const shared = whole !== undefined && isOneOfMany ? `${whole}/${endToEndId ?? at}` : whole;
  const comesBack = isCredit && (returned !== undefined || isReversal);
  const status = said !== 'BOOK' ? undefined : comesBack ? 'returned' : isCredit ? undefined : 'settled';
  return {
    ...{ at, endToEndId, paymentId: idOf(endToEndId), status, said: isCredit ? `${said} CRDT` : said },
    ...(comesBack ? { reason: textAt(returned, 'Rsn', 'Cd') ?? textAt(returned, 'Rsn', 'Prtry') ?? UNSPECIFIED } : {}),
    reference: own ?? shared,
    day: dayIn(first(entry, 'BookgDt')) ?? dayIn(first(entry, 'ValDt')),
    ...amountOf(
      first(transaction, 'Amt') ?? first(transaction, 'AmtDtls', 'TxAmt', 'Amt') ?? ownAmount(entry, isOneOfMany),
    ),
  };
}

/** The amount of an entry is that of its transaction only where it has one. */
const ownAmount = (entry: Node, isOneOfMany: boolean): Node | undefined =>
  isOneOfMany ? undefined : first(entry, 'Amt');
const dayIn = (date: Node | undefined): string | undefined => dayOf(textAt(date, 'Dt') ?? textAt(date, 'DtTm'));
