/** When a consent only takes away: cases by hand, and against the chaincode's own evaluation whatever the texts say. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { RecordFacts } from '../../../../chaincode/src/model/record-facts.ts';
import { type AccessFacts, evaluateConsents, type LedgerConsent } from '../../../../chaincode/src/rules/consents.ts';
import { onlyTakesAway } from './narrowing.ts';

const PRIVACY = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
};
const consentOf = (policy: string | undefined, provision: object | undefined, more: object = {}) => ({
  resourceType: 'Consent' as const,
  status: 'active',
  scope: PRIVACY,
  patient: { reference: 'Patient/p1' },
  ...(policy === undefined ? {} : { policyRule: { coding: [{ code: policy }] } }),
  ...(provision === undefined ? {} : { provision }),
  ...more,
});
type Text = ReturnType<typeof consentOf>;

const actor = (...names: string[]) => names.map((value) => ({ reference: { reference: `Organization/${value}` } }));
const codes = (...wanted: string[]) => wanted.map((code) => ({ code }));

describe('A new version of a consent', () => {
  const permit = { type: 'permit', actor: actor('clinic', 'payer'), class: codes('Observation', 'Condition') };
  const old = consentOf('OPTIN', permit);
  const until = (end: string, start?: string) => consentOf('OPTIN', { ...permit, period: { start, end } });

  const NARROWER: [string, Text, Text][] = [
    ['of fewer actors', old, consentOf('OPTIN', { ...permit, actor: actor('clinic') })],
    ['of fewer classes', old, consentOf('OPTIN', { ...permit, class: codes('Condition') })],
    ['with one criterion more', old, consentOf('OPTIN', { ...permit, purpose: codes('TREAT') })],
    ['with an exception', old, consentOf('OPTIN', { ...permit, provision: [{ type: 'deny', class: codes('x') }] })],
    ['that ends', old, until('2027-01-01')],
    ['that ends sooner', until('2027-01-01'), until('2026-06-30')],
    ['that begins later', until('2027-01-01'), until('2027-01-01', '2026-01-01')],
    ['that denies instead', old, consentOf(undefined, { ...permit, type: 'deny' })],
    ['that denies everything', old, consentOf('OPTOUT', undefined)],
    ['of a consent to everything', consentOf('OPTIN', undefined), consentOf('OPTIN', { type: 'deny' })],
    [
      'that drops one of several grants',
      consentOf(undefined, { provision: [{ type: 'permit', actor: actor('clinic') }, permit] }),
      consentOf(undefined, { provision: [permit] }),
    ],
  ];
  for (const [what, before, next] of NARROWER)
    it(`${what} only takes away`, () => {
      expect(onlyTakesAway(before, next)).to.equal(true);
    });

  const OTHERS: [string, Text, Text][] = [
    ['that says the same', old, consentOf('OPTIN', permit, { dateTime: '2026-05-01' })],
    ['of other actors', old, consentOf('OPTIN', { ...permit, actor: actor('bank') })],
    ['of one actor more', old, consentOf('OPTIN', { ...permit, actor: actor('clinic', 'payer', 'bank') })],
    ['without a criterion', old, consentOf('OPTIN', { type: 'permit', actor: permit.actor })],
    ['that ends later', until('2026-06-30'), until('2027-01-01')],
    ['that ends at a time which is not compared', until('2026-06-30'), until('2026-05')],
    ['that ends with a day of which the old one ended at noon', until('2026-03-01T12:00:00Z'), until('2026-03-01')],
    ['that denies all but what it names', old, consentOf('OPTIN', { ...permit, type: 'deny' })],
    [
      'of one that denies something, which other consents must not permit meanwhile',
      consentOf('OPTIN', { ...permit, provision: [{ type: 'deny', class: codes('x') }] }),
      consentOf('OPTIN', { ...permit, actor: actor('clinic'), provision: [{ type: 'deny', class: codes('x') }] }),
    ],
    ['of one that opts out', consentOf('OPTOUT', permit), consentOf('OPTOUT', { ...permit, actor: actor('clinic') })],
    [
      'about another provider',
      old,
      consentOf('OPTOUT', undefined, { organization: [{ reference: 'Organization/x' }] }),
    ],
    [
      'of higher labels',
      consentOf('OPTIN', { ...permit, securityLabel: codes('N', 'R') }),
      consentOf('OPTIN', { ...permit, securityLabel: codes('R') }),
    ],
    [
      'of one that is no agreement about disclosure',
      { ...old, scope: { coding: [] } },
      consentOf('OPTOUT', undefined, { scope: { coding: [] } }),
    ],
    ['that becomes one about disclosure', { ...old, scope: { coding: [] } }, consentOf('OPTOUT', undefined)],
  ];
  for (const [what, before, next] of OTHERS)
    it(`${what} is not taken for one that only takes away`, () => {
      expect(onlyTakesAway(before, next)).to.equal(false);
    });

  /** Small domains, so that provisions meet and miss each other often. */
  const some = <T>(...all: T[]) => fc.constantFrom(...all);
  const any = (name: string, ...all: object[]) =>
    fc.option(fc.subarray(all), { nil: undefined }).map((value) => (value === undefined ? {} : { [name]: value }));
  const DAYS = ['2026-01-01', '2026-03-01', '2026-05-01', '2026-03-01T12:00:00Z', '2026-03'];
  const period = (name: string) =>
    fc
      .option(fc.record({ start: some(...DAYS), end: some(...DAYS) }, { requiredKeys: [] }), { nil: undefined })
      .map((value) => (value === undefined ? {} : { [name]: value }));
  const criteria = fc
    .tuple(
      any('actor', ...actor('clinic', 'payer'), { role: { coding: codes('system') } }),
      any('purpose', ...codes('TREAT', 'HPAYMT')),
      any('class', ...codes('Observation', 'Condition')),
      any('code', { coding: codes('a') }, { coding: codes('a', 'b') }),
      any('action', { coding: codes('access') }, { coding: codes('use') }),
      any('securityLabel', ...codes('N', 'R', 'x')),
      any('data', { meaning: 'instance', reference: { reference: 'Observation/1' } }),
      period('period'),
      period('dataPeriod'),
      fc.option(some({ madeUp: 1 }), { nil: {} }),
    )
    // Most provisions name one or two criteria.
    .chain((all) => fc.subarray(all, { maxLength: 3 }))
    .map((all) => Object.assign({}, ...all) as object);
  const type = some({}, { type: 'permit' }, { type: 'permit' }, { type: 'deny' }, { type: 'other' });
  const nested = (depth: number): fc.Arbitrary<object> =>
    fc
      .tuple(type, criteria, depth === 0 ? fc.constant([]) : fc.array(nested(depth - 1), { maxLength: 2 }))
      .map(([own, met, provision]) => ({ ...own, ...met, ...(provision.length === 0 ? {} : { provision }) }));
  const text = fc
    .tuple(some(undefined, 'OPTIN', 'OPTOUT'), fc.option(nested(2), { nil: undefined }))
    .map(([policy, root]) => consentOf(policy, root));
  /** What is made of another by a few changes: most of what only takes away is. */
  const changedFrom = ({ policyRule, provision }: Text & { policyRule?: object; provision?: object }) =>
    fc
      .tuple(some('kept', 'kept', 'dropped'), criteria, fc.array(nested(1), { maxLength: 1 }), some(0, 1, 2))
      .map(([rule, more, inner, cut]): Text => {
        const root = { ...(provision ?? {}) } as Record<string, unknown>;
        const shortened = Object.fromEntries(
          Object.entries(root).map(([name, value]) => [name, Array.isArray(value) ? value.slice(0, 2 - cut) : value]),
        );
        const own = (shortened['provision'] ?? []) as object[];
        const made = { ...shortened, ...more, provision: [...own, ...inner] };
        return {
          ...consentOf(undefined, made),
          ...(rule === 'kept' && policyRule !== undefined ? { policyRule } : {}),
        };
      });
  const pair = text.chain((before) => fc.tuple(fc.constant(before), fc.oneof(text, changedFrom(before))));
  const asked: fc.Arbitrary<AccessFacts> = fc.record({
    organisation: some('clinic', 'payer'),
    holder: fc.constant('hospital'),
    role: some('system', 'practitioner'),
    purpose: some('TREAT', 'HPAYMT'),
  });
  const at = (day: string) => ({ start: Date.parse(day), end: Date.parse(day) + 86_400_000 });
  const record: fc.Arbitrary<RecordFacts> = fc.record({
    reference: some('Observation/1', 'Condition/2'),
    type: some('Observation', 'Condition'),
    profiles: fc.constant([]),
    media: fc.constant([]),
    classes: some([], codes('Observation')),
    codes: fc.subarray(codes('a', 'b')),
    labels: fc.subarray(codes('N', 'R', 'x')),
    span: some(undefined, at('2026-02-01'), at('2026-04-01')),
    authors: fc.constant([]),
    refersTo: fc.constant([]),
    referredBy: fc.constant([]),
    considered: fc.constant(new Set(['Observation/1', 'Condition/2'])),
  });
  const now = some('2025-12-31T00:00:00Z', '2026-02-01T00:00:00Z', '2026-03-01T12:00:00Z', '2026-04-01T00:00:00Z');

  it('that only takes away permits nothing new, nor does its absence, whatever other consents there are', () => {
    let narrower = 0;
    let permitted = 0;
    const questions = fc.array(fc.tuple(asked, record, now), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(pair, text, questions, ([before, next], other, all) => {
        if (!onlyTakesAway(before, next)) return;
        narrower += 1;
        const consents = (...texts: object[]) =>
          texts.map((resource, index) => ({ id: `${index}`, version: 1, status: 'active', resource }) as LedgerConsent);
        for (const [request, facts, time] of all) {
          const isPermitted = (...texts: object[]) =>
            evaluateConsents(consents(...texts), request, facts, time).outcome === 'permit';
          if (isPermitted(before)) permitted += 1;
          if (isPermitted(next)) expect(isPermitted(before), 'the new version alone').to.equal(true);
          if (isPermitted(next, other)) expect(isPermitted(before, other), 'with another').to.equal(true);
          if (isPermitted(other)) expect(isPermitted(before, other), 'without either').to.equal(true);
        }
      }),
      { numRuns: 2_000 },
    );
    expect(narrower, 'cases that are narrower').to.be.greaterThan(100);
    expect(permitted, 'questions that the old version permits').to.be.greaterThan(100);
  });
});
