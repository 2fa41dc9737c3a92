/** What a payer limits of a day it limits over all claims of one provider for one patient. On either network. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { START_TIMEOUT_MS } from './consortium.fixture.ts';
import { type Answer, Insured, line, reasonsOf } from './insured.fixture.ts';

const TEST = '97750';
const VISIT = '99213';
const INJECTION = '20610';
const AT_ONCE = 5;
const PER_DAY = 2;

describe('Limits of a day', function () {
  this.timeout(120_000);
  let insured: Insured;
  let coverage: string;

  async function tabled(tables: object): Promise<void> {
    const { payer, hospital } = insured;
    const path = '/claim-tables';
    await payer.write({ method: 'PUT', path, body: tables });
    const { generation } = await payer.ask<{ generation: number }>({ path });
    await hospital.find<{ generation: number }>({ path }, 'the tables', (shown) => shown.generation >= generation);
  }

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    insured = await Insured.of(`NONE-${randomUUID()}`);
    coverage = await insured.covered();
    await tabled({
      units: [{ code: TEST, perDay: PER_DAY }],
      pairs: [{ code: VISIT, with: INJECTION, modifiers: ['59'] }],
    });
  });
  after(() => tabled({}));

  const billed = (code: string, more: object = {}): Promise<Answer> => insured.billed(line(code, 50, more), coverage);
  const decided = async (code: string, more?: object): Promise<Answer> => insured.adjudicate(await billed(code, more));
  const reasonOf = ({ item }: Answer): string[] => reasonsOf(item[0]!);

  it('keep two services apart that are billed by two claims, but for a modifier', async () => {
    expect((await decided(VISIT)).disposition).to.equal('approved');
    expect(reasonOf(await decided(INJECTION))).to.deep.equal(['CO 236 procedure-pair']);
    const modifier = [{ coding: [{ code: '59' }] }];
    expect((await decided(INJECTION, { modifier })).disposition).to.equal('approved');
  });

  it('hold for a second Patient with a coverage of its own who is the same human', async () => {
    const again = await insured.again();
    const other = await again.covered();
    expect(other).to.not.equal(coverage);
    const second = await again.adjudicate(await again.billed(line(INJECTION, 50), other));
    expect(reasonOf(second)).to.deep.equal(['CO 236 procedure-pair']);
    // The table counts this one with nothing: it is paid, so that it was her claim that stood in the way.
    expect((await again.adjudicate(await again.billed(line('99000', 50), other))).disposition).to.equal('approved');
  });

  it(`are kept by ${AT_ONCE} claims that are decided at once`, async () => {
    const answers: Answer[] = [];
    for (let count = 0; count < AT_ONCE; count += 1) answers.push(await billed(TEST));
    const all = await Promise.all(answers.map((one) => insured.adjudicate(one)));
    expect(all.filter(({ disposition }) => disposition === 'approved')).to.have.length(PER_DAY);
    const denied = all.filter(({ disposition }) => disposition === 'denied');
    expect(denied.map(reasonOf)).to.deep.equal(Array(AT_ONCE - PER_DAY).fill(['CO 151 units-exceeded']));
  });
});
