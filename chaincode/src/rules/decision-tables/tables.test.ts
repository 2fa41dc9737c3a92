import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Resource } from '../../model/fhir.ts';
import { doubtsOf } from '../consent-meaning.ts';
import { type AccessFacts, evaluateConsents, recordFacts } from '../consents.ts';
import { beyondOuter } from '../nested-provisions.ts';
import { ASKED, BOUND, consent, inForce, NOW, RECORDS } from './cases.fixture.ts';
import { consentsPage, PAGE } from './page.fixture.ts';
import { TABLES } from './tables.fixture.ts';

const ORDER: Resource = {
  resourceType: 'CarePlan',
  id: 'order',
  activity: [{ reference: { reference: 'DiagnosticReport/lipid' } }],
};
const ENCOUNTER: Resource = { resourceType: 'Encounter', id: 'e1' };

for (const { title, given = [], rows = [] } of TABLES)
  describe(`Of consents, ${title}`, () => {
    for (const { what, consent: content, refused } of given)
      it(`${refused.length === 0 ? 'takes' : 'refuses'} ${what}`, () => {
        const given = consent(content);
        const doubts = doubtsOf(given);
        const beyond = beyondOuter(given, { provider: 'hospital', bound: BOUND }, doubts);
        const rules = [...doubts, ...beyond].map(({ rule }) => rule);
        expect([...new Set(rules)]).to.deep.equal(refused);
      });
    for (const { what, consents, asks, purpose = 'TREAT', record, gives } of rows) {
      const named = record ?? 'a blood sugar of June 2022, taken in encounter e1, by Dr Author';
      it(`${what}: ${asks}, ${purpose}, ${named} gives ${gives}`, () => {
        const resource: Resource = RECORDS[named];
        // What a consent's `data.related` refers to is considered where it is a record of the same patient.
        const context = named === 'a result of the order' ? [ORDER] : [ENCOUNTER];
        const [facts] = recordFacts([resource], context);
        const request: AccessFacts = { ...ASKED[asks], purpose };
        const inOrder = consents.map((one, index) => inForce(one, `c${index}`));
        const { outcome, reason } = evaluateConsents(inOrder, request, facts!, NOW);
        expect(outcome === 'permit' ? outcome : reason).to.equal(gives);
        expect(evaluateConsents(inOrder.toReversed(), request, facts!, NOW).reason).to.equal(reason);
      });
    }
  });

describe('docs/consents.md', () => {
  it('is what the decision tables say', () => {
    expect(readFileSync(PAGE, 'utf8'), 'run page.fixture.ts').to.equal(consentsPage());
  });
});
