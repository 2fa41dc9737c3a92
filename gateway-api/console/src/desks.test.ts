/** What the desks work out in the browser: which visits are unbilled, what is asked of the queue, when a request is due, what a file holds. */
import { expect } from 'chai';
import { figuresIn } from './authorizations/published.ts';
import { clockTag } from './authorizations/requests.ts';
import { claimFor } from './billing/claim-for.ts';
import { mendingOf } from './billing/mending.ts';
import { unbilledIn } from './billing/unbilled-in.ts';
import { messages } from './messages/en.ts';
import { wordsOf } from './words.ts';

const encounter = (id: string) =>
  ({ resourceType: 'Encounter', id, status: 'finished', class: { code: 'VR' } }) as const;
const claimOf = (status: string, ...encounters: string[]) => ({
  ...{ resourceType: 'Claim', status, use: 'claim' },
  item: [{ sequence: 1, encounter: encounters.map((one) => ({ reference: `Encounter/${one}` })) }],
});

describe('At a desk', () => {
  it('a visit is unbilled until a claim that stands names it', () => {
    const found = [encounter('a'), encounter('b'), encounter('c'), claimOf('active', 'a'), claimOf('cancelled', 'b')];
    expect(unbilledIn(found as never).map(({ id }) => id)).to.deep.equal(['b', 'c']);
  });

  it('a claim for a visit names the visit, its patient and its day', () => {
    const visit = {
      ...encounter('a'),
      subject: { reference: 'Patient/p' },
      period: { start: '2026-03-01T23:30:00-05:00' },
    };
    const draft = { coverage: 'Coverage/c', code: '99213', amount: '80.50' };
    const claim = claimFor(visit, draft, 'hospital', '2026-03-04');
    expect(claim).to.deep.include({ created: '2026-03-04', patient: { reference: 'Patient/p' } });
    expect(claim.item?.[0]).to.deep.include({
      ...{ servicedDate: '2026-03-01', encounter: [{ reference: 'Encounter/a' }] },
      net: { value: 80.5, currency: 'USD' },
    });
  });

  it('each edit that denies has something that mends it', () => {
    const edits = ['coverage-not-in-force', 'service-not-shown', 'units-exceeded', 'no-authorization', 'duplicate'];
    expect(new Set([...edits, 'practitioner-not-licensed', 'unheard-of'].map(mendingOf)).size).to.equal(7);
  });

  it('a request is overdue, due today or due later', () => {
    const now = Date.parse('2026-03-01T12:00:00Z');
    const tags = ['2026-03-01T12:00:00Z', '2026-03-02T11:59:00Z', '2026-03-02T12:00:00Z'].map((due) =>
      clockTag(due, now),
    );
    expect(tags).to.deep.equal(['tag bad', 'tag warn', 'tag']);
  });

  it('a file of figures is read whole, or not at all', () => {
    const numbers = { requests: 1, approved: 1, approvedInPart: 0, denied: 0, pended: 0, decidedLate: 0, overdue: 0 };
    const figures = { payer: 'payer', year: 2026, madeAt: '', standard: numbers, expedited: numbers };
    expect(figuresIn(JSON.stringify(figures))).to.deep.equal(figures);
    for (const text of ['', 'null', '[]', '{"payer":"x"}', JSON.stringify({ ...figures, expedited: { requests: 1 } })])
      expect(figuresIn(text), text).to.equal(undefined);
  });

  it('a distance in time is said in the largest unit that there are two of', () => {
    const { fromNow } = wordsOf({ language: 'en', messages });
    const at = (minutes: number): string => fromNow(new Date(Date.now() + minutes * 60_000 + 5_000).toISOString());
    expect([at(90), at(130), at(3 * 1440), at(-300)]).to.deep.equal([
      'in 90 minutes',
      'in 2 hours',
      'in 3 days',
      '4 hours ago',
    ]);
  });
});
