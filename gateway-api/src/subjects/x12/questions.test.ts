/** What 270 and 276 ask: levels within each other, few enough to be looked for, and read in a time that grows with the file alone. */
import { expect } from 'chai';
import { answer271 } from './answers-271.ts';
import { type Answered278, answer278 } from './answers-278.ts';
import { CLAIM_STATUS_CODES } from './claim-statuses.ts';
import { example270, example276, example278 } from './questions.fixture.ts';
import { read270 } from './questions-270.ts';
import { read276 } from './questions-276.ts';
import { read278 } from './requests-278.ts';
import { readX12 } from './segments.ts';

const asked270 = (text: string) => read270(readX12(text)[0]!, new Map());
const asked276 = (text: string, notMapped = new Map<string, number>()) => read276(readX12(text)[0]!, notMapped);
const many = (count: number) => Array.from({ length: count }, (_, at) => ({ trace: `T-${at}`, member: `M-${at}` }));

describe('Questions by X12', () => {
  it('are read by their levels, with whom and what they name', () => {
    const asked = asked276(
      example276([{ trace: 'T-1', member: 'M-1', account: 'A-1', charge: '80.50', day: '20260102' }], 'payer'),
    );
    const [question] = asked.questions.get('4') ?? [];
    expect(question).to.deep.include({
      trace: 'T-1',
      member: 'M-1',
      payer: 'payer',
      provider: '1234567893',
      account: 'A-1',
    });
    expect(question?.served).to.deep.equal({ first: '2026-01-02', last: '2026-01-02' });
    const [eligible] = [...asked270(example270([{ member: 'M-1', day: '20260102' }], 'payer')).questions.values()];
    expect(eligible).to.deep.include({ member: 'M-1', payer: 'payer', traces: [['1', 'TRACE-3', '9EXAMPLE01']] });
  });

  it('are refused with a level in none, in itself, or below one that it cannot be below', () => {
    const text = example276(many(2), 'payer');
    for (const wrong of ['HL*5*9*22*0', 'HL*5*5*22*0', 'HL*5*4*22*0', 'HL*5*4*19*0', 'HL*4*3*22*0'])
      expect(() => asked276(text.replace('HL*5*3*22*0', wrong)), wrong).to.throw('INVALID at <segment');
    expect(() => asked270(example270(many(2), 'payer').replace('HL*4*2*22', 'HL*4*3*22'))).to.throw('INVALID');
  });

  it('are a thousand at most, and take no longer for more than that', function () {
    this.timeout(10_000);
    expect(asked276(example276(many(1_000), 'payer')).questions.size).to.equal(1_003);
    expect(() => asked276(example276(many(1_001), 'payer'))).to.throw('asks more than');
    expect(() => asked270(example270(many(1_001), 'payer'))).to.throw('asks more than');
    expect(() => asked276(example276(many(30_000), 'payer'))).to.throw('asks more than');
  });

  it('have lines that are counted, and not read', () => {
    const text = example276([{ trace: 'T-1', member: 'M-1', charge: '80' }], 'payer');
    const lines = text
      .replace('AMT*T3*80~', 'AMT*T3*80~\nSVC*HC:99213*80*****1~\nREF*EJ*OTHER~')
      .replace(/SE\*(\d+)/, (_, count) => `SE*${Number(count) + 2}`);
    const notMapped = new Map<string, number>();
    expect([...asked276(lines, notMapped).questions.values()].flat()[0]?.account).to.equal(undefined);
    expect(Object.fromEntries(notMapped)).to.include({ 'SVC 01': 1, 'REF*EJ 02': 1 });
  });

  it('are answered for every state that a claim can stand in', () => {
    for (const [status, codes] of Object.entries(CLAIM_STATUS_CODES)) {
      expect(codes[0], status).to.match(/^[PF]\d$/);
      expect(codes[1], status).to.match(/^\d{1,3}$/);
    }
  });

  it('are answered without amounts of a currency that X12 cannot name, which is said', () => {
    const asked = asked270(example270([{ member: 'M-1' }], 'payer'));
    const benefit = [{ type: { coding: [{ code: 'deductible' }] }, allowedMoney: { value: 100, currency: 'EUR' } }];
    const item = [{ category: { coding: [{ code: '30' }] }, benefit }];
    const told = [{ coverage: { resourceType: 'Coverage', id: 'c' }, insurance: { inforce: true, item } }];
    const found = new Map([...asked.questions.values()].map((question) => [question, told]));
    const notMapped = new Map<string, number>();
    const answer = answer271(asked, found, '2026-01-05T10:00:00Z', notMapped);
    expect(answer.filter(([id]) => id === 'EB')).to.deep.equal([['EB', '1', 'IND', '30', '', '']]);
    expect([...notMapped.keys()]).to.deep.equal(['CoverageEligibilityResponse.insurance.item.benefit.allowedMoney 01']);
  });
});

const REASONS = 'https://codesystem.x12.org/external/886';

describe('Requests for authorization by X12', () => {
  const text = example278(
    [
      {
        ...{ trace: 'E-1', member: 'M-1', isUrgent: true },
        services: [{ code: '99213', units: '3', day: '20260110', trace: 'L-1' }, { kind: '42' }],
      },
      { trace: 'E-2', member: 'M-2', services: [] },
    ],
    'payer',
  );
  const read = (file: string, notMapped = new Map<string, number>()) => read278(readX12(file)[0]!, notMapped);

  it('are read by event and service; what has no service of its own is asked for as a kind', () => {
    const notMapped = new Map<string, number>();
    const [first, second] = read(text, notMapped).requests;
    expect(first).to.deep.include({
      trace: 'E-1',
      member: 'M-1',
      payer: 'payer',
      isUrgent: true,
      created: '2026-01-05',
    });
    expect(first!.diagnoses).to.deep.equal(['M545']);
    expect(first!.services.map(({ code, kind, place, trace }) => ({ code, kind, place, trace }))).to.deep.equal([
      { code: '99213', kind: '1', place: '11', trace: 'L-1' },
      { code: undefined, kind: '42', place: '11', trace: undefined },
    ]);
    expect(first!.services[0]!.served).to.deep.equal({ first: '2026-01-10', last: '2026-01-10' });
    expect(second!.services.map(({ code, kind }) => [code, kind])).to.deep.equal([[undefined, '1']]);
    expect(Object.fromEntries(notMapped)).to.deep.equal({ 'TRN 03': 3, 'DMG*D8 02': 2, 'DMG*D8 03': 2 });
  });

  it('are refused where they appeal, or lack what is asked for', () => {
    const wrong: [string, string][] = [
      ['UM*HS*I*1*11:B**U', 'UM*HS*1*1*11:B**U'],
      ['TRN*1*E-1*9EXAMPLE01~\n', ''],
      ['BHT*0007*13', 'BHT*0007*36'],
      ['SV1*HC:99213', 'SV1*ND:99213'],
    ];
    for (const [from, to] of wrong) {
      const short = to === '' ? text.replace(/SE\*(\d+)/, (_, count) => `SE*${Number(count) - 1}`) : text;
      expect(() => read(short.replace(from, to)), to).to.throw('INVALID at <segment');
    }
    expect(() => read(text.replaceAll('005010X217', '005010X216'))).to.throw('only 278 of');
  });

  it('are answered on the levels that were asked, each line by its action, or by why it was not asked', () => {
    const asked = read(text);
    const action = (code: string, number?: string, reason?: object) => ({
      adjudication: [
        {
          extension: [
            {
              url: 'x/extension-reviewAction',
              extension: [
                { url: 'x/extension-reviewActionCode', valueCodeableConcept: { coding: [{ code }] } },
                ...(number === undefined ? [] : [{ url: 'number', valueString: number }]),
                ...(reason === undefined ? [] : [{ url: 'reasonCode', valueCodeableConcept: reason }]),
              ],
            },
          ],
        },
      ],
    });
    const response = {
      ...{ resourceType: 'ClaimResponse', id: 'x', outcome: 'partial', preAuthRef: 'PA-1' },
      ...{ request: { reference: 'Claim/c-1' }, preAuthPeriod: { start: '2026-01-10', end: '2026-02-10' } },
      item: [
        { itemSequence: 1, ...action('A1', 'PA-1') },
        {
          itemSequence: 2,
          ...action('A3', undefined, { coding: [{ system: REASONS, code: '83' }], text: 'not before : that' }),
        },
      ],
    };
    const [first, second] = asked.requests;
    const answers = new Map<typeof first, Answered278>([
      [first, { response }],
      [second, { fault: { code: '75', at: '22' } }],
    ]);
    const said = answer278(asked, answers as Map<NonNullable<typeof first>, Answered278>, '2026-01-06T10:00:00Z');
    const kept = said.filter(
      (one) => ['BHT', 'HL', 'AAA', 'HCR', 'TRN', 'REF', 'MSG'].includes(one[0]) || one[1] === '007',
    );
    expect(kept.map((one) => one.join('*'))).to.deep.equal([
      ...['BHT*0007*11*A-1*20260106*1000*18', 'HL*1**20*1', 'HL*2*1*21*1', 'HL*3*2*22*1', 'HL*4*3*EV*1'],
      ...[
        'TRN*2*E-1*9EXAMPLE01',
        'HCR*A6*PA-1',
        'REF*NT*c-1',
        'DTP*007*RD8*20260110-20260210',
        'HL*5*4*SS*0',
        'TRN*2*L-1*9EXAMPLE01',
        'HCR*A1*PA-1',
        'HL*6*4*SS*0',
      ],
      ...['HCR*A3**83', 'MSG*not before  that', 'HL*7*2*22*1', 'AAA*N**75*C', 'HL*8*7*EV*0', 'TRN*2*E-2*9EXAMPLE01'],
    ]);
    expect(said).to.deep.include(['UM', 'HS', 'I', '1', ['11', 'B'], '', 'U']);
    expect(said).to.deep.include(['SV1', ['HC', '99213'], '', 'UN', '3']);
  });
});
