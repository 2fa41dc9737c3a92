/**
 * Files of ISO 20022, out and in. Their structure is held to ISO's own schemas by libxml2 where these are at hand: they may be read
 * by everybody and are not part of this repository. ISO20022_XSD names a directory with files like pain.001.001.09.xsd.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findLedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { PaymentState } from '@telemed-ledger/chaincode/model/payments.ts';
import { expect } from 'chai';
import { validateXML } from 'xmllint-wasm';
import { decimalText, unitsOf } from './amounts.ts';
import { type Example, notification, statement, statementOfReturn, statusReport } from './examples.fixture.ts';
import { judged } from './judging.ts';
import { idOf, pain001Of, referenceOf } from './pain001.ts';
import { readReports } from './reports.ts';
import { all, first, parseXml, textAt } from './xml.ts';

const ID = '00000000-0000-4000-8000-000000000009';
const [PAYERS, HOSPITALS] = ['00000000-0000-4000-8000-000000000021', '00000000-0000-4000-8000-000000000022'];
const IBAN = 'DE89370400440532013000';
const EXAMPLE: Example = { reference: referenceOf(ID) };

const payment = (more: Partial<PaymentState> = {}): PaymentState => ({
  ...{ schema: 1, id: ID, step: 1, payer: 'payer', bank: 'bank', payee: 'hospital', status: 'instructed' },
  ...{ day: '2026-02-13', units: 11_745, currency: 'USD', claims: 2, providers: ['hospital'] },
  ...{ instructedAt: '2026-02-13T08:00:00Z', updatedAt: '2026-02-13T08:00:00Z', salt: '0'.repeat(64), ...more },
});
const initiation = (payments: PaymentState[], numberOf = (_: string) => undefined as never): string =>
  pain001Of({ messageId: 'M-1', initiator: 'payer', created: '2026-02-13T08:00:00Z', payments, numberOf });

const SCHEMAS = process.env['ISO20022_XSD'];
async function expectValid(text: string): Promise<void> {
  const message = /xsd:([a-z0-9.]+)"/.exec(text)?.[1];
  const file = SCHEMAS && join(SCHEMAS, `${message}.xsd`);
  if (!file || !existsSync(file)) return;
  const schema = { fileName: `${message}.xsd`, contents: readFileSync(file, 'utf8') };
  const { valid, errors } = await validateXML({ xml: [{ fileName: 'file.xml', contents: text }], schema: [schema] });
  expect(errors.map(({ message }) => message)).to.deep.equal([]);
  expect(valid).to.equal(true);
}

describe('ISO 20022', () => {
  it(`is held to its schemas${SCHEMAS === undefined ? ' (not here: ISO20022_XSD names no directory)' : ''}`, function () {
    if (SCHEMAS === undefined) this.skip();
    expect(existsSync(join(SCHEMAS, 'pain.001.001.09.xsd'))).to.equal(true);
  });

  describe('pain.001', () => {
    const both = [payment(), payment({ id: PAYERS, units: 5, currency: 'JPY' })];

    it('has one transfer for each payment, and sums', async () => {
      const text = initiation(both);
      await expectValid(text);
      const { root } = parseXml(text);
      const header = first(root, 'CstmrCdtTrfInitn', 'GrpHdr');
      expect([textAt(header, 'NbOfTxs'), textAt(header, 'CtrlSum')]).to.deep.equal(['2', '122.45']);
      const transfers = all(root, 'CstmrCdtTrfInitn', 'PmtInf', 'CdtTrfTxInf');
      expect(transfers.map((one) => idOf(textAt(one, 'PmtId', 'EndToEndId')))).to.deep.equal([ID, PAYERS]);
      const amounts = transfers.map((one) => first(one, 'Amt', 'InstdAmt'));
      expect(amounts.map((one) => [one?.text, one?.attributes['Ccy']])).to.deep.equal([
        ['117.45', 'USD'],
        ['5', 'JPY'],
      ]);
    });

    it('has accounts by token, and by number where it is known', async () => {
      const agreed = payment({ payerAccount: PAYERS, payeeAccount: HOSPITALS });
      const byToken = initiation([agreed]);
      await expectValid(byToken);
      expect(byToken).to.include(referenceOf(PAYERS)).and.include(referenceOf(HOSPITALS)).and.not.include(IBAN);
      const numbers: Record<string, object> = {
        [PAYERS]: { iban: IBAN, bic: 'COBADEFFXXX', name: 'Payer & Sons <Ltd>' },
        [HOSPITALS]: { number: '000123', clearing: { system: 'USABA', member: '021000021' }, name: 'Hospital' },
      };
      const byNumber = initiation([agreed], (id) => numbers[id] as never);
      await expectValid(byNumber);
      const { root } = parseXml(byNumber);
      const information = first(root, 'CstmrCdtTrfInitn', 'PmtInf');
      expect(textAt(information, 'DbtrAcct', 'Id', 'IBAN')).to.equal(IBAN);
      expect(textAt(information, 'Dbtr', 'Nm')).to.equal('Payer & Sons <Ltd>');
      expect(textAt(information, 'CdtTrfTxInf', 'CdtrAcct', 'Id', 'Othr', 'Id')).to.equal('000123');
    });
  });

  describe('in', () => {
    const readOne = (text: string) => {
      const { reports } = readReports(text);
      expect(reports).to.have.length(1);
      return reports[0]!;
    };
    const found = (text: string, state: PaymentState | undefined = payment()) => {
      const { finding, words, report } = judged(readOne(text), state, undefined);
      return [finding, ...(words === undefined ? [] : [words]), ...(report === undefined ? [] : [report])];
    };
    const settled = { status: 'settled', day: '2026-02-14', reference: 'TRF-2026-0042' } as const;

    for (const [name, file] of [
      ['camt.053', statement],
      ['camt.054', notification],
    ] as const)
      it(`${name} settles by the reference, the amount and the currency, and by nothing less`, async () => {
        await expectValid(file(EXAMPLE));
        expect(found(file(EXAMPLE))).to.deep.equal(['new', settled]);
        expect(found(file({ ...EXAMPLE, amount: '117.46' }))).to.deep.equal(['differs', 'it is of another amount']);
        expect(found(file({ ...EXAMPLE, amount: '117.450' }))).to.deep.equal(['new', settled]);
        expect(found(file({ ...EXAMPLE, currency: 'EUR' }))).to.deep.equal(['differs', 'it is in another currency']);
        expect(found(file({ reference: 'NOTPROVIDED' }))[0]).to.equal('unknown');
        expect(judged(readOne(file(EXAMPLE)), undefined, undefined).finding).to.equal('unknown');
        const account = { id: PAYERS, number: { iban: IBAN, name: 'Payer' } };
        expect(judged(readOne(file(EXAMPLE)), payment(), account).finding).to.equal('new');
        const other = file({ ...EXAMPLE, account: 'GB82WEST12345698765432' });
        expect(judged(readOne(other), payment(), account)).to.include({ words: 'it is of another account' });
      });

    it('the same again is known, and with another reference it differs', () => {
      expect(found(statement(EXAMPLE), payment(settled))).to.deep.equal(['known']);
      const other = payment({ ...settled, reference: 'TRF-1' });
      expect(found(statement(EXAMPLE), other)).to.deep.equal(['differs', 'it was paid with another reference']);
    });

    it('money that comes back is a return with its reason; money for what ended is to be had back', async () => {
      await expectValid(statementOfReturn(EXAMPLE));
      const returned = { status: 'returned', day: '2026-02-14', reason: 'AC04' } as const;
      expect(found(statementOfReturn(EXAMPLE), payment(settled))).to.deep.equal(['new', returned]);
      expect(found(statement(EXAMPLE), payment({ status: 'failed', reason: 'AC04' }))).to.deep.equal([
        ...['differs', 'it was paid after it had been failed: the money is to be had back'],
      ]);
    });

    for (const [status, becomes] of [
      ['ACTC', { status: 'accepted', day: '2026-02-14' }],
      ['RJCT', { status: 'rejected', day: '2026-02-14', reason: 'AC01' }],
      ['CANC', { status: 'stopped', day: '2026-02-14', reason: 'AC01' }],
      // Without the bank's reference it is no more than accepted.
      ['ACSC', { status: 'accepted', day: '2026-02-14' }],
    ] as const)
      it(`pain.002 ${status} is ${becomes.status}`, async () => {
        const text = statusReport(EXAMPLE, status, 'AC01');
        await expectValid(text);
        expect(found(text)).to.deep.equal(['new', becomes]);
      });

    it('pain.002 of what is pending is listed, and changes nothing', () => {
      expect(found(statusReport(EXAMPLE, 'PDNG'))).to.deep.equal(['pending', 'it says PDNG']);
    });

    it('several transfers of one booking each have a reference of their own', () => {
      const [head = '', details = '', tail = ''] = statement(EXAMPLE).split(/(<TxDtls>.*<\/TxDtls>)/);
      const other = details.replace(referenceOf(ID), referenceOf(PAYERS));
      const { reports } = readReports(`${head}${details}${other}${tail}`);
      expect(reports.map(({ paymentId }) => paymentId)).to.deep.equal([ID, PAYERS]);
      expect(new Set(reports.map(({ reference }) => reference)).size).to.equal(2);
    });

    const REFUSED: [string, string][] = [
      ['no XML', 'hello'],
      ['cut off', statement(EXAMPLE).slice(0, -20)],
      ['another message', statement(EXAMPLE).replaceAll('camt.053', 'camt.056')],
      ['no namespace', '<Document><BkToCstmrStmt/></Document>'],
      [
        'a document type with a file',
        statement(EXAMPLE).replace('?>', '?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
      ],
      [
        'entities of entities',
        `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>${statement(EXAMPLE).split('?>')[1]}`,
      ],
      ['an entity that nobody declared', statement(EXAMPLE).replace('TRF-2026-0042', '&unknown;')],
      ['levels without end', `${'<a>'.repeat(60)}${'</a>'.repeat(60)}`],
    ];
    for (const [title, text] of REFUSED)
      it(`${title} is refused, without quoting it`, () => {
        const failure = (() => {
          try {
            readReports(text);
          } catch (error) {
            return error as Error;
          }
          return undefined;
        })();
        expect(findLedgerError(String(failure?.message))?.code, failure?.message).to.equal('INVALID');
        expect(failure?.message).to.not.include('TRF').and.not.include(IBAN);
      });
  });

  describe('amounts', () => {
    it('are decimals of their currency, exactly', () => {
      const texts = [decimalText([{ units: 5, currency: 'USD' }]), decimalText([{ units: 12_345, currency: 'KWD' }])];
      expect([...texts, decimalText([{ units: 7, currency: 'JPY' }])]).to.deep.equal(['0.05', '12.345', '7']);
      expect(unitsOf('0.1', 'USD')).to.equal(10);
      expect(unitsOf('9999999999999.99', 'USD')).to.equal(999_999_999_999_999);
      for (const text of ['-1', '1.001', '1,00', '', 'x', undefined]) expect(unitsOf(text, 'USD')).to.equal(undefined);
    });
  });
});
