import { expect } from 'chai';
import { exampleIds } from '../model/example-claim.fixture.ts';
import { type VisitWord, visitHandle } from '../model/visits.ts';
import { codeOf, PAYER, Story, wideConsortium } from './example-story.fixture.ts';

const handle = visitHandle('hospital', exampleIds.encounter);

describe('what a patient says of a visit', () => {
  let story: Story;
  beforeEach(async () => {
    story = new Story(wideConsortium);
    story.isConfirmed = false;
    await story.prepare();
  });

  const say = (word: VisitWord) => story.ledger.submit('SayOfVisit', story.saying(word));
  const raised = (): string[] => {
    const { edits } = story.ledger.read(PAYER, `response/${exampleIds.claim}`) as {
      edits: { edit: string; outcome: string }[];
    };
    return [...new Set(edits.filter(({ outcome }) => outcome === 'signal').map(({ edit }) => edit))];
  };

  it('is a mark that names neither visit nor patient, written once', async () => {
    const { writes } = await say('confirmed');
    expect(Object.keys(writes.private)).to.deep.equal([`marks visit/${handle}/confirmed`]);
    expect(writes.event).to.deep.equal({ name: 'VisitSaid', payload: '{}' });
    expect(JSON.stringify(writes)).to.not.include(exampleIds.encounter);
    expect(JSON.stringify(writes)).to.not.include(exampleIds.patient);
    expect(await codeOf(say('confirmed'))).to.equal('CONFLICT private.word');
  });

  it('needs her custodian and any other, whether the provider wants it or not', async () => {
    await story.ledger.submit('SayOfVisit', { ...story.saying('disputed'), endorsers: ['patients', 'regulator'] });
    const forged = { ...story.saying('confirmed'), from: 'hospital' };
    expect(await codeOf(story.ledger.submit('SayOfVisit', forged))).to.equal('FORBIDDEN undefined');
    const nowhere = { ...story.saying('confirmed'), input: { provider: 'bank' } };
    expect(await codeOf(story.ledger.submit('SayOfVisit', nowhere))).to.equal('INVALID provider');
  });

  it('is a signal where she says nothing, which alone holds up no claim', async () => {
    await story.submitClaim();
    await story.adjudicate();
    expect(raised()).to.deep.equal(['visit-unconfirmed']);
    expect(story.status()).to.include({ status: 'approved' });
  });

  it('is no signal once she has confirmed it', async () => {
    await say('confirmed');
    await story.submitClaim();
    await story.adjudicate();
    expect(raised()).to.deep.equal([]);
  });

  it('has a claim wait that she disputes, also after it was submitted', async () => {
    await story.submitClaim();
    await say('disputed');
    await story.adjudicate();
    expect(raised()).to.deep.equal(['visit-disputed']);
    expect(story.status()).to.include({ status: 'pended' });
  });
});
