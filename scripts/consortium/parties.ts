/** What X12 files say of members on a network that is tried out: numbers that are well-formed and nobody's. */
import type { GatewayConfig } from '@telemed-ledger/gateway-api/config.ts';

/** The check digit of an NPI: Luhn's, with 80840 before its nine digits. */
function npiOf(nine: string): string {
  const digits = [...`80840${nine}`].reverse().map(Number);
  const sum = digits.reduce((all, digit, index) => {
    const doubled = index % 2 === 0 ? digit * 2 : digit;
    return all + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return `${nine}${(10 - (sum % 10)) % 10}`;
}

/** By names of members. */
export const madeUpParties = ({
  organisations,
}: {
  organisations: readonly { name: string }[];
}): GatewayConfig['x12Parties'] =>
  Object.fromEntries(
    organisations.map(({ name }, index) => [
      name,
      {
        name: `EXAMPLE ${name.toUpperCase()}`,
        npi: npiOf(`1000000${String(index + 1).padStart(2, '0')}`),
        taxId: `9000000${String(index + 1).padStart(2, '0')}`,
        address: { line: `${index + 1} EXAMPLE STREET`, city: 'SPRINGFIELD', state: 'MA', postalCode: '011011234' },
        telephone: '5555550100',
      },
    ]),
  );
