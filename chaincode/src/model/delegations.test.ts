import { expect } from 'chai';
import { CARETAKER_ACT_SYSTEM, CARETAKER_ACTS, DELEGATION_SCOPES } from './consent-codes.ts';
import { delegationAt, delegationDoubts, isDelegation } from './delegations.ts';

const NOW = '2026-03-01T12:00:00.000Z';
const act = (...codes: string[]) => ({ coding: codes.map((code) => ({ system: CARETAKER_ACT_SYSTEM, code })) });
const daughter = { role: { text: 'daughter' }, reference: { reference: 'RelatedPerson/daughter' } };
const provision = { type: 'permit', actor: [daughter], action: [act('read')] };
const delegation = (change: object = {}, of: object = {}): Record<string, unknown> => ({
  ...{ resourceType: 'Consent', status: 'active', patient: { reference: 'Patient/p1' } },
  scope: { coding: [{ system: DELEGATION_SCOPES, code: 'delegation' }] },
  provision: { ...provision, ...change },
  ...of,
});

describe('a delegation', () => {
  it('says who acts and how, each once and in one order', () => {
    const said = delegation({ actor: [daughter, daughter], action: [act('bills', 'read'), act('read')] });
    expect(delegationDoubts(said)).to.deep.equal([]);
    expect(delegationAt(said, NOW)).to.deep.equal({ caretakers: ['RelatedPerson/daughter'], acts: ['read', 'bills'] });
    expect(delegationAt(delegation({ action: CARETAKER_ACTS.map((one) => act(one)) }), NOW)?.acts).to.deep.equal([
      ...CARETAKER_ACTS,
    ]);
  });

  const times: [string, object, boolean][] = [
    ['of no period', {}, true],
    ['of a period that is on', { period: { start: '2026-03-01', end: '2026-03-01' } }, true],
    ['of one that begins tomorrow', { period: { start: '2026-03-02' } }, false],
    ['of one that ended yesterday', { period: { end: '2026-02-28' } }, false],
    ['of one that ends at noon', { period: { end: '2026-03-01T11:59:59Z' } }, false],
  ];
  for (const [what, change, isInForce] of times)
    it(`${what} is ${isInForce ? '' : 'not '}in force`, () =>
      expect(delegationAt(delegation(change), NOW) !== undefined).to.equal(isInForce));

  const doubtful: [string, Record<string, unknown>, string[]][] = [
    [
      'of another scope as well',
      delegation(
        {},
        {
          scope: {
            coding: [
              { system: DELEGATION_SCOPES, code: 'delegation' },
              { system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' },
            ],
          },
        },
      ),
      ['scope-not-one Consent.scope'],
    ],
    ['without a provision', delegation({}, { provision: undefined }), ['delegation-form Consent.provision']],
    ['that denies', delegation({ type: 'deny' }), ['delegation-form Consent.provision.type']],
    ['without a type', delegation({ type: undefined }), ['delegation-form Consent.provision.type']],
    [
      'that opts out',
      delegation({}, { policyRule: { coding: [{ code: 'OPTOUT' }] } }),
      ['delegation-form Consent.policyRule'],
    ],
    [
      'with an exception',
      delegation({ provision: [{ type: 'deny' }] }),
      ['delegation-form Consent.provision.provision'],
    ],
    ...['class', 'code', 'data', 'dataPeriod', 'securityLabel', 'purpose', 'somethingNew'].map(
      (name): [string, Record<string, unknown>, string[]] => [
        `for a part of it, by ${name}`,
        delegation({ [name]: [] }),
        [`delegation-form Consent.provision.${name}`],
      ],
    ),
    ['to nobody', delegation({ actor: [] }), ['delegation-actor Consent.provision.actor']],
    ...[
      'Practitioner/x',
      'Organization/x',
      'Patient/p2',
      'RelatedPerson/',
      'https://elsewhere.example/RelatedPerson/x',
    ].map((reference): [string, Record<string, unknown>, string[]] => [
      `to ${reference}`,
      delegation({ actor: [daughter, { reference: { reference } }] }),
      ['delegation-actor Consent.provision.actor[1]'],
    ]),
    [
      'to a name',
      delegation({ actor: [{ reference: { display: 'Ann' } }] }),
      ['delegation-actor Consent.provision.actor[0]'],
    ],
    ['of nothing', delegation({ action: [] }), ['delegation-action Consent.provision.action']],
    [
      'of an act that is none',
      delegation({ action: [act('read', 'sell')] }),
      ['delegation-action Consent.provision.action[0]'],
    ],
    [
      'of an act of another system',
      delegation({ action: [{ coding: [{ code: 'read' }] }] }),
      ['delegation-action Consent.provision.action[0]'],
    ],
    [
      'of an act by text',
      delegation({ action: [{ text: 'read' } as object] }),
      ['delegation-action Consent.provision.action[0]'],
    ],
    [
      'of a period that is none',
      delegation({ period: { start: 'soon' } }),
      ['period-no-date Consent.provision.period'],
    ],
    [
      'of a period backwards',
      delegation({ period: { start: '2026-03-02', end: '2026-03-01' } }),
      ['period-inverted Consent.provision.period'],
    ],
  ];
  for (const [what, consent, doubts] of doubtful)
    it(`${what} has no one meaning, and lets nobody act`, () => {
      expect(isDelegation(consent)).to.equal(true);
      expect(delegationDoubts(consent).map(({ rule, expression }) => `${rule} ${expression}`)).to.deep.equal(doubts);
      expect(delegationAt(consent, NOW)).to.equal(undefined);
    });

  it('is none where it has ended, or its scope is another', () => {
    for (const status of ['draft', 'inactive', 'entered-in-error', 'rejected', 'proposed'])
      expect(delegationAt(delegation({}, { status }), NOW), status).to.equal(undefined);
    for (const scope of [undefined, {}, { coding: [{ code: 'delegation' }] }, { text: 'delegation' }])
      expect(delegationAt(delegation({}, { scope }), NOW)).to.equal(undefined);
  });
});
