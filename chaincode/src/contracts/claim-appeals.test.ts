/** A patient appeals against a decision: her custodian sends it for her, a person who has not decided before decides it. */
import { expect } from 'chai';
import type { Request } from '../ledger/memory-ledger.fixture.ts';
import { canonicalJson } from '../model/canonical.ts';
import { CLAIM_STATUSES, CLAIM_STEPS, type ClaimStatus } from '../model/claim-steps.ts';
import { type Changeable, exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import { privateKeys } from '../model/keys.ts';
import { codeOf, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

const { claim: ID, patient, other, otherClaim: SECOND } = exampleIds;
const DENY = { outcome: 'deny', reason: 'not shown' } as const;
const APPROVE = { outcome: 'approve', reason: 'it took place' } as const;

describe('A patient’s appeal', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
    await story.submitClaim();
    await decides('Practitioner/a', DENY);
    expect(story.status().status).to.equal('denied');
  });

  const decides = (by: string, decision: typeof DENY | typeof APPROVE) =>
    story.ledger.submit('AdjudicateClaim', story.decision(by, decision));
  const appeal = (day = '2026-02-20'): Request<'AppealClaim'> & { private: object } => ({
    ...{ from: 'patients', role: 'system', input: { id: ID, payer: 'payer' }, time: `${day}T08:00:00.000Z` },
    private: {
      ...{ taskId: exampleIds.notice, salt: exampleSalt('8'), reason: 'I was there', patient },
      ...story.standing(ID),
    },
  });
  const appealed = (request: object = appeal()) =>
    story.ledger.submit('AppealClaim', request as Request<'AppealClaim'>);

  it('is told to provider and payer as hers, and decided by another person than before', async () => {
    const { writes } = await appealed();
    const task = privateKeys.claimTask(ID, 3);
    const state = privateKeys.claimState(ID, 3);
    expect(Object.keys(writes.private)).to.have.members(
      [task, state].flatMap((key) => [`${PAYER} ${key}`, `${PROVIDER} ${key}`]),
    );
    expect(writes.event).to.deep.equal({ name: 'ClaimAppealed', payload: `{"id":"${ID}"}` });
    const { resource } = story.ledger.read(PROVIDER, task) as { resource: Changeable };
    const she = { reference: `Patient/${patient}` };
    expect(resource).to.deep.include({ resourceType: 'Task', for: she, requester: she, status: 'completed' });
    expect(resource['reasonCode']).to.deep.equal({ text: 'I was there' });
    expect(story.status()).to.include({ status: 'appealed', appealOf: 2 });
    expect(await codeOf(decides('Practitioner/a', APPROVE))).to.equal('FORBIDDEN id');
    const byRules = story.ledger.submit('AdjudicateClaim', story.adjudication());
    expect(await codeOf(byRules)).to.equal('CONFLICT id');
    await decides('Practitioner/b', APPROVE);
    expect(story.status().status).to.equal('approved');
    expect(JSON.parse(story.standing(ID).response).resource.disposition).to.equal('overturned: approved');
  });

  it('is made once, within the period, and from those states alone', async () => {
    expect(await codeOf(appealed(appeal('2026-08-12')))).to.equal('CONFLICT id');
    const before = new Map(story.ledger.private);
    const open: ClaimStatus[] = [];
    for (const status of CLAIM_STATUSES) {
      const state = story.status();
      for (const collection of [PAYER, PROVIDER])
        story.ledger.private.set(
          `${collection} ${privateKeys.claimState(ID, state.step)}`,
          canonicalJson({
            ...state,
            status,
            ...(status === 'remitted' ? { paid: { units: 1, currency: 'USD' } } : {}),
          }),
        );
      const code = await codeOf(appealed()).catch(() => undefined);
      if (code === undefined) open.push(status);
      else expect(code, status).to.equal('CONFLICT id');
      story.ledger.private.clear();
      for (const [name, text] of before) story.ledger.private.set(name, text);
    }
    expect(open).to.have.members([...CLAIM_STEPS['appeal-by-patient'].from]);
    const twice = [appeal(), appeal()];
    await appealed(twice[0]);
    expect(await codeOf(appealed(twice[1]))).to.equal('CONFLICT id');
  });

  it('is her custodian’s to send, of a claim of hers, against the decision that stands', async () => {
    const asked = appeal();
    for (const [change, code] of [
      [{ from: 'hospital' }, 'FORBIDDEN'],
      [{ from: 'payer' }, 'FORBIDDEN'],
      [{ from: 'regulator' }, 'FORBIDDEN'],
      [{ input: { id: SECOND, payer: 'payer' } }, 'INVALID state'],
      [{ input: { id: ID, payer: 'payer-two' } }, 'NOT_FOUND state'],
      [{ private: { ...asked.private, patient: other } }, 'FORBIDDEN patient'],
      [{ private: { ...asked.private, response: '{}' } }, 'INVALID response'],
      [{ private: { ...asked.private, claim: '{}' } }, 'INVALID claim'],
      [{ private: { ...asked.private, reason: '' } }, 'INVALID'],
    ] as const) {
      const before = story.snapshot();
      const came = await codeOf(appealed({ ...asked, ...change }));
      expect(came.startsWith(code), `${JSON.stringify(change).slice(0, 80)}: ${came}`).to.equal(true);
      expect(story.snapshot()).to.equal(before);
    }
  });
});
