import { expect } from 'chai';
import { countsBeside, isCounted, isSameBiller, isSamePerson } from './beside-claims.ts';
import { readBill } from './bill.ts';
import { CLAIM_STATUSES, type ClaimStatus } from './claim-steps.ts';
import { exampleClaim } from './example-claim.fixture.ts';

const [EARLY, LATE] = ['2026-02-11T08:00:00.000Z', '2026-02-11T09:00:00.000Z'];

describe('which claims are counted together', () => {
  const own = { id: 'b', submittedAt: LATE };
  const ALWAYS: readonly ClaimStatus[] = [
    ...(['approved', 'partial', 'patient-responsibility', 'satisfied', 'instructed', 'settled', 'remitted'] as const),
    ...(['rejected', 'failed', 'stopped', 'returned', 'appealed'] as const),
  ];
  const WHERE_EARLIER: readonly ClaimStatus[] = ['submitted', 'pended', 'queued', 'countersign'];

  for (const status of CLAIM_STATUSES)
    it(`tells whether one that is ${status} counts`, () => {
      const counts = (id: string, submittedAt: string) => countsBeside(own, { id, submittedAt, status });
      const isEarlierCounted = ALWAYS.includes(status) || WHERE_EARLIER.includes(status);
      expect(counts('a', EARLY)).to.equal(isEarlierCounted);
      expect(counts('c', LATE)).to.equal(ALWAYS.includes(status));
      expect(counts('a', LATE)).to.equal(isEarlierCounted);
      expect(counts('b', EARLY)).to.equal(false);
    });

  it('of two that are undecided at one moment counts one for the other, never both and never neither', () => {
    const [one, other] = [
      { id: 'a', submittedAt: LATE, status: 'submitted' as const },
      { id: 'b', submittedAt: LATE, status: 'submitted' as const },
    ];
    expect([countsBeside(one, other), countsBeside(other, one)]).to.have.members([true, false]);
  });

  it('knows a person by her record or by her names', () => {
    const of = (reference: string, identities?: string[]) => ({
      resource: { resourceType: 'Claim', id: 'x', patient: { reference } },
      ...(identities === undefined ? {} : { identities }),
    });
    expect(isSamePerson(of('Patient/a'), of('Patient/a'))).to.equal(true);
    expect(isSamePerson(of('Patient/a', ['1', '2']), of('Patient/b', ['2']))).to.equal(true);
    expect(isSamePerson(of('Patient/a', ['1']), of('Patient/b', ['2']))).to.equal(false);
    expect(isSamePerson(of('Patient/a'), of('Patient/b'))).to.equal(false);
  });

  it('tells the house from the practitioner', () => {
    expect(isSameBiller({ type: 'professional' }, { type: 'pharmacy' })).to.equal(true);
    expect(isSameBiller({ type: 'professional' }, { type: 'institutional' })).to.equal(false);
  });

  it('asks for others only where a row counts what is billed, by whichever half of a pair', () => {
    const bill = readBill(exampleClaim().claim);
    const { code } = bill.items[0]!.codes[0]!;
    expect(isCounted(bill, { units: [{ code, perDay: 1 }] })).to.equal(true);
    expect(isCounted(bill, { units: [{ code, perLine: 1 }] })).to.equal(false);
    expect(isCounted(bill, { pairs: [{ code: 'other', with: code }] })).to.equal(true);
    expect(isCounted(bill, { pairs: [{ code, with: 'other' }] })).to.equal(true);
    expect(isCounted(bill, { units: [{ code: 'other', perDay: 1 }], pairs: [] })).to.equal(false);
  });
});
