import { expect } from 'chai';
import { failureOf, type Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { findLedgerError } from '../model/errors.ts';
import { type Changeable, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import { ENDED_PAYMENTS, PAYMENT_REPORTS, type PaymentReport, transferHash } from '../model/payments.ts';
import type { TransactionName } from '../model/transactions.ts';
import type { ClaimState } from '../model/values.ts';
import { remittanceId } from '../rules/payments.ts';
import { BANK, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

const organisation = (name: string): object => ({
  ...{ type: 'Organization', display: name },
  identifier: { system: 'https://telemed-ledger.example/organisations', value: name },
});
const concept = (system: string, code: string): object => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }],
});
const usd = (value: number): object => ({ value, currency: 'USD' });
const request = { reference: `Claim/${exampleIds.claim}` };
const response = { reference: `ClaimResponse/${exampleIds.response}` };
const identifier = { system: 'https://telemed-ledger.example/payments', value: exampleIds.payment };
const transfer = { system: 'https://telemed-ledger.example/organisations/bank/transfers', value: 'TRF-2026-0042' };

const queued = {
  ...{ resourceType: 'PaymentReconciliation', id: exampleIds.payment, identifier: [identifier], status: 'active' },
  ...{ created: '2026-02-13T08:00:00.000Z', paymentIssuer: organisation('payer'), outcome: 'queued' },
  ...{ paymentDate: '2026-02-13', paymentAmount: usd(117.45) },
  detail: [
    {
      ...{ type: concept('payment-type', 'payment'), request, submitter: organisation('hospital'), response },
      ...{ date: '2026-02-13', payee: organisation('hospital'), amount: usd(117.45) },
    },
  ],
};
const complete = { ...queued, outcome: 'complete', paymentDate: '2026-02-14', paymentIdentifier: transfer };
const notice = {
  ...{ resourceType: 'PaymentNotice', id: exampleIds.notice, identifier: [transfer], status: 'active' },
  ...{ request, response, created: '2026-02-14T08:00:00.000Z' },
  payment: { type: 'PaymentReconciliation', identifier },
  ...{ paymentDate: '2026-02-14', payee: organisation('hospital'), recipient: organisation('payer') },
  ...{ amount: usd(117.45), paymentStatus: concept('paymentstatus', 'paid') },
};

const extensions = 'https://telemed-ledger.example/fhir/StructureDefinition';
/** As the bank has reported that it ended, for AC04. */
const ended = (status: string): object => ({
  ...{ ...queued, outcome: 'error', disposition: `${status}: AC04`, paymentDate: '2026-02-14' },
  extension: [
    { url: `${extensions}/payment-status`, valueCode: status },
    {
      url: `${extensions}/payment-reason`,
      valueCoding: { system: 'https://telemed-ledger.example/fhir/CodeSystem/iso-20022-reasons', code: 'AC04' },
    },
  ],
});

const salted = (name: string, salt: string): string => sha256Hex(`${name}/${exampleSalt(salt)}`);
const owed = { units: 11_745, currency: 'USD', response: exampleIds.response };

const state = (status: string, step: number, updatedAt: string, salt: string): object => ({
  ...{ schema: 1, step, id: exampleIds.claim, provider: 'hospital', payer: 'payer', bank: 'bank', status, owed },
  ...{ payment: exampleIds.payment, submittedAt: '2026-02-11T08:00:00.000Z', updatedAt },
  salt: sha256Hex(`claim-state/${salted(exampleIds.claim, salt)}`),
});

const order = (status: string, step: number, updatedAt: string, salt: string, more: object = {}): object => ({
  ...{ schema: 1, id: exampleIds.payment, step, payer: 'payer', bank: 'bank', payee: 'hospital', status },
  ...{
    units: 11_745,
    currency: 'USD',
    claims: 1,
    providers: ['hospital'],
    day: updatedAt.slice(0, 10),
    salt: salted('order', salt),
  },
  ...{ instructedAt: '2026-02-13T08:00:00.000Z', updatedAt, ...more },
});

const value = (resource: object, name: string, salt: string): object => ({
  ...{ schema: 1, paymentId: exampleIds.payment, salt: salted(name, salt), resource },
});

const codeOf = async (action: Promise<unknown>): Promise<string> => {
  const message = await failureOf(action);
  for (const word of ['117.45', 'TRF-2026', exampleIds.patient]) expect(message).to.not.include(word);
  const found = findLedgerError(message);
  return found === undefined ? message : `${found.code} ${found.expression}`;
};

/** Exactly these values, by collections and key, and nothing public but the payment's id. */
function expectWrites(
  outcome: { reply: unknown; writes: object },
  event: string,
  values: [collections: string[], key: string, value: object][],
): void {
  const writes = values.flatMap(([collections, key, value]) =>
    collections.map((collection) => [`${collection} ${key}`, canonicalJson(value)]),
  );
  expect(outcome.writes).to.deep.equal({
    ...{ public: {}, purged: [], policies: {} },
    private: Object.fromEntries(writes),
    event: { name: event, payload: `{"id":"${exampleIds.payment}"}` },
  });
}

/** A claim that its payer owes, without its story: as an adjudication leaves it. */
function plant(story: Story, fields: Partial<ClaimState> & Pick<ClaimState, 'id'>): string {
  const planted = {
    ...{ schema: 1, step: 2, provider: 'hospital', payer: 'payer', status: 'approved' },
    ...{ owed: { units: 1_000, currency: 'USD', response: fields.id } },
    ...{ submittedAt: '2026-02-11T08:00:00.000Z', updatedAt: '2026-02-12T08:00:00.000Z', salt: exampleSalt('7') },
    ...fields,
  };
  const text = canonicalJson(planted);
  for (const collection of [PAYER, `billing_${planted.provider}`])
    story.ledger.private.set(`${collection} claim-state/${planted.id}/${planted.step}`, text);
  return text;
}
const numbered = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** Instructs claims by their states, under a payment's id. */
const instructing = (
  claims: { id: string; state: string; response?: string }[],
  id: string = exampleIds.payment,
): Request<'InstructPayment'> & { private: object } => ({
  ...{ from: 'payer', role: 'system', input: { id, bank: 'bank' } },
  ...{ private: { salt: exampleSalt('e'), claims }, time: '2026-02-13T08:00:00.000Z' },
});

describe('the settlements contract', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
    await story.submitClaim();
    await story.adjudicate();
  });

  const instructedAt = '2026-02-13T08:00:00.000Z';
  const settledAt = '2026-02-14T08:00:00.000Z';
  const orderAt = (step: number): string => `order/${exampleIds.payment}/${step}`;
  const reconciliationAt = (step: number): string => `reconciliation/${exampleIds.payment}/${step}`;

  it('instructs the bank to pay what the decision says, whatever the caller wishes', async () => {
    expectWrites(await story.instruct(), 'PaymentInstructed', [
      [[PAYER, BANK], orderAt(1), order('instructed', 1, instructedAt, 'e')],
      [[PAYER, BANK], reconciliationAt(1), value(queued, 'reconciliation', 'e')],
      [[PAYER], `claim-state/${exampleIds.claim}/3`, state('instructed', 3, instructedAt, 'e')],
    ]);
  });

  it('settles: the payment is complete, the bank gives notice, and the reference is taken', async () => {
    await story.instruct();
    const mark = { schema: 1, paymentId: exampleIds.payment, salt: salted('transfer', 'f') };
    expectWrites(await story.settle(), 'PaymentReported', [
      [[PAYER, BANK], orderAt(2), order('settled', 2, settledAt, 'f', { reference: 'TRF-2026-0042' })],
      [[PAYER, BANK], reconciliationAt(2), value(complete, 'reconciliation', 'f')],
      [[PAYER, BANK], `transfer/${transferHash('bank', 'TRF-2026-0042')}`, mark],
      [[PAYER, BANK], `notice/${exampleIds.payment}`, value(notice, 'notice', 'f')],
    ]);
  });

  it('remits the payment and the notice to the provider', async () => {
    await story.instruct();
    await story.settle();
    const told = { ...complete, created: '2026-02-15T08:00:00.000Z', id: remittanceId(exampleIds.payment, 'hospital') };
    const at = [`remitted/${exampleIds.payment}/hospital/2`, `remitted-notice/${exampleIds.payment}/hospital`] as const;
    const remitted = { ...state('remitted', 4, told.created, '0'), paid: { units: 11_745, currency: 'USD' } };
    expectWrites(await story.remit(), 'PaymentRemitted', [
      [[PAYER, PROVIDER], at[0], value(told, at[0], '0')],
      [[PAYER, PROVIDER], at[1], value(notice, at[1], '0')],
      [[PAYER, PROVIDER], `claim-state/${exampleIds.claim}/4`, remitted],
    ]);
  });

  it('writes the same bytes when each step runs twice on the same state', async () => {
    const twin = await new Story(wideConsortium).prepare();
    await twin.submitClaim();
    await twin.adjudicate();
    for (const step of ['instruct', 'settle', 'remit'] as const) {
      expect(canonicalJson(await twin[step]())).to.equal(canonicalJson(await story[step]()));
    }
  });

  it('does nothing twice and nothing out of order', async () => {
    const steps = ['instruct', 'settle', 'remit'] as const;
    const requests = {
      instruct: () => story.ledger.submit('InstructPayment', story.instruction()),
      settle: () => story.ledger.submit('ReportPayment', story.settlement()),
      remit: () => story.ledger.submit('RemitPayment', story.remittance()),
    };
    for (const [done, step] of steps.entries()) {
      for (const later of steps.slice(done + 1)) {
        const before = story.snapshot();
        expect(await codeOf(requests[later]())).to.match(/^(NOT_FOUND|INVALID) (state|order)/);
        expect(story.snapshot()).to.equal(before);
      }
      await requests[step]();
      const before = story.snapshot();
      for (const again of steps.slice(0, done + 1))
        expect(await codeOf(requests[again]())).to.match(/^CONFLICT (id|states\[0\])$/);
      expect(await codeOf(story.adjudicate())).to.equal('CONFLICT id');
      expect(story.snapshot()).to.equal(before);
    }
  });

  it('has a second payment pay nothing that a first was instructed to pay, by another bank or not', async () => {
    const again = { ...story.instruction(), input: { id: exampleIds.other, bank: 'bank' } };
    const elsewhere = { ...again, input: { id: exampleIds.other, bank: 'bank-two' } };
    await story.instruct();
    for (const request of [again, elsewhere])
      expect(await codeOf(story.ledger.submit('InstructPayment', request))).to.equal('CONFLICT id');
  });

  it('pays nothing for a denied claim', async () => {
    const denied = await new Story().prepare();
    denied.example.claim['total'].value = 200;
    await denied.submitClaim();
    const request = instructing([{ id: exampleIds.claim, state: denied.state(1) }]);
    expect(await codeOf(denied.ledger.submit('InstructPayment', request))).to.equal('CONFLICT claims[0]');
  });

  it('takes what is owed from the decision where the claim was decided before its state said so', async () => {
    const id = exampleIds.claim;
    const { owed: _, ...earlier } = JSON.parse(story.state(2)) as ClaimState;
    const text = canonicalJson(earlier);
    story.ledger.private.set(`${PAYER} claim-state/${id}/2`, text);
    expect(await codeOf(story.ledger.submit('InstructPayment', instructing([{ id, state: text }])))).to.equal(
      'INVALID claims[0].response',
    );
    const response = story.text(PAYER, `response/${id}`);
    const forged = { id, state: text, response: response.replaceAll('117.45', '917.45') };
    expect(await codeOf(story.ledger.submit('InstructPayment', instructing([forged])))).to.equal(
      'INVALID claims[0].response',
    );
    await story.ledger.submit('InstructPayment', instructing([{ id, state: text, response }]));
    expect(JSON.parse(story.state(3)).owed).to.deep.equal(owed);
  });

  /** Whether what the payer or the bank presents is refused, and changes nothing. */
  async function refused<N extends TransactionName>(name: N, changed: Request<N>, code: string): Promise<void> {
    const before = story.snapshot();
    expect(await codeOf(story.ledger.submit(name, changed))).to.equal(code);
    expect(story.snapshot()).to.equal(before);
  }

  const INSTRUCTIONS: [string, (request: ReturnType<Story['instruction']>) => void, string][] = [
    [
      'a state with another amount',
      ({ private: { claims } }) => (claims[0]!.state = claims[0]!.state.replace('11745', '91745')),
      'INVALID claims[0].state',
    ],
    ['a state with a blank more', ({ private: { claims } }) => (claims[0]!.state += ' '), 'INVALID claims[0].state'],
    ['a bank as the caller', (request) => Object.assign(request, { from: 'bank' }), 'FORBIDDEN undefined'],
    ['another payer', (request) => (request.from = 'payer-two'), 'NOT_FOUND claims[0].state'],
    ['an operator', (request) => (request.role = 'operator'), 'FORBIDDEN undefined'],
    ['a payer as the bank', (request) => (request.input.bank = 'payer-two'), 'NOT_FOUND bank'],
    [
      'another claim’s state',
      ({ private: { claims } }) => (claims[0]!.id = exampleIds.other),
      'INVALID claims[0].state',
    ],
    [
      'a state of its own making',
      ({ private: { claims } }) => (claims[0]!.state = claims[0]!.state.replace('hospital', 'clinic')),
      'INVALID claims[0].state',
    ],
    ['an amount of its own', (request) => Object.assign(request.private, { amount: usd(1) }), 'INVALID private'],
    ['one claim twice', ({ private: { claims } }) => claims.push(claims[0]!), 'INVALID claims'],
    ['no claim', (request) => (request.private.claims = []), 'INVALID private.claims'],
  ];
  for (const [title, change, code] of INSTRUCTIONS) {
    it(`refuses to instruct by ${title}`, async () => {
      const changed = story.instruction();
      change(changed);
      await refused('InstructPayment', changed, code);
    });
  }

  const SETTLEMENTS: [string, (request: ReturnType<Story['settlement']>) => void, string][] = [
    ['the payer', (request) => Object.assign(request, { from: 'payer', role: 'system' }), 'FORBIDDEN undefined'],
    ['another bank', (request) => (request.from = 'bank-two'), 'FORBIDDEN id'],
    ['an operator', (request) => (request.role = 'operator'), 'FORBIDDEN undefined'],
    ['a bank for another payer', (request) => (request.input.payer = 'payer-two'), 'NOT_FOUND order'],
    ['a bank of another payment', (request) => (request.input.id = exampleIds.other), 'NOT_FOUND order'],
    ['a bank that paid in the future', (request) => (request.private.day = '2026-02-16'), 'INVALID paidOn'],
    ['a bank that paid before it was told to', (request) => (request.private.day = '2026-02-11'), 'INVALID paidOn'],
    [
      'a payment with another amount',
      ({ private: shown }) => (shown.reconciliation = shown.reconciliation.replaceAll('117.45', '917.45')),
      'INVALID reconciliation',
    ],
    ['a bank without a reference', ({ private: shown }) => delete shown.reference, 'INVALID reference'],
    ['a bank without a notice', ({ private: shown }) => delete shown.noticeId, 'INVALID noticeId'],
    ['a bank with a reason', (request) => Object.assign(request.private, { reason: 'AC04' }), 'INVALID reason'],
  ];
  for (const [title, change, code] of SETTLEMENTS) {
    it(`refuses a settlement by ${title}`, async () => {
      await story.instruct();
      const changed = story.settlement();
      change(changed);
      await refused('ReportPayment', changed, code);
    });
  }

  const REMITTANCES: [string, (request: ReturnType<Story['remittance']>) => void, string][] = [
    [
      'a payment with another amount',
      ({ private: shown }) => (shown.reconciliation = shown.reconciliation.replaceAll('117.45', '17.45')),
      'INVALID reconciliation',
    ],
    [
      'a notice with another amount',
      ({ private: shown }) => (shown.notice = shown.notice!.replaceAll('117.45', '17.45')),
      'INVALID notice',
    ],
    ['the payment as the notice', ({ private: shown }) => (shown.notice = shown.reconciliation), 'INVALID notice'],
    ['no notice', ({ private: shown }) => delete shown.notice, 'INVALID notice'],
    ['the instruction', (request) => Object.assign(request.private, story.payment(1)), 'CONFLICT order'],
    ['another payer', (request) => (request.from = 'payer-two'), 'NOT_FOUND order'],
    ['an adjudicator', (request) => (request.role = 'adjudicator'), 'FORBIDDEN undefined'],
    ['the payer to another provider', (request) => (request.input.provider = 'clinic'), 'INVALID provider'],
    ['a state before the last', ({ private: shown }) => (shown.states = [story.state(2)]), 'CONFLICT states[0]'],
  ];
  for (const [title, change, code] of REMITTANCES) {
    it(`refuses to remit ${title}`, async () => {
      await story.instruct();
      await story.settle();
      const changed = story.remittance();
      change(changed);
      await refused('RemitPayment', changed, code);
    });
  }

  it('refuses to remit what is not what was adjudicated, though it is what was settled', async () => {
    await story.instruct();
    await story.settle();
    const key = `${PAYER} claim-state/${exampleIds.claim}/3`;
    const stored = JSON.parse(story.ledger.private.get(key) ?? '') as Changeable;
    stored['owed'].units = 1_745;
    story.ledger.private.set(key, canonicalJson(stored));
    await refused('RemitPayment', story.remittance(), 'CONFLICT reconciliation');
  });

  describe('of what a bank reports', () => {
    const FOLLOWS: Record<string, readonly PaymentReport[]> = {
      accepted: ['settled', 'rejected', 'failed', 'stopped', 'returned'],
      settled: ['returned'],
      ...{ rejected: [], failed: [], stopped: [], returned: [] },
    };
    const transferred = { reference: 'TRF-2026-0043', noticeId: exampleIds.notice };
    const reporting = (status: PaymentReport, step: number): Request<'ReportPayment'> => {
      const report = story.report(status, step);
      return status === 'settled' ? { ...report, private: { ...report.private, ...transferred } } : report;
    };

    for (const first of PAYMENT_REPORTS)
      it(`takes after ${first}: ${FOLLOWS[first]!.join(', ') || 'nothing'}`, async () => {
        await story.instruct();
        await story.ledger.submit('ReportPayment', reporting(first, 1));
        for (const second of PAYMENT_REPORTS) {
          const before = new Map(story.ledger.private);
          const outcome = story.ledger.submit('ReportPayment', reporting(second, 2));
          const code = await outcome.then(
            () => 'taken',
            (error: Error) => findLedgerError(error.message)?.code,
          );
          expect(code, second).to.equal(FOLLOWS[first]!.includes(second) ? 'taken' : 'CONFLICT');
          story.ledger.private.clear();
          for (const [key, text] of before) story.ledger.private.set(key, text);
        }
      });

    for (const status of ENDED_PAYMENTS)
      it(`leaves a claim unpaid whose payment is ${status}, and it is paid once by another payment`, async () => {
        await story.instruct();
        const bare = story.report(status);
        delete bare.private.reason;
        await refused('ReportPayment', bare, 'INVALID reason');
        await story.ledger.submit('ReportPayment', story.report(status));
        expect(story.ledger.read(BANK, reconciliationAt(2))).to.deep.include({ resource: ended(status) });
        const again = instructing([{ id: exampleIds.claim, state: story.state(3) }], exampleIds.other);
        await refused('InstructPayment', again, 'CONFLICT claims[0]');
        const { notice: _, ...shown } = story.remittance().private;
        await story.ledger.submit('RemitPayment', { ...story.remittance(), private: shown });
        expect(story.status()).to.include({ status, step: 4, payment: exampleIds.payment });
        expect(story.text(PROVIDER, `claim-state/${exampleIds.claim}/4`)).to.equal(story.state(4));
        again.private.claims[0]!.state = story.state(4);
        await story.ledger.submit('InstructPayment', again);
        expect(story.status()).to.include({ status: 'instructed', step: 5, payment: exampleIds.other });
        // Money that comes late for the first payment is refused, and pays nothing of the second.
        await refused('ReportPayment', reporting('settled', 2), 'CONFLICT id');
        await refused(
          'InstructPayment',
          { ...again, input: { id: exampleIds.reconciliation, bank: 'bank' } },
          'CONFLICT id',
        );
      });

    it('tells of money that came back after the provider was told of it', async () => {
      for (const step of ['instruct', 'settle', 'remit'] as const) await story[step]();
      await story.ledger.submit('ReportPayment', story.report('returned', 2));
      const shown = { ...story.payment(3), states: [story.state(4)] };
      const told = { ...story.remittance(), private: { salt: exampleSalt('2'), ...shown } };
      await story.ledger.submit('RemitPayment', told);
      expect(story.status()).to.include({ status: 'returned', step: 5 });
      const { resource } = story.ledger.read(PROVIDER, `remitted/${exampleIds.payment}/hospital/3`) as Changeable;
      expect(resource).to.include({ outcome: 'error', disposition: 'returned: AC04' });
      expect(resource.id).to.equal(remittanceId(exampleIds.payment, 'hospital'));
      await refused('RemitPayment', told, 'CONFLICT states[0]');
    });

    it('tells of a transfer whose money came back before anybody was told of it, and then of that', async () => {
      for (const step of ['instruct', 'settle'] as const) await story[step]();
      const late = story.remittance();
      await story.ledger.submit('ReportPayment', story.report('returned', 2));
      const back = (state: string) => ({
        ...late,
        private: { salt: exampleSalt('2'), ...story.payment(3), states: [state] },
      });
      await refused('RemitPayment', back(story.state(3)), 'CONFLICT provider');
      await story.ledger.submit('RemitPayment', late);
      expect(story.status()).to.include({ status: 'remitted', step: 4 });
      await story.ledger.submit('RemitPayment', back(story.state(4)));
      expect(story.status()).to.include({ status: 'returned', step: 5 });
      for (const [step, outcome] of [
        ['2', 'complete'],
        ['3', 'error'],
      ] as const) {
        const told = story.ledger.read(PROVIDER, `remitted/${exampleIds.payment}/hospital/${step}`) as Changeable;
        expect(told.resource).to.include({ outcome });
      }
    });

    it('takes a reference for one payment of a bank, whoever pays it', async () => {
      await story.instruct();
      await story.settle();
      const id = exampleIds.otherClaim;
      await story.ledger.submit(
        'InstructPayment',
        instructing([{ id, state: plant(story, { id }) }], exampleIds.other),
      );
      const second = { ...story.settlement(), input: { id: exampleIds.other, payer: 'payer' } };
      Object.assign(second.private, story.payment(1, exampleIds.other), { salt: exampleSalt('3') });
      await refused('ReportPayment', second, 'CONFLICT reference');
      second.private.reference = 'TRF-2026-0044';
      await story.ledger.submit('ReportPayment', second);
    });
  });

  describe('of many claims', () => {
    const MANY = 30;
    const ids = Array.from({ length: MANY }, (_, index) => numbered(9_000 + index));
    let claims: { id: string; state: string }[];
    beforeEach(() => {
      claims = ids.map((id, index) => {
        const units = { units: 1_000 + index, currency: 'USD', response: id };
        return { id, state: plant(story, { id, owed: units }) };
      });
    });
    const sum = ids.reduce((all, _, index) => all + 1_000 + index, 0);

    it('pays them by one transfer, with details that add up, and tells their provider once', async () => {
      await story.ledger.submit('InstructPayment', instructing(claims));
      const { resource } = story.ledger.read(BANK, reconciliationAt(1)) as Changeable;
      expect(resource.detail).to.have.length(MANY);
      expect(resource.paymentAmount).to.deep.equal(usd(sum / 100));
      expect(story.ledger.read(BANK, orderAt(1))).to.include({ claims: MANY, units: sum });
      await story.settle();
      const settled = story.ledger.read(BANK, `notice/${exampleIds.payment}`) as Changeable;
      expect(settled['resource']).to.not.have.any.keys('request', 'response');
      const states = ids.map((id) => story.state(3, id));
      const { states: _, ...shown } = story.remittance().private;
      const request = { ...story.remittance(), private: { ...shown, states } };
      for (const some of [states.slice(1), [...states.slice(1), states[1]!], [...states, story.state(2)]])
        await refused('RemitPayment', { ...request, private: { ...shown, states: some } }, 'INVALID states');
      await story.ledger.submit('RemitPayment', request);
      for (const id of ids) expect(story.status(id)).to.include({ status: 'remitted', payment: exampleIds.payment });
      const told = story.ledger.read(PROVIDER, `remitted/${exampleIds.payment}/hospital/2`) as Changeable;
      expect(told['resource'].paymentAmount).to.deep.equal(usd(sum / 100));
    });

    it('instructs none of them where one is instructed already, owed in another currency or to another payee', async () => {
      await story.ledger.submit('InstructPayment', instructing([claims[7]!], exampleIds.other));
      await refused('InstructPayment', instructing(claims), 'CONFLICT id');
      const other = exampleIds.otherClaim;
      const euros = plant(story, { id: other, owed: { units: 1, currency: 'EUR', response: other } });
      await refused(
        'InstructPayment',
        instructing([...claims.slice(0, 7), { id: other, state: euros }]),
        'INVALID claims',
      );
      const clinics = plant(story, { id: other, provider: 'clinic' });
      await refused('InstructPayment', instructing([claims[0]!, { id: other, state: clinics }]), 'INVALID claims');
    });

    it('leaves a claim alone that has gone on by other steps when the money came back', async () => {
      await story.ledger.submit('InstructPayment', instructing(claims.slice(0, 2)));
      await story.ledger.submit('ReportPayment', story.report('failed'));
      const [gone, left] = [claims[0]!, claims[1]!];
      const other = { status: 'remitted', step: 4, payment: exampleIds.other } as const;
      const moved = plant(story, { id: gone.id, ...other });
      const shown = { ...story.payment(2), states: [moved, story.state(3, left.id)] };
      await story.ledger.submit('RemitPayment', {
        ...story.remittance(),
        private: { salt: exampleSalt('2'), ...shown },
      });
      expect(story.status(gone.id)).to.include({ status: 'remitted', step: 4 });
      expect(story.status(left.id)).to.include({ status: 'failed', step: 4 });
    });
  });

  describe('of payments that were instructed before payments had states of their own', () => {
    const id = exampleIds.claim;
    const { paymentIdentifier: _, ...before } = complete;
    const earlier = (resource: object): string =>
      canonicalJson({ schema: 1, claimId: id, salt: exampleSalt('e'), resource });

    /** As earlier chaincode left it: the claim's state, and what lay under the claim's id. */
    function earlierState(status: 'instructed' | 'settled' | 'remitted', values: Record<string, string>): string {
      const step = { instructed: 3, settled: 4, remitted: 5 }[status];
      const { owed: _, ...claim } = JSON.parse(story.state(2)) as ClaimState;
      const text = canonicalJson({ ...claim, step, status, bank: 'bank' });
      story.ledger.private.set(`${PAYER} claim-state/${id}/${step}`, text);
      for (const [key, value] of Object.entries(values)) story.ledger.private.set(`${PAYER} ${key}/${id}`, value);
      for (const [key, value] of Object.entries(values)) story.ledger.private.set(`${PAYER} ${key}`, value);
      return text;
    }

    it('settles and remits them', async () => {
      const reconciliation = earlier(queued);
      const text = earlierState('instructed', { [`payment/${id}/1`]: reconciliation });
      const settlement = story.settlement();
      Object.assign(settlement.private, { order: text, reconciliation });
      await story.ledger.submit('ReportPayment', settlement);
      await refused('ReportPayment', settlement, 'CONFLICT id');
      expect(story.ledger.read(BANK, reconciliationAt(2))).to.deep.include({ resource: complete });
      await story.ledger.submit('RemitPayment', story.remittance());
      expect(story.status()).to.include({ status: 'remitted', step: 4 });
      await refused('ReportPayment', settlement, 'CONFLICT id');
    });

    it('remits those that were settled, and tells of those that come back', async () => {
      const values = { [`payment/${id}/2`]: earlier(complete), [`settlement/${id}`]: earlier(notice) };
      const text = earlierState('settled', values);
      const shown = { order: text, reconciliation: earlier(complete), notice: earlier(notice), states: [text] };
      const remittance = { ...story.remittance(), private: { salt: exampleSalt('0'), ...shown } };
      await story.ledger.submit('RemitPayment', remittance);
      const order = story.state(5);
      expect(JSON.parse(order)).to.include({ status: 'remitted' });
      const back = story.report('returned');
      Object.assign(back.private, { order, reconciliation: earlier(complete) });
      await story.ledger.submit('ReportPayment', back);
      expect(story.ledger.read(BANK, orderAt(3))).to.include({ status: 'returned', reference: 'TRF-2026-0042' });
      const again = { salt: exampleSalt('2'), ...story.payment(3), states: [order] };
      await story.ledger.submit('RemitPayment', { ...remittance, private: again });
      expect(story.status(id)).to.include({ status: 'returned', step: 6 });
    });

    it('takes no report of a claim that has another payment by now', async () => {
      const values = { [`payment/${id}/1`]: earlier({ ...before, outcome: 'queued' }) };
      const text = earlierState('instructed', values);
      const order = canonicalJson({ ...JSON.parse(text), payment: exampleIds.other });
      story.ledger.private.set(`${PAYER} claim-state/${id}/3`, order);
      const settlement = story.settlement();
      Object.assign(settlement.private, { order, reconciliation: Object.values(values)[0] });
      await refused('ReportPayment', settlement, 'CONFLICT id');
    });
  });
});
