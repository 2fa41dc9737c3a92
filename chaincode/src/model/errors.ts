/**
 * The failures a transaction can end in. Fabric carries only text, so this file both writes the code into
 * the text and finds it there again. Messages never hold clinical content or a patient's identity.
 */
export const ERROR_CODES = ['INVALID', 'NOT_FOUND', 'FORBIDDEN', 'CONFLICT'] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

const MARK = 'LedgerError';

export class LedgerError extends Error {
  readonly code: ErrorCode;
  /** What the message says, without the code. */
  readonly reason: string;
  /** FHIRPath or key of the input that is at fault, where there is one. */
  readonly expression: string | undefined;

  constructor(code: ErrorCode, reason: string, expression?: string) {
    super(`${MARK} ${code}${expression === undefined ? '' : ` at <${expression}>`}: ${reason}`);
    this.name = MARK;
    this.code = code;
    this.reason = reason;
    this.expression = expression;
  }
}

const PATTERN = new RegExp(`${MARK} (${ERROR_CODES.join('|')})(?: at <([^>]*)>)?: ([^\\n]*)`);

/** Finds the LedgerError that a peer's or the SDK's text carries; undefined where there is none. */
export function findLedgerError(text: string): LedgerError | undefined {
  const found = PATTERN.exec(text);
  if (found === null) return undefined;
  return new LedgerError(found[1] as ErrorCode, found[3] ?? '', found[2]);
}
