/** What claims hold by lists: found by those alone that bill the same, freed line by line, and by nobody else. */
import { expect } from 'chai';
import { type Changeable, exampleIds } from '../model/example-claim.fixture.ts';
import { codeOf, PAYER, Story, wideConsortium } from './example-story.fixture.ts';

const { claim: FIRST, otherClaim: SECOND, other: THIRD } = exampleIds;

describe('Services that claims hold by lists', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
  });

  /** The claim of the example again, under another id: how it stands, and its lines that are billed elsewhere already. */
  async function again(id: string): Promise<[string, number[]]> {
    story.example.claim['id'] = id;
    await story.submitClaim();
    const { edits } = story.ledger.read(PAYER, `claim/${id}`) as { edits: Changeable[] };
    const denials = edits.filter(({ edit, outcome }) => edit === 'duplicate' && outcome === 'deny');
    return [story.status(id).status, denials.map(({ facts }) => facts.item)];
  }

  const countOf = (writes: { private: Record<string, string> }, kind: string): number =>
    Object.keys(writes.private).filter((name) => name.includes(` ${kind}/`)).length;

  it('are shown by whoever bills in the same days: nobody can leave them out, or show others', async () => {
    await story.submitClaim();
    const [, text] = [...story.ledger.private].find(([name]) => name.startsWith(`${PAYER} service-list/`))!;
    story.example.claim['id'] = SECOND;
    const submission = story.submission();
    const list = JSON.parse(text);
    for (const services of [
      [],
      [text.replace(list.services[0].hash, '0'.repeat(32))],
      [JSON.stringify({ ...list, services: [] })],
    ]) {
      const { ledger } = new Story(wideConsortium, story);
      const shown = { ...submission, private: { ...submission.private, services } } as never;
      // What is missing is shown in a second try, and what was made up is not taken for it.
      await ledger.submit('SubmitClaim', shown);
      expect(story.status(SECOND)).to.include({ status: 'denied', reason: 'duplicate' });
      for (const name of [...ledger.private.keys()]) if (name.includes(SECOND)) ledger.private.delete(name);
    }
    for (const name of [...story.ledger.private.keys()])
      if (name.includes(' service-list/')) story.ledger.private.delete(name);
    expect(await codeOf(story.ledger.submit('SubmitClaim', submission))).to.equal('CONFLICT services');
  });

  it('are told by the claim: a client that uses a salt again holds nothing of the other’s', async () => {
    expect(await again(FIRST)).to.deep.equal(['submitted', []]);
    expect(await again(SECOND)).to.deep.equal(['denied', [1, 2]]);
  });

  it('are few values, however many lines a stay has', async () => {
    const { writes } = await story.submitClaim();
    const few = Object.keys(writes.private).length;
    const long = new Story(wideConsortium);
    const { claim, encounter } = long.example;
    Object.assign(encounter, { class: { code: 'IMP' }, period: { start: '2026-01-02', end: '2026-02-09' } });
    delete claim['total'];
    claim['item'] = Array.from({ length: 300 }, (_, index) => ({
      ...{ sequence: index + 1, encounter: [{ reference: `Encounter/${encounter.id}` }] },
      ...{ productOrService: { coding: [{ code: `S${index % 10}` }] }, servicedDate: dayOf(Math.floor(index / 10)) },
      net: { value: 1, currency: 'USD' },
    }));
    await long.prepare();
    const { writes: many } = await long.submitClaim();
    expect(long.status().status).to.equal('submitted');
    expect(Object.keys(many.private).length).to.be.lessThan(2 * few);
    expect(countOf({ private: many.private }, 'service-list')).to.equal(2);
  });

  it('are freed with the line that is denied, and held by the others', async () => {
    await story.ledger.submit('LoadFeeSchedule', story.feeSchedule({ '185317003': 12_000 }, 'USD', 'not-covered'));
    await story.submitClaim();
    const { writes } = await story.adjudicate();
    expect(story.status().status).to.equal('partial');
    expect(countOf(writes, 'service-freed')).to.be.greaterThan(0);
    expect(countOf(writes, 'service-list')).to.equal(0);
    expect(await again(SECOND)).to.deep.equal(['denied', [1, 2]]);
    // The record is billed by the line that stands.
    story.example.claim['item'].pop();
    delete story.example.claim['total'];
    expect(await again(THIRD)).to.deep.equal(['denied', [1]]);
  });

  it('are freed by one value where nothing of the claim stands', async () => {
    await story.submitClaim();
    const denial = { outcome: 'deny', reason: 'no' } as const;
    const { writes } = await story.ledger.submit('AdjudicateClaim', story.decision('Practitioner/a', denial));
    expect(countOf(writes, 'service-freed')).to.equal(2);
    expect(await again(SECOND)).to.deep.equal(['submitted', []]);
    expect(await again(THIRD)).to.deep.equal(['denied', [1, 2]]);
  });

  it('are held anew where an appeal is upheld, unless another holds them by then', async () => {
    await story.submitClaim();
    const decide = (outcome: 'deny' | 'approve', by: string) =>
      story.ledger.submit('AdjudicateClaim', story.decision(`Practitioner/${by}`, { outcome, reason: 'so' } as never));
    await decide('deny', 'a');
    await story.ledger.submit('ReopenClaim', story.reopening('appeal'));
    await decide('approve', 'b');
    expect(story.status().status).to.equal('approved');
    expect(await again(SECOND)).to.deep.equal(['denied', [1, 2]]);
    story.example.claim['id'] = FIRST;
    await story.ledger.submit('WithdrawClaim', story.withdrawal('void'));
    expect(await again(THIRD)).to.deep.equal(['submitted', []]);
  });

  it('are not written again by a decision that leaves them as they are', async () => {
    await story.submitClaim();
    const pend = { outcome: 'pend', reason: 'missing' } as const;
    await story.ledger.submit('AdjudicateClaim', story.decision('Practitioner/a', pend));
    const { writes } = await story.ledger.submit(
      'AdjudicateClaim',
      story.decision('Practitioner/b', { outcome: 'approve', reason: 'so' } as never),
    );
    for (const kind of ['service-list', 'service-freed', 'service-bucket']) expect(countOf(writes, kind)).to.equal(0);
    expect(await again(SECOND)).to.deep.equal(['denied', [1, 2]]);
  });
});

const dayOf = (index: number): string =>
  new Date(Date.parse('2026-01-02') + index * 86_400_000).toISOString().slice(0, 10);
