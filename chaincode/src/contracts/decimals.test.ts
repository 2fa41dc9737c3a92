/** Whatever resource a transaction takes lies on the ledger with the digits that were sent, and is judged by them. */
import { expect } from 'chai';
import fc from 'fast-check';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { type Changeable, exampleIds } from '../model/example-claim.fixture.ts';
import { numberText } from '../model/numbers.fixture.ts';
import { parseExact } from '../model/numbers.ts';
import { ExamplePatient } from './example-patient.fixture.ts';
import { createdSheet, recordDraft, recording, sheetOf } from './example-sheets.fixture.ts';
import { Story } from './example-story.fixture.ts';

const extension = (digits: string) => [{ url: 'urn:example:decimal', valueDecimal: parseExact(digits) }];
const resourceAt = (text: string): string => canonicalJson((parseExact(text) as { resource: unknown }).resource);

describe('Decimals on the ledger', () => {
  it('stand in records, their versions and their evidence as they were sent, whatever their size', async () => {
    const example = new ExamplePatient();
    const observed = (digits: string) => ({
      resourceType: 'Observation',
      valueQuantity: { value: parseExact(digits) },
    });
    await fc.assert(
      fc.asyncProperty(numberText, numberText, async (first, second) => {
        const sheet = createdSheet([observed(first)]);
        await example.ledger.submit('RecordVersions', recording([sheet]));
        const { id } = sheet.records[0]!;
        expect(example.evidence(id).text).to.include(`"valueQuantity":{"value":${first}}`);
        const next = recordDraft({ ...observed(second), id }, 2, { origin: { sheet: sheet.id, index: 0 } });
        await example.ledger.submit('RecordVersions', recording([sheetOf([next])]));
        expect(example.evidence(id, 2).text).to.include(`"valueQuantity":{"value":${second}}`);
      }),
      { numRuns: 20 },
    );
  });

  it('do not keep a record from being delivered', async () => {
    const example = new ExamplePatient();
    await example.arrive();
    const subject = { reference: `Patient/${example.patientId}` };
    const valueQuantity = { value: parseExact('1.50e400') };
    const id = await example.record({ resourceType: 'Observation', subject, valueQuantity });
    const consent = example.consent({ type: 'permit' });
    const resource = { ...consent.resource, extension: extension('0.010') };
    await example.grant({ ...consent, resource });
    const granted = example.ledger.private.get(`care_hospital consent/${consent.id}/1`) ?? '';
    expect(resourceAt(granted)).to.equal(canonicalJson(resource));
    expect(granted).to.include('"valueDecimal":0.010');
    const asked = await example.ask();
    await example.decide(asked, [id], { consents: [{ id: consent.id, version: 1 }] });
    expect(example.accessState(asked).status).to.equal('granted');
    const { records } = JSON.parse(example.text(`copies/${asked}`)) as { records: { text: string }[] };
    expect(records.map(({ text }) => resourceAt(text))).to.deep.equal([
      canonicalJson({ resourceType: 'Observation', subject, valueQuantity, id }),
    ]);
  });

  it('stand in coverages, claims and their answers, which are reckoned by them', async () => {
    const story = new Story();
    const { coverage, claim } = story.example;
    const [copay, share] = coverage['costToBeneficiary'];
    copay.valueMoney.value = parseExact('20.00');
    share.valueQuantity.value = parseExact('1.0E+1');
    const [visit, test] = claim['item'];
    visit.net.value = parseExact('120.00');
    test.quantity.value = parseExact('2.000');
    test.unitPrice.value = parseExact('15.2500');
    test.net.value = parseExact('30.50');
    claim['total'].value = parseExact('150.50');
    claim['type'].extension = extension('1e400');
    story.example.observation['valueQuantity'] = { value: parseExact('-1e400') };
    await story.prepare();
    await story.submitClaim();
    await story.adjudicate();
    expect(resourceAt(story.text('billing_payer', `coverage/${exampleIds.coverage}/1`))).to.equal(
      canonicalJson(coverage),
    );
    expect(resourceAt(story.text('billing_payer', `claim/${exampleIds.claim}`))).to.equal(canonicalJson(claim));
    const response = story.text('billing_payer', `response/${exampleIds.claim}`);
    expect(response).to.include(canonicalJson(claim['type']));
    // (150.50 - 20.00) × 0.9
    const { payment } = (JSON.parse(response) as { resource: Changeable }).resource as Changeable;
    expect(payment.amount).to.deep.equal({ value: 117.45, currency: 'USD' });
    expect(story.status().status).to.equal('approved');
  });

  it('are held to more digits than a double has', async () => {
    const story = await new Story().prepare();
    story.example.claim['total'].value = parseExact('150.50000000000000000001');
    expect(await failureOf(story.submitClaim())).to.match(/INVALID at <Claim.total.value>/);
  });
});
