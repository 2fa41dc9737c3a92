/** A licence as the register has it (GET /licences). */

export const LICENCE_STATUSES = ['active', 'suspended', 'excluded'] as const;
export type LicenceStatus = (typeof LICENCE_STATUSES)[number];

export interface Licence {
  number: string;
  status: LicenceStatus;
  /** ISO 8601 days. */
  start: string;
  end: string;
  jurisdictions?: string[];
  practitioners?: { organisation: string; practitioner: string }[];
  inForce: boolean;
  because?: string;
}
