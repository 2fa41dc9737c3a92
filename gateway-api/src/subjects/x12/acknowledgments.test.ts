/** What is answered to interchanges: that they were taken, or where they are at fault, and nothing of what stands there. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { acknowledgmentOf } from './acknowledgments.ts';
import { answer277Ca } from './answers-277ca.ts';
import { read837 } from './claims-837.ts';
import { example278 } from './questions.fixture.ts';
import { read278 } from './requests-278.ts';
import { readX12 } from './segments.ts';
import { expectValidX12 } from './validator.fixture.ts';
import { writeX12 } from './writing.ts';
import { example837 } from './x12.fixture.ts';

const lines = [{ code: '99213', charge: '80.50', day: '20260102' }];
const text = example837([{ controlNumber: 'SECRET-1', member: 'SECRET-2', npi: '1234567893', lines }], 'payer');

type Reading = (sets: ReturnType<typeof readX12>) => unknown;

function answerTo(file: string, read: Reading = read837): string {
  let fault: LedgerError | undefined;
  try {
    read(readX12(file));
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    fault = error;
  }
  return acknowledgmentOf(file, { fault, now: '2026-01-06T10:00:00Z', control: 7 }) ?? 'none';
}
/** From the one behind GS on, without SE. */
const saidIn = (answer: string): string[] => answer.split('\n').filter((one) => /^(TA1|AK|IK)/.test(one));

const GROUP = 'AK1*HC*1*005010X222A1~';
const SET = 'AK2*837*0001*005010X222A1~';
const refused = (...segments: string[]): string[] => [GROUP, SET, ...segments, 'AK9*R*1*1*0~'];

describe('The acknowledgment of claims', () => {
  const file = example837(
    ['A', 'B', 'C'].map((controlNumber) => ({ controlNumber, member: `M-${controlNumber}`, npi: '1234567893', lines })),
    'payer',
  );
  const answer = (taken: readonly boolean[]): string => {
    const received = read837(readX12(`${file}`)).claims.map((read, at) => ({
      ...{ read, claim: taken[at] === true ? `00000000-0000-4000-8000-00000000000${at}` : undefined, isOpen: at === 2 },
    }));
    const set = answer277Ca(received, { now: '2026-01-06T10:00:00Z', number: '7' });
    return writeX12([set], {
      ...{ sender: '444555666', receiver: '111222333', at: '2026-01-06T10:00:00Z', control: 7 },
      ...{ group: 'HN', type: '277', version: '005010X214' },
    });
  };
  const said = (text: string): string[] => text.split('\n').filter((one) => /^(STC|QTY|AMT|REF)/.test(one));

  it('says of each whether it was taken, sums that, and is valid', function () {
    this.timeout(60_000);
    expect(said(answer([true, false, false]))).to.deep.equal([
      ...['STC*A1:19:PR*20260106*WQ*241.5~', 'QTY*90*1~', 'QTY*AA*2~', 'AMT*YU*80.5~', 'AMT*YY*161~'],
      ...['STC*A1:19:PR**WQ*241.5~', 'QTY*QA*1~', 'QTY*QC*2~', 'AMT*YU*80.5~', 'AMT*YY*161~'],
      ...['STC*A2:20*20260106*WQ*80.5~', 'REF*1K*00000000-0000-4000-8000-000000000000~'],
      ...['STC*A7:21*20260106*U*80.5~', 'STC*A3:0*20260106*U*80.5~'],
    ]);
    for (const taken of [
      [true, false, false],
      [true, true, true],
      [false, false, false],
    ])
      expectValidX12(this, answer(taken));
  });

  it('is of several payers in levels of their own', function () {
    this.timeout(60_000);
    const second = answer([true, true, true]).match(/HL\*\d+\*\*20\*1/g);
    expect(second).to.have.length(1);
    const two = file.replace(
      /NM1\*PR\*2\*EXAMPLE PAYER\*\*\*\*\*PI\*payer~(?![\s\S]*NM1\*PR)/,
      'NM1*PR*2*OTHER PAYER*****PI*other~',
    );
    const received = read837(readX12(two)).claims.map((read) => ({ read, claim: 'x', isOpen: false }));
    const set = answer277Ca(received, { now: '2026-01-06T10:00:00Z', number: '7' });
    expect(set.filter(([id, , , code]) => id === 'HL' && code === '20')).to.have.length(2);
  });
});

describe('The acknowledgment of an interchange', () => {
  it('takes what was read, to whom it came from, and is valid', function () {
    this.timeout(60_000);
    const answer = answerTo(text);
    expect(saidIn(answer)).to.deep.equal([GROUP, SET, 'IK5*A~', 'AK9*A*1*1*1~']);
    expect(answer).to.include('*ZZ*444555666      *ZZ*111222333      *').and.include('GS*FA*444555666*111222333*');
    expect(saidIn(answerTo(`${text}${text}`))).to.have.length(8);
    expectValidX12(this, answer);
  });

  for (const [name, file, said] of [
    ['an amount', text.replace('80.50*UN', '80,50*UN'), refused('IK3*SV1*22**8~', 'IK4*2**6~', 'IK5*R*5~')],
    ['a day', text.replace('D8*20260102', 'D8*2026-01-02'), refused('IK3*DTP*23**8~', 'IK4*3**8~', 'IK5*R*5~')],
    ['a level', text.replace('HL*2*1*22*0', 'HL*2*1*99*0'), refused('IK3*HL*11**8~', 'IK4*3**7~', 'IK5*R*5~')],
    ['no account', text.replace('CLM*SECRET-1', 'CLM*'), refused('IK3*CLM*18**8~', 'IK4*1**1~', 'IK5*R*5~')],
    ['a segment that is gone', text.replace('LX*1~\n', ''), refused('IK5*R*4~')],
    [
      'another number of its set',
      text.replace('ST*837*0001', 'ST*837*0002'),
      [GROUP, SET.replace('0001', '0002'), 'IK5*R*3~', 'AK9*R*1*1*0~'],
    ],
    ['another number of its group', text.replace('GE*1*1', 'GE*1*2'), [GROUP, SET, 'IK5*R~', 'AK9*R*1*1*0*4~']],
    ['another count of its group', text.replace('GE*1*1', 'GE*2*1'), [GROUP, SET, 'IK5*R~', 'AK9*R*2*1*0*5~']],
    [
      'another number of itself',
      text.replace('IEA*1*000000001', 'IEA*1*000000002'),
      ['TA1*000000001*260105*1023*R*001~'],
    ],
    ['another count of itself', text.replace('IEA*1*', 'IEA*2*'), ['TA1*000000001*260105*1023*R*021~']],
    ['no end', text.slice(0, -60), ['TA1*000000001*260105*1023*R*023~']],
  ] as const)
    it(`names ${name}, and nothing that stands there`, function () {
      this.timeout(60_000);
      const answer = answerTo(file);
      expect(saidIn(answer)).to.deep.equal(said);
      expect(answer).to.not.match(/SECRET|80|2026-/);
      expectValidX12(this, answer);
    });

  it('says that a guide, or a kind of set, is not read here: dental claims, notices', function () {
    this.timeout(60_000);
    const dental = answerTo(text.replaceAll('005010X222A1', '005010X224A2'));
    expect(saidIn(dental)).to.deep.equal([
      ...['AK1*HC*1*005010X224A2~', 'AK2*837*0001*005010X224A2~', 'IK5*R*I6~', 'AK9*R*1*1*0~'],
    ]);
    expect(saidIn(answerTo(text.replace('ST*837*', 'ST*278*')))).to.include('IK5*R*1~');
    const request = example278([{ trace: 'T', member: 'SECRET-2', services: [{ kind: '42' }] }], 'payer');
    for (const [file, code] of [
      [request.replaceAll('005010X217', '005010X216'), 'I6'],
      [request.replaceAll('ST*278*', 'ST*275*'), '1'],
    ] as const) {
      const refusing = answerTo(file, (sets) => sets.map((set) => read278(set, new Map())));
      expect(saidIn(refusing)).to.include(`IK5*R*${code}~`);
      expect(refusing).to.not.include('SECRET');
    }
    expectValidX12(this, dental);
  });

  it('is none of what is no interchange', () => {
    for (const file of ['', '{}', 'ISA*00']) expect(answerTo(file)).to.equal('none');
  });
});
