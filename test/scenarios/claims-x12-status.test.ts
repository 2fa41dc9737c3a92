/** How claims stand, asked by X12 276 and answered by 277, at the provider and at the payer. On either network. */
import { type ExampleQuestion, example276 } from '@telemed-ledger/gateway-api/subjects/x12/questions.fixture.ts';
import { expectReadable } from '@telemed-ledger/gateway-api/subjects/x12/validator.fixture.ts';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { EDI, expectAnsweredAlone, X12Claims } from './x12-claims.fixture.ts';

describe('The status of claims by X12', function () {
  this.timeout(90_000);
  let x12: X12Claims;
  let member: string;

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    x12 = await X12Claims.open((await consortium()).parties);
    member = x12.story.visit.member.value;
  });

  async function asked(party: Party, questions: readonly ExampleQuestion[], npi?: string): Promise<string> {
    const body = example276(questions, 'payer', npi);
    const sending = {
      method: 'POST',
      path: '/x12/276',
      body,
      headers: { ...EDI, accept: 'application/EDI-X12' },
    } as const;
    const { status, body: answer } = await party.send({ ...sending, asBytes: true });
    expect(status, String(answer)).to.equal(200);
    return String(answer);
  }
  const statusesIn = (text: string): string[] => [...text.matchAll(/^STC\*([^*~]+)/gm)].map(([, code]) => code!);

  it('is answered by claim, by account, and by member and day, the same at provider and payer', async function () {
    const [paidFor, open] = [await x12.account(), await x12.account()];
    const lines = [{ code: '99213', charge: '80.00', day: x12.day, item: 'LINE-1' }];
    const claim = await x12.billed(x12.claimFor(paidFor, { lines }));
    const payment = await x12.paid(claim);
    const other = await x12.billed(x12.claimFor(open));
    const questions = [
      { trace: 'T-1', member, claim },
      { trace: 'T-2', member, account: open },
      { trace: 'T-3', member, charge: '80', day: x12.day },
      { trace: 'T-4', member, charge: '80.01', day: x12.day },
      { trace: 'T-5', member, claim: 'unknown' },
    ];
    const answer = await asked(x12.hospital, questions);
    expect(statusesIn(answer).slice(0, 3)).to.deep.equal(['F1:65', 'F1:65', 'P1:20']);
    expect(statusesIn(answer).slice(-2)).to.deep.equal(['A4:35', 'A4:35']);
    for (const segment of [`REF*1K*${claim}~`, `REF*EJ*${paidFor}~`, 'SVC*HC:99213*80*54****1~', 'REF*FJ*LINE-1~'])
      expect(answer).to.include(segment);
    expect(answer).to.match(
      new RegExp(`STC\\*F1:65\\*\\d{8}\\*\\*80\\*54\\*\\d{8}\\*\\*\\d{8}\\*X12-${payment.slice(0, 12)}~`),
    );
    const ofDay = answer.slice(answer.indexOf('TRN*2*T-3'), answer.indexOf('TRN*2*T-4'));
    expect(ofDay).to.include(`REF*1K*${claim}~`).and.include(`REF*1K*${other}~`);
    expect(answer).to.include('NM1*IL*1*EXAMPLE*MEMBER').and.not.include('19800203');
    const within = (text: string) => text.split('\n').filter((one) => !/^(ISA|GS|GE|IEA|BHT)\*/.test(one));
    const named = questions.filter(({ trace }) => !['T-3', 'T-4'].includes(trace));
    const atDesk = await asked(x12.desk, named);
    expect(within(atDesk)).to.deep.equal(within(await asked(x12.hospital, named)));
    // A payer knows no patients: it says that it has not looked.
    expect(statusesIn(await asked(x12.desk, [{ trace: 'T-3', member, day: x12.day }]))).to.deep.equal(['D0:0']);
    expectReadable(this, answer);
  });

  it('says nothing of whose member, provider or payer is another’s', async () => {
    const account = await x12.account();
    const claim = await x12.billed(x12.claimFor(account));
    const question = { trace: 'T-1', member, claim };
    expect(statusesIn(await asked(x12.desk, [question]))).to.deep.equal(['P1:20']);
    const clinic = x12.story.parties.of('clinic', 'system');
    const none = [
      asked(x12.hospital, [{ ...question, member: 'M-other' }]),
      asked(x12.desk, [{ trace: 'T-1', member: 'M-other', account }]),
      asked(clinic, [question]),
      asked(clinic, [{ trace: 'T-1', member, account }]),
      asked(clinic, [{ trace: 'T-1', member, day: x12.day }]),
    ];
    for (const answer of await Promise.all(none)) {
      expect(statusesIn(answer)).to.deep.equal(['A4:35']);
      expect(answer).to.not.match(/\*80[*~]/);
    }
  });

  it('names what of a question was not read, refuses what is none, and answers nobody else', async () => {
    const body = example276([{ trace: 'T-1', member, account: 'none' }], 'payer');
    const ask = (party: Party, text = body) =>
      party.send({ method: 'POST', path: '/x12/276', body: text, headers: { ...EDI, accept: 'application/json' } });
    const { body: answer } = await ask(x12.hospital);
    expect((answer as { notMapped: object }).notMapped).to.deep.equal({ 'DMG*D8 02': 1, 'DMG*D8 03': 1 });
    for (const wrong of [
      body.replaceAll('005010X212', '005010X214'),
      body.replace('HL*4*3*22', 'HL*4*9*22'),
      body.replace('HL*4*3*22', 'HL*4*3*24'),
      body.replace(`*MI*${member}`, ''),
      body.slice(0, -40),
    ])
      expect((await ask(x12.hospital, wrong)).status).to.equal(422);
    const entitled = ['hospital system', 'clinic system', 'payer system', 'payer adjudicator'];
    await expectAnsweredAlone(x12.story.parties, entitled, (party) => ask(party));
  });
});
