/** Figures that the pages work out: series of results, and the totals of a bill. */
import type { ExplanationOfBenefit, Observation } from '@medplum/fhirtypes';
import { expect } from 'chai';
import { totalsOf } from '../parts/totals.ts';
import { lying, seriesOf } from './series.ts';

const measured = (code: string, day: string, value: number | undefined, more: object = {}): Observation => ({
  ...{ resourceType: 'Observation', status: 'final', effectiveDateTime: day },
  code: { coding: [{ system: 'http://loinc.org', code, display: code }] },
  ...(value === undefined ? {} : { valueQuantity: { value, unit: 'mmol/l' } }),
  ...more,
});

describe('Results as series', () => {
  it('lie in the order of time, by code and unit, the most measured first', () => {
    const all = [
      ...[measured('a', '2026-01-02', 2), measured('b', '2026-01-01', 9), measured('a', '2026-01-01', 1)],
      measured('a', '2026-01-03', 3, { valueQuantity: { value: 3, unit: 'mg/dl' } }),
    ];
    expect(seriesOf(all).map(({ name, unit, points }) => [name, unit, points.map(({ value }) => value)])).to.deep.equal(
      [
        ['a', 'mmol/l', [1, 2]],
        ['a', 'mg/dl', [3]],
        ['b', 'mmol/l', [9]],
      ],
    );
  });

  it('take the range of the newest result that states one, and parts of a panel', () => {
    const range = (low: number, high: number) => ({ referenceRange: [{ low: { value: low }, high: { value: high } }] });
    const [series] = seriesOf([
      ...[measured('a', '2026-01-01', 1, range(0, 1)), measured('a', '2026-01-02', 1, range(2, 3))],
      measured('a', '2026-01-03', 1),
    ]);
    expect(series).to.include({ low: 2, high: 3 });
    const panel = measured('bp', '2026-01-01', undefined, {
      component: [{ code: { text: 'systolic' }, valueQuantity: { value: 120, unit: 'mmHg' } }],
    });
    expect(seriesOf([panel])[0]).to.include({ name: 'systolic', unit: 'mmHg' });
  });

  it('leave out what was entered in error, what is no number and what has no time', () => {
    const nothing = [
      measured('a', '2026-01-01', 1, { status: 'entered-in-error' }),
      measured('a', '2026-01-01', undefined),
      measured('a', 'some day', 1),
    ];
    expect(seriesOf(nothing)).to.deep.equal([]);
  });

  it('lie to their range, whose ends are in it', () => {
    const range = { low: 60, high: 100 };
    expect([59, 60, 100, 101].map((value) => lying(value, range))).to.deep.equal(['low', 'within', 'within', 'high']);
    expect(lying(1, { low: undefined, high: undefined })).to.equal(undefined);
  });
});

describe('Totals of a bill', () => {
  const total = (code: string, value: number): NonNullable<ExplanationOfBenefit['total']>[number] => ({
    category: { coding: [{ code }] },
    amount: { value, currency: 'USD' },
  });

  it('are what was billed, allowed, paid and is owed', () => {
    const found = totalsOf({ total: [total('submitted', 100), total('eligible', 80), total('benefit', 60)] });
    expect(found).to.deep.equal({
      billed: { value: 100, currency: 'USD' },
      allowed: { value: 80, currency: 'USD' },
      paid: { value: 60, currency: 'USD' },
    });
  });

  it('add up what a member owes in cents, unless it is said as a whole', () => {
    expect(totalsOf({ total: [total('copay', 0.1), total('deductible', 0.2)] }).owed?.value).to.equal(0.3);
    expect(totalsOf({ total: [total('copay', 1), total('memberliability', 5)] }).owed?.value).to.equal(5);
    const parts = [total('copay', 26), total('memberliability', 20), total('memberliability', 6)];
    expect(totalsOf({ total: parts }).owed?.value).to.equal(26);
    expect(totalsOf({ total: undefined as never })).to.deep.equal({});
  });
});
