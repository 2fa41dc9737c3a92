/** Files as banks send them, in the versions that most of them speak, with a payment's reference, amount and account in them. */

export interface Example {
  reference: string;
  amount?: string;
  currency?: string;
  account?: string;
}

const document = (message: string, content: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:${message}">${content}</Document>\n`;

const IBAN = 'DE89370400440532013000';

const entry = ({ reference, amount = '117.45', currency = 'USD' }: Example, credit: string, more: string): string =>
  `<Ntry><Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>${credit}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>` +
  '<BookgDt><Dt>2026-02-14</Dt></BookgDt><AcctSvcrRef>TRF-2026-0042</AcctSvcrRef>' +
  '<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>' +
  `<NtryDtls><TxDtls><Refs><EndToEndId>${reference}</EndToEndId></Refs>` +
  `<Amt Ccy="${currency}">${amount}</Amt><CdtDbtInd>${credit}</CdtDbtInd>${more}</TxDtls></NtryDtls></Ntry>`;

const statementOf = ({ account = IBAN }: Example, entries: string): string =>
  document(
    'camt.053.001.08',
    '<BkToCstmrStmt><GrpHdr><MsgId>S-1</MsgId><CreDtTm>2026-02-14T20:00:00Z</CreDtTm></GrpHdr>' +
      `<Stmt><Id>S-1</Id><CreDtTm>2026-02-14T20:00:00Z</CreDtTm><Acct><Id><IBAN>${account}</IBAN></Id></Acct>` +
      '<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="USD">0</Amt><CdtDbtInd>CRDT</CdtDbtInd>' +
      `<Dt><Dt>2026-02-14</Dt></Dt></Bal>${entries}</Stmt></BkToCstmrStmt>`,
  );

export const statement = (example: Example): string => statementOf(example, entry(example, 'DBIT', ''));

export const statementOfReturn = (example: Example): string =>
  statementOf(example, entry(example, 'CRDT', '<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>'));

export const notification = (example: Example): string =>
  document(
    'camt.054.001.08',
    '<BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>N-1</MsgId><CreDtTm>2026-02-14T20:00:00Z</CreDtTm></GrpHdr>' +
      '<Ntfctn><Id>N-1</Id><CreDtTm>2026-02-14T20:00:00Z</CreDtTm>' +
      `<Acct><Id><IBAN>${example.account ?? IBAN}</IBAN></Id></Acct>${entry(example, 'DBIT', '')}</Ntfctn></BkToCstmrDbtCdtNtfctn>`,
  );

export const statusReport = (example: Example, status: string, reason = ''): string =>
  document(
    'pain.002.001.12',
    '<CstmrPmtStsRpt><GrpHdr><MsgId>P-1</MsgId><CreDtTm>2026-02-14T09:00:00Z</CreDtTm></GrpHdr>' +
      '<OrgnlGrpInfAndSts><OrgnlMsgId>M-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInfAndSts>' +
      `<OrgnlPmtInfAndSts><OrgnlPmtInfId>${example.reference}</OrgnlPmtInfId><TxInfAndSts>` +
      `<OrgnlEndToEndId>${example.reference}</OrgnlEndToEndId><TxSts>${status}</TxSts>` +
      `${reason === '' ? '' : `<StsRsnInf><Rsn><Cd>${reason}</Cd></Rsn></StsRsnInf>`}` +
      '</TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt>',
  );
