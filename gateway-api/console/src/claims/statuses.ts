/** How a claim can stand on the ledger (docs/claims.md), in the order of its way. */

export const STATUSES = [
  ...(['submitted', 'pended', 'queued', 'countersign', 'denied', 'patient-responsibility', 'partial'] as const),
  ...(['approved', 'satisfied', 'instructed', 'settled', 'remitted', 'rejected', 'failed', 'stopped'] as const),
  ...(['returned', 'appealed', 'cancelled', 'voided', 'replaced'] as const),
] as const;
export type Status = (typeof STATUSES)[number];
