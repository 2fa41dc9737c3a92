/** Questions as a provider's systems ask them by X12, of claims that tests make up. */
import { type Written, writeX12 } from './writing.ts';

const envelope = { sender: 'BILLING', receiver: 'PAYER', at: '2026-01-05T10:23:00Z', control: 1 };

const payerLevel = (entity: 'PR' | 'X3', payer: string): Written[] => [
  ['HL', '1', '', '20', '1'],
  ['NM1', entity, '2', 'EXAMPLE PAYER', '', '', '', '', 'PI', payer],
];
const hospitalLevel: readonly Written[] = [
  ['HL', '2', '1', '21', '1'],
  ['NM1', '1P', '2', 'EXAMPLE HOSPITAL', '', '', '', '', 'XX', '1234567893'],
];

export interface ExampleQuestion {
  trace: string;
  member: string;
  claim?: string;
  account?: string;
  charge?: string;
  /** YYYYMMDD */
  day?: string;
}

/** Each below a subscriber of its own. @param payer NM1*PR 09 @param npi NM1*1P 09 */
export function example276(questions: readonly ExampleQuestion[], payer: string, npi = '1234567893'): string {
  const set: Written[] = [
    ['BHT', '0010', '13', 'Q-1', '20260105', '1023'],
    ...payerLevel('PR', payer),
    ...([
      ['HL', '2', '1', '21', '1'],
      ['NM1', '41', '2', 'EXAMPLE BILLING', '', '', '', '', '46', '111222333'],
    ] as const),
    ...([
      ['HL', '3', '2', '19', '1'],
      ['NM1', '1P', '2', 'EXAMPLE HOSPITAL', '', '', '', '', 'XX', npi],
    ] as const),
    ...questions.flatMap(({ trace, member, claim, account, charge, day }, at): Written[] => [
      ['HL', String(at + 4), '3', '22', '0'],
      ['DMG', 'D8', '19800203', 'F'],
      ['NM1', 'IL', '1', 'EXAMPLE', 'MEMBER', '', '', '', 'MI', member],
      ['TRN', '1', trace],
      ...(claim === undefined ? [] : [['REF', '1K', claim] as const]),
      ...(account === undefined ? [] : [['REF', 'EJ', account] as const]),
      ...(charge === undefined ? [] : [['AMT', 'T3', charge] as const]),
      ...(day === undefined ? [] : [['DTP', '472', 'D8', day] as const]),
    ]),
  ];
  return writeX12([set], { ...envelope, group: 'HR', type: '276', version: '005010X212' });
}

/** Each member asked for below a level of her own; a dependent below where `isDependent`. */
export function example270(
  members: readonly { member: string; day?: string; service?: string; isDependent?: boolean }[],
  payer: string,
): string {
  let level = 2;
  const set: Written[] = [
    ['BHT', '0022', '13', 'E-1', '20260105', '1023'],
    ...payerLevel('PR', payer),
    ...hospitalLevel,
    ...members.flatMap(({ member, day, service = '30', isDependent = false }): Written[] => {
      level += 1;
      const own: Written[] = [...(day === undefined ? [] : [['DTP', '291', 'D8', day] as const]), ['EQ', service]];
      const number = member === '' ? [] : ['MI', member];
      const subscriber: Written[] = [
        ['HL', String(level), '2', '22', isDependent ? '1' : '0'],
        ['TRN', '1', `TRACE-${level}`, '9EXAMPLE01'],
        ['NM1', 'IL', '1', 'EXAMPLE', 'MEMBER', '', '', '', ...number],
      ];
      if (!isDependent) return [...subscriber, ...own];
      level += 1;
      return [
        ...subscriber,
        ['HL', String(level), String(level - 1), '23', '0'],
        ['NM1', '03', '1', 'EXAMPLE', 'CHILD'],
        ...own,
      ];
    }),
  ];
  return writeX12([set], { ...envelope, group: 'HS', type: '270', version: '005010X279A1' });
}

export interface ExampleRequest {
  trace: string;
  member: string;
  /** UM02 */
  certification?: string;
  /** REF*BB, REF*NT */
  number?: string;
  administrative?: string;
  isUrgent?: boolean;
  services: readonly {
    code?: string;
    kind?: string;
    units?: string;
    day?: string;
    trace?: string;
    certification?: string;
  }[];
}

/** Each below a subscriber of its own. @param payer NM1*X3 09 */
export function example278(requests: readonly ExampleRequest[], payer: string): string {
  let level = 2;
  const set: Written[] = [
    ['BHT', '0007', '13', 'A-1', '20260105', '1023'],
    ...payerLevel('X3', payer),
    ...hospitalLevel,
    ...requests.flatMap(({ trace, member, certification = 'I', isUrgent = false, services, ...named }): Written[] => {
      level += 2;
      const event = level;
      return [
        ['HL', String(event - 1), '2', '22', '1'],
        ['NM1', 'IL', '1', 'EXAMPLE', 'MEMBER', '', '', '', ...(member === '' ? [] : ['MI', member])],
        ['DMG', 'D8', '19800203', 'F'],
        ['HL', String(event), String(event - 1), 'EV', '1'],
        ['TRN', '1', trace, '9EXAMPLE01'],
        ['UM', 'HS', certification, '1', ['11', 'B'], '', ...(isUrgent ? ['U'] : [])],
        ...numbered(named),
        ['HI', ['ABF', 'M545']],
        ...services.flatMap(({ code, kind, units, day, trace: own, certification: type }): Written[] => {
          level += 1;
          return [
            ['HL', String(level), String(event), 'SS', '0'],
            ...(own === undefined ? [] : [['TRN', '1', own, '9EXAMPLE01'] as const]),
            ...(kind === undefined && type === undefined ? [] : [['UM', 'HS', type ?? 'I', kind ?? ''] as const]),
            ...(day === undefined ? [] : [['DTP', '472', 'D8', day] as const]),
            ...(code === undefined
              ? []
              : [['SV1', ['HC', code], '', ...(units === undefined ? [] : ['UN', units])] as const]),
          ];
        }),
      ];
    }),
  ];
  return writeX12([set], { ...envelope, group: 'HI', type: '278', version: '005010X217' });
}

const numbered = ({ number, administrative }: Pick<ExampleRequest, 'number' | 'administrative'>): Written[] => [
  ...(number === undefined ? [] : [['REF', 'BB', number] as const]),
  ...(administrative === undefined ? [] : [['REF', 'NT', administrative] as const]),
];

/** Each below a subscriber of its own. */
export function exampleInquiry278(
  inquiries: readonly (Pick<ExampleRequest, 'member' | 'number' | 'administrative'> & {
    code?: string;
    day?: string;
  })[],
  payer: string,
): string {
  let level = 2;
  const set: Written[] = [
    ['BHT', '0007', '28', 'I-1', '20260105', '1023'],
    ...payerLevel('X3', payer),
    ...hospitalLevel,
    ...inquiries.flatMap(({ member, code, day, ...named }): Written[] => {
      level += 2;
      return [
        ['HL', String(level - 1), '2', '22', '1'],
        ['NM1', 'IL', '1', 'EXAMPLE', 'MEMBER', '', '', '', ...(member === '' ? [] : ['MI', member])],
        ['HL', String(level), String(level - 1), 'EV', '0'],
        ['TRN', '1', `ASKED-${level}`, '9EXAMPLE01'],
        ['UM', 'HS', 'I', '1'],
        ...numbered(named),
        ...(day === undefined ? [] : [['DTP', 'AAH', 'D8', day] as const]),
        ...(code === undefined ? [] : [['SV1', ['HC', code]] as const]),
      ];
    }),
  ];
  return writeX12([set], { ...envelope, group: 'HI', type: '278', version: '005010X215' });
}
