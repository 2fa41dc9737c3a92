import { expect } from 'chai';
import { CLAIM_SIGNALS, signalsOf } from './claim-signals.ts';
import { judgeClaim } from './claims.ts';
import { type Case, changed, denialOf } from './example-case.fixture.ts';
import { SIGNAL_CASES } from './signal-cases.fixture.ts';

const raisedBy = (change: (given: Case) => void) => signalsOf(changed(change));

describe('the signals of a claim', () => {
  it('are none of an honest one', () => {
    expect(raisedBy(() => {})).to.deep.equal([]);
  });

  for (const { signal, title, change, facts, honest } of SIGNAL_CASES) {
    it(`say what is unusual about ${title} (${signal}), and deny nothing`, () => {
      const found = raisedBy(change);
      const { version, weight } = CLAIM_SIGNALS.find(({ name }) => name === signal)!;
      expect(found).to.deep.equal([{ edit: signal, version, outcome: 'signal', weight, facts }]);
      expect(denialOf(judgeClaim(changed(change)))).to.equal(undefined);
    });
    for (const [like, one] of honest)
      it(`say nothing of ${like} (${signal})`, () => {
        expect(raisedBy(one)).to.deep.equal([]);
      });
  }

  it('weigh and begin as the payer says, on the days it says', () => {
    const late = SIGNAL_CASES.find(({ signal }) => signal === 'claimed-late')!;
    const withTable = (own: object) => (given: Case) => {
      late.change(given);
      given.tables = { signals: { 'claimed-late': own as never } };
    };
    expect(raisedBy(withTable({ limit: 1_000, weight: 10 }))).to.deep.equal([]);
    expect(raisedBy(withTable({ limit: 100, weight: 7 }))[0]).to.deep.include({ weight: 7 });
    expect(raisedBy(withTable({ limit: 100, weight: 0 }))).to.deep.equal([]);
    expect(raisedBy(withTable({ limit: 1_000, weight: 0, from: '2026-02-11' }))[0]).to.deep.include({ weight: 100 });
  });

  it('have a case each', () => {
    expect(new Set(SIGNAL_CASES.map(({ signal }) => signal))).to.deep.equal(
      new Set(CLAIM_SIGNALS.map(({ name }) => name)),
    );
  });
});
