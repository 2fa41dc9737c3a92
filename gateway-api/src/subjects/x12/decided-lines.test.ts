/** Decisions in the terms of an 835: of older ones too, which say why less is paid by their amounts alone. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { expect } from 'chai';
import { decidedClaim } from './decided-lines.ts';

const amount = (code: string, value: number) => ({
  category: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/adjudication', code }] },
  amount: { value, currency: 'USD' },
});
const reason = (group: string, code: string, value: number) => ({
  reason: {
    coding: [
      { system: 'https://x12.org/codes/claim-adjustment-group-codes', code: group },
      { system: 'https://x12.org/codes/claim-adjustment-reason-codes', code },
    ],
  },
  amount: { value, currency: 'USD' },
});
const decided = (...adjudication: object[]) =>
  decidedClaim({
    ...{ id: 'c-1', submittedAt: '2026-01-05T10:00:00Z', member: undefined },
    claim: { resourceType: 'Claim', id: 'c-1', item: [{ sequence: 1 }] } as unknown as Resource,
    response: {
      resourceType: 'ClaimResponse',
      id: 'r-1',
      item: [{ itemSequence: 1, adjudication }],
    } as unknown as Resource,
  });

describe('A decided line', () => {
  it('has the adjustments that its decision states', () => {
    const { lines, charge, paid } = decided(
      ...[amount('submitted', 80), amount('eligible', 70), amount('copay', 16), amount('benefit', 54)],
      ...[reason('CO', '45', 10), reason('PR', '3', 15), reason('PR', '2', 1)],
    );
    expect([charge, paid, lines[0]?.allowed]).to.deep.equal([8_000, 5_400, 7_000]);
    expect(lines[0]?.adjustments).to.deep.equal([
      { group: 'CO', code: '45', units: 1_000 },
      { group: 'PR', code: '3', units: 1_500 },
      { group: 'PR', code: '2', units: 100 },
    ]);
  });

  it('balances by its amounts where it states no reasons, or not all', () => {
    const amounts = [amount('submitted', 80), amount('eligible', 70), amount('deductible', 5), amount('copay', 11)];
    for (const stated of [[], [reason('CO', '45', 10)]]) {
      const { lines } = decided(...amounts, amount('benefit', 54), ...stated);
      expect(lines[0]?.adjustments).to.deep.equal([
        { group: 'CO', code: '45', units: 1_000 },
        { group: 'PR', code: '1', units: 500 },
        { group: 'PR', code: '3', units: 1_100 },
      ]);
    }
  });
});
