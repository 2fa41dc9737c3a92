import { expect } from 'chai';
import { failureOf, type Request } from '../ledger/memory-ledger.fixture.ts';
import { type Account, accountNumberSchema } from '../model/accounts.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { findLedgerError } from '../model/errors.ts';
import { exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import { type TransactionName, transactions } from '../model/transactions.ts';
import { BANK, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

const IBAN = 'DE89370400440532013000';
const [PAYERS, HOSPITALS] = [exampleIds.payment, exampleIds.notice];

const codeOf = async (action: Promise<unknown>): Promise<string> => {
  const message = await failureOf(action);
  expect(message).to.not.include(IBAN).and.not.include('Hospital Inc');
  const found = findLedgerError(message);
  return found === undefined ? message : `${found.code} ${found.expression}`;
};

const registering = (from: string, id: string, bank = 'bank'): Request<'RegisterAccount'> & { private: object } => ({
  ...{ from, role: 'system', input: { id, payer: 'payer', bank } },
  private: { account: { iban: IBAN, name: 'Hospital Inc' }, currency: 'USD', salt: exampleSalt('4') },
});

describe('the accounts contract', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
    await story.submitClaim();
    await story.adjudicate();
  });

  const stateOf = (id: string, step: number): string => story.text(PAYER, `bank-account/${id}/${step}`);
  const saying = (
    id: string,
    status: 'confirmed' | 'refused' | 'closed',
    step = 1,
  ): Request<'SayOfAccount'> & { private: object } => ({
    ...{ from: 'bank', role: 'settlement', input: { id, payer: 'payer' } },
    private: { state: stateOf(id, step), status, salt: exampleSalt('5') },
  });
  const terms = (known = 0, more: object = {}): Request<'SetPaymentTerms'> & { private: object } => ({
    ...{ from: 'payer', role: 'system', input: { provider: 'hospital' } },
    private: {
      ...{ bank: 'bank', payerAccount: stateOf(PAYERS, 2), payeeAccount: stateOf(HOSPITALS, 2), runs: 'each', known },
      ...{ salt: exampleSalt('6'), ...more },
    },
  });
  async function agree(payee?: string): Promise<void> {
    await story.ledger.submit('RegisterAccount', registering('payer', PAYERS));
    const own = registering('hospital', HOSPITALS);
    Object.assign(own.private, payee === undefined ? {} : { payee });
    await story.ledger.submit('RegisterAccount', own);
    for (const id of [PAYERS, HOSPITALS]) await story.ledger.submit('SayOfAccount', saying(id, 'confirmed'));
    await story.ledger.submit('SetPaymentTerms', terms());
  }
  async function refused<N extends TransactionName>(name: N, request: Request<N>, code: string): Promise<void> {
    const before = story.snapshot();
    expect(await codeOf(story.ledger.submit(name, request))).to.equal(code);
    expect(story.snapshot()).to.equal(before);
  }

  it('keeps a number with the bank alone; everybody else has a token and a hash', async () => {
    const { writes } = await story.ledger.submit('RegisterAccount', registering('hospital', HOSPITALS));
    const holding = Object.entries(writes.private).filter(([, value]) => value.includes(IBAN));
    expect(holding.map(([name]) => name)).to.deep.equal([`${BANK} account-number/${HOSPITALS}`]);
    const number = holding[0]![1];
    for (const place of [PAYER, PROVIDER, BANK]) {
      const account = story.ledger.read(place, `bank-account/${HOSPITALS}/1`) as Account;
      expect(account).to.include({ owner: 'hospital', bank: 'bank', status: 'registered', number: sha256Hex(number) });
    }
    expect(canonicalJson([writes.public, writes.event])).to.not.include(IBAN);
  });

  it('is confirmed or refused by its bank alone, once, and closed once it was confirmed', async () => {
    await story.ledger.submit('RegisterAccount', registering('hospital', HOSPITALS));
    await refused('SayOfAccount', { ...saying(HOSPITALS, 'confirmed'), from: 'bank-two' }, 'FORBIDDEN id');
    await refused('SayOfAccount', { ...saying(HOSPITALS, 'confirmed'), from: 'payer' }, 'FORBIDDEN undefined');
    await refused('SayOfAccount', saying(HOSPITALS, 'closed'), 'CONFLICT id');
    await refused(
      'SayOfAccount',
      { ...saying(HOSPITALS, 'confirmed'), input: { id: PAYERS, payer: 'payer' } },
      'INVALID state',
    );
    await story.ledger.submit('SayOfAccount', saying(HOSPITALS, 'confirmed'));
    await refused('SayOfAccount', saying(HOSPITALS, 'refused'), 'CONFLICT id');
    await story.ledger.submit('SayOfAccount', saying(HOSPITALS, 'closed', 2));
    await refused('SayOfAccount', saying(HOSPITALS, 'confirmed', 3), 'CONFLICT id');
  });

  const REGISTRATIONS: [string, (request: ReturnType<typeof registering>) => void, string][] = [
    [
      'of a number that is no IBAN',
      ({ private: one }) => (one.account.iban = 'DE89370400440532013001'),
      'INVALID private.account.iban',
    ],
    ['with two numbers', ({ private: one }) => (one.account.number = '1'), 'INVALID private.account'],
    ['without a number', ({ private: one }) => (one.account = { name: 'Hospital Inc' }), 'INVALID private.account'],
    ['in no currency', ({ private: one }) => (one.currency = 'XXX'), 'INVALID currency'],
    ['at a payer', ({ input }) => (input.bank = 'payer-two'), 'NOT_FOUND bank'],
    ['for a payee that is none', ({ private: one }) => (one.payee = 'bank'), 'NOT_FOUND payee'],
    ['of another payer’s', (request) => (request.from = 'payer-two'), 'INVALID payer'],
    ['by an operator', (request) => (request.role = 'operator'), 'FORBIDDEN undefined'],
  ];
  for (const [title, change, code] of REGISTRATIONS)
    it(`takes no account ${title}`, async () => {
      const request = registering('hospital', HOSPITALS);
      change(request);
      await refused('RegisterAccount', request, code);
    });

  it('takes a number in a clearing system', () => {
    const account = {
      number: '000123456789',
      clearing: { system: 'USABA', member: '021000021' },
      name: 'Hospital Inc',
    };
    expect(accountNumberSchema.parse(account)).to.deep.equal(account);
  });

  it('are paid from and to what payer and provider have agreed on, at that bank', async () => {
    await agree();
    const generation = {
      provider: 'hospital',
      generation: 1,
      text: story.text(PAYER, 'payment-terms/payer/hospital/1'),
    };
    const instruction = story.instruction();
    await refused('InstructPayment', instruction, 'CONFLICT paymentTerms');
    instruction.private.terms = [generation];
    await refused(
      'InstructPayment',
      { ...instruction, input: { ...instruction.input, bank: 'bank-two' } },
      'INVALID bank',
    );
    const forged = { ...generation, text: generation.text.replaceAll('hospital', 'clinic') };
    await refused(
      'InstructPayment',
      { ...instruction, private: { ...instruction.private, terms: [forged] } },
      'INVALID paymentTerms',
    );
    await story.ledger.submit('InstructPayment', instruction);
    const order = story.ledger.read(BANK, `order/${exampleIds.payment}/1`);
    expect(order).to.include({ payee: 'hospital', payerAccount: PAYERS, payeeAccount: HOSPITALS });
  });

  it('go to another payee where the provider has registered its account, and by nobody else’s word', async () => {
    await agree('clinic');
    const shown = { provider: 'hospital', generation: 1, text: story.text(PAYER, 'payment-terms/payer/hospital/1') };
    const instruction = story.instruction();
    instruction.private.terms = [shown];
    await story.ledger.submit('InstructPayment', instruction);
    expect(story.ledger.read(BANK, `order/${exampleIds.payment}/1`)).to.include({ payee: 'clinic' });
    expect(transactions.SetPaymentTerms.private!.shape).to.not.have.property('payee');
  });

  it('agree on no account that is not confirmed, is closed, another’s or at another bank', async () => {
    await agree();
    await refused('SetPaymentTerms', terms(), 'CONFLICT paymentTerms');
    await refused('SetPaymentTerms', terms(5), 'INVALID known');
    await refused('SetPaymentTerms', terms(1, { payeeAccount: stateOf(HOSPITALS, 1) }), 'CONFLICT payeeAccount');
    await refused('SetPaymentTerms', terms(1, { payeeAccount: stateOf(PAYERS, 2) }), 'INVALID payeeAccount');
    await refused('SetPaymentTerms', terms(1, { payerAccount: stateOf(HOSPITALS, 2) }), 'INVALID payerAccount');
    await refused('SetPaymentTerms', terms(1, { bank: 'bank-two' }), 'INVALID payerAccount');
    await refused('SetPaymentTerms', terms(1, { payerAccount: undefined }), 'INVALID payeeAccount');
    await refused('SetPaymentTerms', { ...terms(1), input: { provider: 'clinic' } }, 'INVALID payeeAccount');
    await story.ledger.submit('SayOfAccount', saying(HOSPITALS, 'closed', 2));
    await refused('SetPaymentTerms', terms(1), 'CONFLICT payeeAccount');
    const instruction = story.instruction();
    instruction.private.terms = [
      { provider: 'hospital', generation: 1, text: story.text(PAYER, 'payment-terms/payer/hospital/1') },
    ];
    await refused('InstructPayment', instruction, 'CONFLICT terms');
  });
});
