/** Every resource that the chaincode writes for a claim is valid R4, by the gateway's own validation. */
import { validateResource } from '@telemed-ledger/gateway-api/fhir/validation/validation.ts';
import { expect } from 'chai';
import { BANK, PAYER, PROVIDER, Story } from '../chaincode/src/contracts/example-story.fixture.ts';
import { exampleIds } from '../chaincode/src/model/example-claim.fixture.ts';
import { privateKeys } from '../chaincode/src/model/keys.ts';
import { PAYMENT_REPORTS } from '../chaincode/src/model/payments.ts';
import type { ClaimState } from '../chaincode/src/model/values.ts';
import { offsetOf } from '../chaincode/src/rules/offsets.ts';

const { claim: id, payment } = exampleIds;

interface Stored {
  resource?: object;
  resources?: object[];
}

async function paidClaim(
  prices: Record<string, number> = {},
  unlisted: 'as-billed' | 'not-covered' = 'as-billed',
): Promise<Story> {
  const story = await new Story().prepare();
  await story.ledger.submit('LoadFeeSchedule', story.feeSchedule(prices, 'USD', unlisted));
  for (const step of ['submitClaim', 'adjudicate', 'instruct', 'settle', 'remit'] as const) await story[step]();
  return story;
}

function expectValid(story: Story, collection: string, key: string): void {
  const { resource, resources = [resource] } = story.ledger.read(collection, key) as Stored;
  expect(resources.length).to.be.at.least(1);
  for (const one of resources) expect(validateResource(one).issues).to.deep.equal([]);
}

describe('the resources of a claim', () => {
  it('are valid R4 from the claim to the remittance', async () => {
    for (const [prices, unlisted] of [
      [{}, 'as-billed'],
      [{ '166888009': 1300 }, 'as-billed'],
      [{ '185317003': 9000 }, 'not-covered'],
    ] as const) {
      const story = await paidClaim(prices, unlisted);
      const told = [privateKeys.remitted(payment, 'hospital', 2), privateKeys.remittedNotice(payment, 'hospital')];
      for (const key of [privateKeys.claim(id), privateKeys.response(id), ...told])
        for (const collection of [PAYER, PROVIDER]) expectValid(story, collection, key);
      const paid = [privateKeys.reconciliation(payment, 1), privateKeys.reconciliation(payment, 2)];
      paid.push(privateKeys.notice(payment));
      for (const key of paid) for (const collection of [PAYER, BANK]) expectValid(story, collection, key);
    }
  });

  it('are valid R4 before the bank has paid', async () => {
    const story = await new Story().prepare();
    for (const step of ['submitClaim', 'adjudicate', 'instruct'] as const) await story[step]();
    expectValid(story, BANK, privateKeys.reconciliation(payment, 1));
  });

  it('are valid R4 where the bank has not paid', async () => {
    for (const status of PAYMENT_REPORTS.filter((one) => one !== 'settled')) {
      const story = await new Story().prepare();
      for (const step of ['submitClaim', 'adjudicate', 'instruct'] as const) await story[step]();
      await story.ledger.submit('ReportPayment', story.report(status));
      expectValid(story, BANK, privateKeys.reconciliation(payment, 2));
    }
  });

  it('are valid R4 where an edit denies at adjudication', async () => {
    const story = await new Story().prepare();
    await story.submitClaim();
    story.example.coverage['status'] = 'cancelled';
    await story.ledger.submit('RegisterCoverage', story.coverage(2));
    await story.adjudicate();
    const { status } = story.ledger.read(PROVIDER, privateKeys.claimState(id, 2)) as ClaimState;
    expect(status).to.equal('denied');
    expectValid(story, PROVIDER, privateKeys.response(id));
  });

  it('are valid R4 where a claim is pended, denied by a person, appealed, voided, and its debt taken from another', async () => {
    const story = await new Story().prepare();
    await story.submitClaim();
    const decide = (by: string, outcome: 'approve' | 'deny' | 'pend') =>
      story.ledger.submit('AdjudicateClaim', story.decision(by, { outcome, reason: 'looked at' }));
    await decide('Practitioner/a', 'pend');
    await story.ledger.submit('ReopenClaim', story.reopening('supplement'));
    await decide('Practitioner/a', 'deny');
    await story.ledger.submit('ReopenClaim', story.reopening('appeal'));
    await decide('Practitioner/b', 'approve');
    await story.ledger.submit('WithdrawClaim', story.withdrawal('void'));
    expect(story.status()).to.include({ status: 'voided', step: 7 });
    const tasks = [2, 3, 5, 7].map((step) => privateKeys.claimTask(id, step));
    const responses = [2, 4, 6].map((step) => privateKeys.response(id, step));
    for (const key of [...tasks, ...responses, privateKeys.claim(id, 3), privateKeys.claim(id, 5)])
      for (const collection of [PAYER, PROVIDER]) expectValid(story, collection, key);
    const facts = { reconciliationId: exampleIds.reconciliation, claimId: id, response: exampleIds.response };
    const between = { payer: 'payer', provider: 'hospital', now: '2026-02-21T08:00:00.000Z', currency: 'USD' };
    const offset = offsetOf({ ...facts, ...between, parts: [{ claimId: exampleIds.otherClaim, units: 250 }] });
    expect(validateResource(offset).issues).to.deep.equal([]);
  });
});
