import { expect } from 'chai';
import type { ClaimTables } from '../model/claim-tables.ts';
import type { Changeable } from '../model/example-claim.fixture.ts';
import { privateKeys } from '../model/keys.ts';
import { codeOf, exampleUuid, PAYER, Story, wideConsortium } from './example-story.fixture.ts';

const CPT = 'http://www.ama-assn.org/go/cpt';
const FIRST = exampleUuid(2_001);
const SECOND = exampleUuid(2_002);

describe('claims of one patient, provider and day', () => {
  let story: Story;
  beforeEach(async () => {
    story = await new Story(wideConsortium).prepare();
    delete story.example.coverage['costToBeneficiary'];
    await story.ledger.submit('RegisterCoverage', story.coverage(2));
  });

  const tables = (loaded: Pick<ClaimTables, 'units' | 'pairs'>): Promise<unknown> =>
    story.ledger.submit('LoadClaimTables', story.loading({ tables: loaded }));
  /** Submits a claim for a visit of its own, at that hour. */
  async function billed(hour: number, code: string, quantity = 1, codes: readonly string[] = []): Promise<string> {
    const modifier = codes.map((one) => ({ coding: [{ code: one }] }));
    const line = { productOrService: { coding: [{ system: CPT, code }] }, net: { value: 50, currency: 'USD' } };
    const id = await story.another(hour, {
      ...line,
      quantity: { value: quantity },
      ...(codes.length > 0 && { modifier }),
    });
    await story.ledger.submit('SubmitClaim', { ...story.submission(), time: `2026-02-11T1${hour}:00:00.000Z` });
    return id;
  }
  const shown = (id: string) => {
    const { claim, state, response } = story.standing(id);
    return { claim, state, ...(response === '' ? {} : { response }) };
  };
  const deciding = (id: string, others: readonly string[], change: object = {}) => {
    const request = story.adjudication(id);
    return { ...request, private: { ...request.private, beside: others.map(shown), ...change } };
  };
  async function decide(id: string, others: readonly string[] = []): Promise<string> {
    await story.ledger.submit('AdjudicateClaim', deciding(id, others));
    const { status, reason } = story.status(id);
    return reason === undefined ? status : `${status}: ${reason}`;
  }
  const refused = (id: string, others: readonly string[], change?: object): Promise<string> =>
    codeOf(story.ledger.submit('AdjudicateClaim', deciding(id, others, change)));

  it('use up the units of a day together, and say which claim used them', async () => {
    await tables({ units: [{ code: '97110', perDay: 3 }] });
    await billed(1, '97110', 2);
    expect(await decide(FIRST)).to.equal('approved');
    await billed(2, '97110', 2);
    expect(await decide(SECOND, [FIRST])).to.equal('denied: units-exceeded');
    const { edits } = story.ledger.read(PAYER, privateKeys.response(SECOND)) as Changeable;
    const [finding] = edits.filter(({ edit, outcome }: Changeable) => edit === 'units-exceeded' && outcome === 'deny');
    expect(finding.facts).to.include({ day: '2026-02-10', units: 4, perDay: 3, beside: 1 });
  });

  it('go on with what is left of a day, and with another code, side or kind of claim', async () => {
    await tables({
      units: [
        { code: '97110', perDay: 3 },
        { code: '20610', perDay: 1 },
      ],
    });
    await billed(1, '97110', 2);
    await decide(FIRST);
    await billed(2, '97110', 1);
    expect(await decide(SECOND, [FIRST])).to.equal('approved');
    await billed(3, '20610', 1, ['RT']);
    expect(await decide(exampleUuid(2_003), [FIRST, SECOND])).to.equal('approved');
    await billed(4, '20610', 1, ['LT']);
    expect(await decide(exampleUuid(2_004), [FIRST, SECOND, exampleUuid(2_003)])).to.equal('approved');
  });

  it('keep pairs apart, whichever of the two came first, but for a modifier', async () => {
    await tables({ pairs: [{ code: '99213', with: '20610', modifiers: ['59'] }] });
    await billed(1, '99213');
    await decide(FIRST);
    await billed(2, '20610');
    expect(await decide(SECOND, [FIRST])).to.equal('denied: procedure-pair');
    await billed(3, '20610', 1, ['59']);
    expect(await decide(exampleUuid(2_003), [FIRST])).to.equal('approved');
    await billed(4, '99213');
    expect(await decide(exampleUuid(2_004), [exampleUuid(2_003)])).to.equal('approved');
  });

  it('keep a pair apart where the second service came first', async () => {
    await tables({ pairs: [{ code: '99213', with: '20610' }] });
    await billed(1, '20610');
    await decide(FIRST);
    await billed(2, '99213');
    expect(await decide(SECOND, [FIRST])).to.equal('denied: procedure-pair');
  });

  it('count a claim that came before and is undecided, and none that came after', async () => {
    await tables({ units: [{ code: '97110', perDay: 1 }] });
    await billed(1, '97110');
    await billed(2, '97110');
    expect(await refused(FIRST, [SECOND])).to.equal('INVALID beside[0]');
    expect(await decide(SECOND, [FIRST])).to.equal('denied: units-exceeded');
    expect(await decide(FIRST)).to.equal('approved');
  });

  it('count one that is decided, though it came after', async () => {
    await tables({ units: [{ code: '97110', perDay: 1 }] });
    await billed(1, '97110');
    await billed(2, '97110');
    expect(await decide(SECOND)).to.equal('approved');
    expect(await decide(FIRST, [SECOND])).to.equal('denied: units-exceeded');
  });

  it('count no claim that was denied, voided or replaced, and none as it stood before', async () => {
    await tables({ units: [{ code: '97110', perDay: 1 }] });
    await billed(1, '97110');
    await decide(FIRST);
    await billed(2, '97110');
    const before = shown(FIRST);
    await story.ledger.submit('WithdrawClaim', story.withdrawal('void', FIRST));
    expect(await refused(SECOND, [FIRST])).to.equal('INVALID beside[0]');
    expect(await refused(SECOND, [], { beside: [before] })).to.equal('CONFLICT beside[0]');
    expect(await decide(SECOND)).to.equal('approved');
    await billed(3, '97110');
    const third = exampleUuid(2_003);
    expect(await decide(third, [SECOND])).to.equal('denied: units-exceeded');
    await billed(4, '97110');
    expect(await refused(exampleUuid(2_004), [SECOND, third])).to.equal('INVALID beside[1]');
  });

  it('cannot be counted twice, nor by another text', async () => {
    await tables({ units: [{ code: '97110', perDay: 2 }] });
    await billed(1, '97110');
    await decide(FIRST);
    await billed(2, '97110');
    expect(await refused(SECOND, [FIRST, FIRST])).to.equal('INVALID beside');
    const other = { ...shown(FIRST), claim: `${shown(FIRST).claim} ` };
    expect(await refused(SECOND, [], { beside: [other] })).to.equal('INVALID beside[0]');
    const { response: _, ...undecided } = shown(FIRST);
    expect(await refused(SECOND, [], { beside: [undecided] })).to.equal('INVALID beside[0]');
    expect(await refused(SECOND, [SECOND])).to.equal('INVALID beside[0]');
    expect(await decide(SECOND, [FIRST])).to.equal('approved');
  });
});
