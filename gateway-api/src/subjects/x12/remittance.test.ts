/** What providers are told: whatever becomes of a claim, each 835 balances to the cent, and all of them together are what was paid. */
import { expect } from 'chai';
import fc from 'fast-check';
import { type Remitted, remittance835 } from './claims-835.ts';
import { ExampleClaim } from './histories.fixture.ts';
import { type Report, reportsOf, reportsOfRepayment, sumOf } from './remittance-reports.ts';
import { readX12 } from './segments.ts';
import type { NotMapped } from './unread.ts';
import { expectValidX12 } from './validator.fixture.ts';
import { writeX12 } from './writing.ts';

const party = {
  ...{ name: 'EXAMPLE', npi: '1234567893', taxId: '900000001', telephone: '5555550100' },
  address: { line: '1 EXAMPLE STREET', city: 'SPRINGFIELD', state: 'MA', postalCode: '011011234' },
};
const parties = { payer: party, hospital: party };

const remittedOf = (reports: readonly Report[], units: number): Remitted => ({
  ...{ payer: 'payer', payee: 'hospital', trace: 'TRANSFER-1', units, currency: 'USD', day: '2026-01-06', reports },
});

function fileOf(all: readonly Remitted[], notMapped: NotMapped = new Map()): string {
  const sets = all.map((one) => remittance835(one, parties, notMapped));
  return writeX12(sets, {
    ...{ sender: 'payer', receiver: 'hospital', at: '2026-01-06T10:00:00Z', control: 1 },
    ...{ group: 'HP', type: '835', version: '005010X221A1' },
  });
}

const cents = (text: string): number => {
  const [, sign = '', whole = '0', fraction = ''] = /^(-?)(\d*)\.?(\d*)$/.exec(text)!;
  return Number(`${sign}${whole}${fraction.padEnd(2, '0')}`);
};

/** Adds an 835 up as its guide has it (1.10.2.1), from its segments alone: what does not balance. */
function unbalanced(text: string): string[] {
  return readX12(text).flatMap(({ segments }) => {
    const faults: string[] = [];
    let [all, claim, line, lines] = [0, 0, 0, 0];
    const check = (name: string, left: number): void => {
      if (left !== 0) faults.push(`${name}: ${left}`);
    };
    const end = (): void => {
      check('line', line);
      check('claim', claim);
      check('lines', lines);
      [claim, line, lines] = [0, 0, 0];
    };
    for (const { id, elements } of segments) {
      if (id === 'BPR') all = cents(elements[1]!);
      if (id === 'CLP') {
        end();
        claim = cents(elements[2]!) - cents(elements[3]!);
        lines = cents(elements[2]!);
        all -= cents(elements[3]!);
      }
      if (id === 'SVC') {
        check('line', line);
        line = cents(elements[1]!) - cents(elements[2]!);
        lines -= cents(elements[1]!);
      }
      const amounts = id === 'CAS' ? elements.slice(1) : [];
      for (let at = 1; at < amounts.length; at += 3) {
        line -= cents(amounts[at]!);
        claim -= cents(amounts[at]!);
      }
      if (id === 'PLB') for (let at = 3; at < elements.length; at += 2) all += cents(elements[at]!);
    }
    end();
    check('payment', all);
    return faults;
  });
}

/** Every report of the claims, each as a set of its own. */
function told(...claims: ExampleClaim[]): { sets: Remitted[]; text: string } {
  const sets = claims.flatMap(({ history, transfers }) =>
    reportsOf(history).map((report) =>
      remittedOf([report], report.payment === undefined ? 0 : transfers.get(report.payment)!),
    ),
  );
  return { sets, text: sets.length === 0 ? '' : fileOf(sets) };
}

const claimsIn = (text: string): string[] =>
  readX12(text).flatMap(({ segments }) =>
    segments
      .filter(({ id }) => id === 'CLP' || id === 'PLB' || id === 'BPR')
      .map(({ id, elements }) =>
        [id, ...elements.slice(id === 'PLB' ? 2 : 0, id === 'BPR' ? 2 : id === 'CLP' ? 4 : undefined)].join('*'),
      ),
  );

/** Something happens to the newest of some claims. */
type Act = (claims: ExampleClaim[], claim: ExampleClaim) => void;

const ACTS: Record<string, { from: string[]; act: (units: number) => Act }> = {
  decide: {
    from: ['submitted', 'appealed'],
    act: (units) => (_, claim) => claim.decide(Math.min(units, claim.charge)),
  },
  offset: { from: ['approved'], act: (units) => (_, claim) => claim.offset(units + 1) },
  pay: { from: ['approved', 'returned', 'failed'], act: () => (_, claim) => claim.pay() },
  fails: { from: ['approved'], act: () => (_, claim) => claim.fails() },
  comesBack: { from: ['remitted'], act: () => (_, claim) => claim.comesBack() },
  appeal: { from: ['denied', 'satisfied', 'remitted'], act: () => (_, claim) => claim.appeal() },
  cancel: { from: ['submitted'], act: () => (_, claim) => claim.takeBack('cancelled') },
  void: {
    from: ['approved', 'satisfied', 'remitted', 'returned', 'failed'],
    act: () => (_, claim) => claim.takeBack('voided'),
  },
  replace: {
    from: ['submitted', 'approved', 'denied', 'satisfied', 'remitted', 'returned', 'failed'],
    act: (units) => (claims, claim) => claims.push(claim.replacedBy(`c-${claims.length + 1}`, units + 1)),
  },
};

describe('A remittance', () => {
  it('tells what is billed, paid and not paid of a claim and its lines, under the provider’s own numbers', function () {
    this.timeout(60_000);
    const claim = new ExampleClaim('c-1', 8_050);
    claim.decide(5_000);
    claim.pay();
    const { text } = told(claim);
    for (const segment of [
      'BPR*I*50*C*BOP************20260106~',
      'TRN*1*TRANSFER-1*1900000001~',
      'CLP*ACC-c-1*1*80.5*50*15.25*ZZ*c-1**1~',
      'NM1*QC*1******MI*M-1~',
      'SVC*HC:99213*80.5*50**1~',
      'CAS*CO*45*15.25~',
      'CAS*PR*3*15.25~',
      'REF*6R*LINE-c-1~',
      'AMT*B6*65.25~',
    ])
      expect(text).to.include(segment);
    expect(unbalanced(text)).to.deep.equal([]);
    expectValidX12(this, text);
  });

  it('takes back what it told of a claim that is voided or replaced, and says what is owed back and taken', function () {
    this.timeout(60_000);
    const first = new ExampleClaim('c-1', 8_000);
    first.decide(5_400);
    first.pay();
    const second = first.replacedBy('c-2', 7_000);
    second.decide(4_500);
    second.takeBack('voided');
    const third = new ExampleClaim('c-3', 8_000);
    third.decide(5_400);
    third.offset(900);
    third.pay();
    const { text } = told(first, second, third);
    expect(claimsIn(text)).to.deep.equal([
      ...['BPR*I*54', 'CLP*ACC-c-1*1*80*54'],
      ...['BPR*H*0', 'CLP*ACC-c-1*22*-80*-54', 'CLP*ACC-c-2*1*70*45', 'PLB*WO:c-2*-9'],
      ...['BPR*H*0', 'CLP*ACC-c-2*22*-70*-45', 'PLB*WO:c-2*-45'],
      ...['BPR*I*45', 'CLP*ACC-c-3*1*80*54', 'PLB*WO:other*9'],
    ]);
    expect(unbalanced(text)).to.deep.equal([]);
    expectValidX12(this, text);
  });

  it('is taken back as a whole where the transfer came back, and told again with the next', () => {
    const claim = new ExampleClaim('c-1', 8_000);
    claim.decide(5_400);
    claim.offset(400);
    claim.pay();
    claim.comesBack();
    claim.pay();
    const { text } = told(claim);
    expect(claimsIn(text)).to.deep.equal([
      ...['BPR*I*50', 'CLP*ACC-c-1*1*80*54', 'PLB*WO:other*4'],
      ...['BPR*H*0', 'CLP*ACC-c-1*22*-80*-54', 'PLB*WO:other*-4*CS:c-1-pay-1*-50'],
      ...['BPR*I*50', 'CLP*ACC-c-1*1*80*54', 'PLB*WO:other*4'],
    ]);
    expect(unbalanced(text)).to.deep.equal([]);
  });

  it('tells that what was owed was paid back, and that the money came back, each for nothing and with its claims', function () {
    this.timeout(60_000);
    const state = { id: 'pay-back-1', units: 6_300, currency: 'USD', updatedAt: '2026-01-06T10:00:00.000Z' };
    const parts = [
      { claimId: 'c-1', units: 5_400 },
      { claimId: 'c-2', units: 900 },
    ];
    const states = (['instructed', 'accepted', 'settled', 'returned'] as const).map((status) => ({ ...state, status }));
    const reported = (upTo: number) => reportsOfRepayment({ states: states.slice(0, upTo), parts });
    expect(reported(2)).to.deep.equal([]);
    expect(reportsOfRepayment({ states: [states[0]!, states[3]!], parts }), 'never made').to.deep.equal([]);
    const text = fileOf(reported(4).map((report) => remittedOf([report], 0)));
    expect(claimsIn(text)).to.deep.equal([
      ...['BPR*H*0', 'PLB*WO:c-1*54*WO:c-2*9*72:pay-back-1*-63'],
      ...['BPR*H*0', 'PLB*WO:c-1*-54*WO:c-2*-9*CS:pay-back-1*63'],
    ]);
    expect(unbalanced(text)).to.deep.equal([]);
    expectValidX12(this, text);
  });

  it('balances whatever becomes of claims, in whatever order', () => {
    const anything = fc.array(fc.record({ name: fc.nat(), units: fc.nat(20_000) }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(anything, (wanted) => {
        const claims = [new ExampleClaim('c-1', 10_000)];
        for (const { name, units } of wanted) {
          const claim = claims.at(-1)!;
          const possible = Object.values(ACTS).filter(({ from }) => from.includes(claim.status));
          if (possible.length > 0) possible[name % possible.length]!.act(units)(claims, claim);
        }
        const { sets, text } = told(...claims);
        for (const { reports, units } of sets)
          expect(reports.reduce((sum, report) => sum + sumOf(report), 0)).to.equal(units);
        if (text !== '') expect(unbalanced(text)).to.deep.equal([]);
      }),
      { numRuns: 500 },
    );
  });

  it('is refused where it does not balance, where a party is not known, and where data would end an element', () => {
    const claim = new ExampleClaim('c-1', 8_000);
    claim.decide(5_400);
    claim.pay();
    const [report] = reportsOf(claim.history);
    expect(() => fileOf([remittedOf([report!], 5_401)])).to.throw('at <BPR02>');
    expect(() => remittance835(remittedOf([report!], 5_400), {}, new Map())).to.throw('at <payer.name>');
    const { address: _, ...partial } = party;
    expect(() => remittance835(remittedOf([report!], 5_400), { payer: partial }, new Map())).to.throw('payer.address');
    expect(() => fileOf([{ ...remittedOf([report!], 5_400), trace: 'A~B' }])).to.throw('at <TRN02>');
    expect(() => fileOf([{ ...remittedOf([report!], 5_400), trace: 'A'.repeat(51) }])).to.throw('at <TRN02>');
  });
});
