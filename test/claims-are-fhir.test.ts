/** Every resource that the chaincode writes for a claim is valid R4, by the gateway's own validation. */
import { validateResource } from '@telemed-ledger/gateway-api/fhir/validation/validation.ts';
import { expect } from 'chai';
import { CLAIM, SETTLE, Story } from '../chaincode/src/contracts/example-story.fixture.ts';
import { exampleIds } from '../chaincode/src/model/example-claim.fixture.ts';

interface Stored {
  resource?: object;
  resources?: object[];
}

async function paidClaim(prices: Record<string, number> = {}): Promise<Story> {
  const story = await new Story().prepare();
  await story.ledger.submit('LoadFeeSchedule', story.feeSchedule(prices));
  for (const step of ['submitClaim', 'adjudicate', 'instruct', 'settle', 'remit'] as const) await story[step]();
  return story;
}

function expectValid(story: Story, collection: string, key: string): void {
  const { resource, resources = [resource] } = story.ledger.read(collection, `${key}/${exampleIds.claim}`) as Stored;
  expect(resources.length).to.be.at.least(1);
  for (const one of resources) expect(validateResource(one).issues).to.deep.equal([]);
}

describe('the resources of a claim', () => {
  it('are valid R4 from the claim to the remittance', async () => {
    for (const prices of [{}, { '166888009': 1000 }] as Record<string, number>[]) {
      const story = await paidClaim(prices);
      for (const key of ['claim', 'response', 'remittance']) expectValid(story, CLAIM, key);
      for (const key of ['payment', 'settlement']) expectValid(story, SETTLE, key);
    }
  });

  it('are valid R4 before the bank has paid', async () => {
    const story = await new Story().prepare();
    for (const step of ['submitClaim', 'adjudicate', 'instruct'] as const) await story[step]();
    expectValid(story, SETTLE, 'payment');
  });

  it('are valid R4 where an edit denies at adjudication', async () => {
    const story = await new Story().prepare();
    await story.submitClaim();
    story.example.coverage['status'] = 'cancelled';
    await story.ledger.submit('RegisterCoverage', story.coverage(2));
    expect((await story.adjudicate()).reply.status).to.equal('denied');
    expectValid(story, CLAIM, 'response');
  });
});
