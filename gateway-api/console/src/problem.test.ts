/** What a failure says of what was saved. */
import { expect } from 'chai';
import { Problem, type ProblemKind, problemOf } from './problem.ts';

const outcome = { issue: [{ diagnostics: 'is of another patient', expression: ['Consent.patient'] }] };

describe('A problem', () => {
  it('says what went wrong by the status, where and in which request', () => {
    const problem = problemOf(422, outcome, 'r-1');
    expect(problem).to.include({ kind: 'invalid', message: 'is of another patient', place: 'Consent.patient' });
    expect(problem.requestId).to.equal('r-1');
    expect(
      [401, 403, 404, 409, 412, 429, 503, 500, 502].map((status) => problemOf(status, undefined, undefined).kind),
    ).to.deep.equal([...['signed-out', 'refused', 'gone', 'changed', 'changed', 'busy', 'busy', 'broken', 'broken']]);
  });

  it('claims that nothing was saved only where that is known', () => {
    const kinds: Record<ProblemKind, boolean> = {
      ...{ offline: false, slow: false, busy: false, broken: false },
      ...{ 'signed-out': true, refused: true, invalid: true, gone: true, changed: true },
    };
    for (const [kind, isKnown] of Object.entries(kinds))
      expect(new Problem(kind as ProblemKind, '').isNothingSaved, kind).to.equal(isKnown);
  });
});
