import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalJson } from '../model/canonical.ts';
import { PURPOSE_CODES } from '../model/purposes.ts';
import type { ConsentContent, Provision } from './consent-content.ts';
import { doubtsOf, hasOneMeaning } from './consent-meaning.ts';
import { type AccessFacts, evaluateConsents, type LedgerConsent, recordFacts } from './consents.ts';
import { ASKED, BOUND, consent, NOW, RECORDS } from './decision-tables/cases.fixture.ts';

const facts = recordFacts(Object.values(RECORDS));
const some = <T>(...all: T[]): fc.Arbitrary<T> => fc.constantFrom(...all);
const of = (name: string, ...all: object[]): fc.Arbitrary<object> =>
  fc.subarray(all, { minLength: 1, maxLength: 2 }).map((list) => ({ [name]: list }));
const reference = (text: string) => ({ role: { coding: [{ code: 'PRCP' }] }, reference: { reference: text } });

/** One criterion of each kind, all of them known. */
const criterion = fc.oneof(
  of(
    'actor',
    ...['Organization/clinic', 'Practitioner/primary', 'Practitioner/nurse', 'Organization/payer'].map(reference),
  ),
  of('purpose', ...['TREAT', 'ETREAT', 'BTG', 'HPAYMT', 'PurposeOfUse'].map((code) => ({ code }))),
  of('class', { code: 'Observation' }, { code: 'DocumentReference' }),
  of('securityLabel', ...['N', 'R', 'V'].map((code) => ({ code }))),
  of('securityLabel', ...['PSY', 'SPI', 'ETH', 'HIV'].map((code) => ({ code }))),
  of('data', ...['related', 'dependents'].map((meaning) => ({ meaning, reference: { reference: 'Encounter/e1' } }))),
  some<object>({ dataPeriod: { start: '2022' } }, { dataPeriod: { end: '2004' } }),
  some<object>({ period: { end: '2026-02' } }, { period: { start: '2026-02' } }, { period: { start: '2026-04-01' } }),
);
const criteria = fc.array(criterion, { maxLength: 2 }).map((all) => Object.assign({}, ...all) as Provision);
const typed = (type: string) => (provision: Provision) => ({ ...provision, type });

/** Denials and exceptions to them, in turns, so that most have one meaning. */
const provision = (type: 'permit' | 'deny', depth: number): fc.Arbitrary<Provision> => {
  const inner: fc.Arbitrary<Provision[]> =
    depth === 0
      ? fc.constant([])
      : fc.array(provision(type === 'permit' ? 'deny' : 'permit', depth - 1), { maxLength: 2 });
  return fc
    .tuple(criteria, inner)
    .map(([own, nested]) => ({ ...own, type, ...(nested.length === 0 ? {} : { provision: nested }) }));
};
const root = fc.oneof(provision('permit', 2), provision('deny', 2));
const rule = some<object>(
  {},
  { policyRule: { coding: [{ code: 'OPTIN' }] } },
  { policyRule: { coding: [{ code: 'OPTOUT' }] } },
);
const content = fc.tuple(root, rule).map(([one, base]) => consent({ ...base, provision: one }));
const sound = content.filter((one) => doubtsOf(one).length === 0);

const inForce = (contents: readonly ConsentContent[]): LedgerConsent[] =>
  contents.map((resource, index) => ({ id: `c${index}`, version: 1, status: 'active', resource, actors: BOUND }));
const asked: fc.Arbitrary<AccessFacts> = fc
  .tuple(fc.constantFrom(...Object.values(ASKED)), fc.constantFrom(...PURPOSE_CODES))
  .map(([who, purpose]) => ({ ...who, purpose }));
const question = fc.tuple(asked, fc.constantFrom(...facts));
type Question = [AccessFacts, (typeof facts)[number]];
const decide = (consents: readonly LedgerConsent[], [request, record]: Question) =>
  evaluateConsents(consents, request, record, NOW);
const isPermitted = (contents: readonly ConsentContent[], asking: Question): boolean =>
  decide(inForce(contents), asking).outcome === 'permit';
const RUNS = { numRuns: 2_000 };

describe('Whatever consents say', () => {
  it('adding a consent that only denies never widens', () => {
    const denial = criteria.map(typed('deny')).map((one) => consent({ provision: one }));
    let permitted = 0;
    fc.assert(
      fc.property(fc.array(sound, { maxLength: 4 }), denial, question, (contents, one, asking) => {
        if (isPermitted(contents, asking)) permitted += 1;
        else expect(isPermitted([...contents, one], asking)).to.equal(false);
      }),
      RUNS,
    );
    expect(permitted, 'questions that are permitted without it').to.be.greaterThan(100);
  });

  it('adding a denial inside a permission never widens', () => {
    fc.assert(
      fc.property(sound, criteria, question, (one, more, asking) => {
        const { provision: own, ...others } = one;
        const denied = { ...own, provision: [...(own?.provision ?? []), { ...more, type: 'deny' }] };
        if (!isPermitted([one], asking))
          expect(isPermitted([{ ...others, provision: denied }], asking)).to.equal(false);
      }),
      RUNS,
    );
  });

  it('the order of consents, of lists in them and of members does not matter', () => {
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed).reverse();
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, member]) => [name, reversed(member)]),
      );
    };
    fc.assert(
      fc.property(fc.array(content, { maxLength: 5 }), question, (contents, asking) => {
        const { provision: _, ...decision } = decide(inForce(contents), asking);
        const other = inForce(contents).map((one) => ({ ...one, resource: reversed(one.resource) as ConsentContent }));
        const { provision: __, ...again } = decide(other.reverse(), asking);
        expect(again).to.deep.equal(decision);
      }),
      RUNS,
    );
  });

  it('every endorser decides the same, to the byte', () => {
    fc.assert(
      fc.property(fc.array(content, { maxLength: 5 }), question, (contents, asking) => {
        const copy = JSON.parse(canonicalJson({ contents })).contents as ConsentContent[];
        expect(canonicalJson({ ...decide(inForce(copy), asking) })).to.equal(
          canonicalJson({ ...decide(inForce(contents), asking) }),
        );
      }),
    );
  });

  it('what is not known never permits: a code, a criterion, an actor, a label of a record', () => {
    const unknown = some<object>(
      { purpose: [{ code: 'NOBODY' }] },
      { class: [{ code: 'Nothing' }] },
      { securityLabel: [{ code: 'SECRET' }] },
      { action: [{ coding: [{ code: 'look' }] }] },
      { actor: [{ reference: { display: 'Dr Primary' } }] },
      { actor: [reference('Practitioner/nobody')] },
      { actor: [reference('Group/all')] },
      { madeUp: true },
      { modifierExtension: [{ url: 'urn:x' }] },
    );
    fc.assert(
      fc.property(sound, unknown, question, (one, more, asking) => {
        const { provision: own = {}, policyRule: _, ...others } = one;
        const changed = { ...others, provision: { ...own, ...more, type: 'permit' } };
        expect(isPermitted([changed], asking)).to.equal(false);
      }),
      RUNS,
    );
  });

  it('what has two meanings permits nothing, and denies what it denied', () => {
    fc.assert(
      fc.property(content, criteria, question, (one, more, asking) => {
        fc.pre(Object.keys(more).length > 0);
        const doubtful = {
          ...one,
          provision: { ...one.provision, provision: [...(one.provision?.provision ?? []), more] },
        };
        expect(hasOneMeaning(doubtful)).to.equal(false);
        expect(isPermitted([doubtful], asking)).to.equal(false);
        const denial = consent({ provision: { ...more, type: 'deny' } });
        const isReached = decide(
          inForce([consent({ provision: { ...one.provision, type: 'deny', provision: [] } })]),
          asking,
        );
        const denies =
          decide(inForce([denial]), asking).reason === 'consent-denied' && isReached.reason === 'consent-denied';
        if (denies) expect(decide(inForce([doubtful]), asking).reason).to.equal('consent-denied');
      }),
      RUNS,
    );
  });
});
