/** An 837 as a provider's billing system writes it, of claims that tests make up. */
import { type Written, writeX12 } from './writing.ts';

export interface ExampleLine {
  code: string;
  charge: string;
  units?: string;
  /** YYYYMMDD */
  day: string;
  /** REF*6R */
  item?: string;
}

export interface ExampleClaim {
  controlNumber: string;
  member: string;
  npi: string;
  frequency?: string;
  original?: string;
  lines: readonly ExampleLine[];
}

const total = (lines: readonly ExampleLine[]): string =>
  (lines.reduce((cents, { charge }) => cents + Math.round(Number(charge) * 100), 0) / 100).toFixed(2);

function claimSegments({ controlNumber, npi, frequency = '1', original, lines }: ExampleClaim): Written[] {
  return [
    ['CLM', controlNumber, total(lines), '', '', ['10', 'B', frequency], 'Y', 'A', 'Y', 'Y'],
    ...(original === undefined ? [] : [['REF', 'F8', original] as const]),
    ['HI', ['ABK', 'J069']],
    ['NM1', '82', '1', 'EXAMPLE', 'RENDERING', '', '', '', 'XX', npi],
    ...lines.flatMap(({ code, charge, units = '1', day, item }, index): Written[] => [
      ['LX', String(index + 1)],
      ['SV1', ['HC', ...code.split(':')], charge, 'UN', units, '', '', '1'],
      ['DTP', '472', 'D8', day],
      ...(item === undefined ? [] : [['REF', '6R', item] as const]),
    ]),
  ];
}

/** Each claim below a subscriber of its own. @param payer NM1*PR 09 */
export function example837(claims: readonly ExampleClaim[], payer: string): string {
  const billing: Written[] = [
    ['BHT', '0019', '00', '0123', '20260105', '1023', 'CH'],
    ['NM1', '41', '2', 'EXAMPLE HOSPITAL', '', '', '', '', '46', '111222333'],
    ['PER', 'IC', 'BILLING', 'TE', '5555550100'],
    ['NM1', '40', '2', 'EXAMPLE PAYER', '', '', '', '', '46', '444555666'],
    ['HL', '1', '', '20', '1'],
    ['NM1', '85', '2', 'EXAMPLE HOSPITAL', '', '', '', '', 'XX', '1234567893'],
    ['N3', '1 EXAMPLE STREET'],
    ['N4', 'SPRINGFIELD', 'MA', '011011234'],
    ['REF', 'EI', '123456789'],
  ];
  const subscribers = claims.flatMap((claim, index): Written[] => [
    ['HL', String(index + 2), '1', '22', '0'],
    ['SBR', 'P', '18', '', '', '', '', '', '', 'CI'],
    ['NM1', 'IL', '1', 'EXAMPLE', 'MEMBER', '', '', '', 'MI', claim.member],
    ['N3', '2 EXAMPLE STREET'],
    ['N4', 'SPRINGFIELD', 'MA', '01101'],
    ['DMG', 'D8', '19800203', 'F'],
    ['NM1', 'PR', '2', 'EXAMPLE PAYER', '', '', '', '', 'PI', payer],
    ...claimSegments(claim),
  ]);
  return writeX12([[...billing, ...subscribers]], {
    ...{ sender: '111222333', receiver: '444555666', at: '2026-01-05T10:23:00Z', control: 1 },
    ...{ group: 'HC', type: '837', version: '005010X222A1' },
  });
}
