/** What payers publish of prior authorizations each year (CMS-0057-F), as GET /prior-authorization-metrics has it, and as a file of it. */

export const ROWS = ['standard', 'expedited'] as const;

interface Numbers {
  requests: number;
  approved: number;
  approvedInPart: number;
  denied: number;
  pended: number;
  decidedLate: number;
  overdue: number;
  approvedPercent?: number;
  meanHours?: number;
  medianHours?: number;
}

export interface Figures {
  payer: string;
  year: number;
  madeAt: string;
  standard: Numbers;
  expedited: Numbers;
}

const COUNTS = ['requests', 'approved', 'approvedInPart', 'denied', 'pended', 'decidedLate', 'overdue'] as const;

const isNumbers = (value: unknown): value is Numbers =>
  typeof value === 'object' &&
  value !== null &&
  COUNTS.every((name) => typeof (value as Record<string, unknown>)[name] === 'number');

/** Figures that a file holds; undefined where it holds none. */
export function figuresIn(text: string): Figures | undefined {
  try {
    const read = JSON.parse(text) as Partial<Figures> | null;
    const isWhole =
      typeof read?.payer === 'string' && typeof read.year === 'number' && ROWS.every((row) => isNumbers(read[row]));
    return isWhole ? (read as Figures) : undefined;
  } catch {
    return undefined;
  }
}
