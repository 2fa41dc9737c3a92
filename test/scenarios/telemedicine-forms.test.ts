/** A form is scored from its answers, whatever its sender says. On either network. */
import { FORMS } from '@telemed-ledger/chaincode/model/forms.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';

const TOTAL = '44261-6';

describe('An assessment', function () {
  this.timeout(START_TIMEOUT_MS + 60_000);
  let clinic: Party;
  let subject: { reference: string };
  const phq9 = FORMS[0];
  const answered = (code: string, more: object[] = []): object => ({
    ...{ resourceType: 'QuestionnaireResponse', status: 'completed', questionnaire: phq9.url, subject },
    item: [
      ...phq9.item
        .filter(({ required }) => required)
        .map(({ linkId }) => ({ linkId, answer: [{ valueCoding: { system: 'http://loinc.org', code } }] })),
      ...more,
    ],
  });
  const send = (body: object) => clinic.send({ method: 'POST', path: '/fhir/R4/QuestionnaireResponse', body });

  before(async () => {
    clinic = (await consortium()).parties.of('clinic', 'system');
    const body = { resourceType: 'Patient' };
    subject = {
      reference: `Patient/${(await clinic.write({ method: 'POST', path: '/fhir/R4/Patient', body })).body.id}`,
    };
  });

  it('has the score of its answers', async () => {
    const { body, status } = await send(answered('LA6570-1'));
    expect(status).to.equal(201);
    const { id } = body as Resource;
    const read = await clinic.ask<Resource>({ path: `/fhir/R4/QuestionnaireResponse/${id}` });
    expect((read['item'] as object[]).at(-1)).to.deep.equal({ linkId: TOTAL, answer: [{ valueDecimal: 18 }] });
  });

  it('is refused with a score that was typed in, or answers of no question', async () => {
    for (const [body, reason] of [
      [answered('LA6570-1', [{ linkId: TOTAL, answer: [{ valueDecimal: 3 }] }]), 'score-not-computed'],
      [answered('LA6572-7'), 'answer-not-of-question'],
      [answered('LA6570-1', [{ linkId: '1', answer: [{ valueString: 'x' }] }]), 'unknown-question'],
    ] as const) {
      const answer = await send(body);
      expect([answer.status, JSON.stringify(answer.body)].join(' ')).to.match(new RegExp(`^4(09|22) .*${reason}`));
    }
  });
});
