/** Texts of JSON numbers, for property tests: of many digits, with zeros at their end, with exponents small and huge. */
import fc from 'fast-check';

/** By the grammar of JSON (RFC 8259 section 6), which is R4's for decimals. */
export const numberText = fc.oneof(
  fc.stringMatching(/^-?(0|[1-9]\d{0,3})(\.\d{1,4})?([eE][+-]?\d{1,3})?$/),
  fc.stringMatching(/^-?(0|[1-9]\d{15,40})(\.\d{0,60}0)?$/),
  fc.stringMatching(/^-?0\.0{0,30}[1-9]\d{0,20}$/),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '1.0',
    '0.010',
    '1.00e2',
    '-0',
    '-0.0',
    '0e0',
    '1E+5',
    '1e400',
    '-1e-400',
    `1.${'0'.repeat(99)}`,
    '1e21',
  ),
);
