/** The codes that providers have handed out for patients' keys, and what became of each: never the code itself. */
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import {
  KEY_CODE_STEPS,
  keyCodeCancelledSchema,
  keyCodeSchema,
  keyCodeUseSchema,
} from '@telemed-ledger/chaincode/model/patient-keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { ReadModel } from '../../index/read/queries.ts';

export interface CodeShown {
  id: string;
  /** Id of the Patient whom it is for. */
  patient: string;
  /** Name of the provider that handed it out. */
  provider: string;
  issuedBy: { role: string; user?: string | undefined };
  /** ISO 8601 UTC, like the others. */
  issuedAt: string;
  expiresAt: string;
  /** `over`: its time is, and nobody has used it. */
  status: 'open' | 'used' | 'cancelled' | 'over';
  endedAt?: string;
  cancelledBy?: 'patient' | 'provider';
}

/** Of a provider, the newest first; of one patient where she is named. What is not in its form is left out. */
export async function codesAt(
  { evidence }: Pick<ReadModel, 'evidence'>,
  provider: string,
  { patient, now = new Date().toISOString() }: { patient?: string | undefined; now?: string } = {},
): Promise<CodeShown[]> {
  const rows = await evidence.values(collections.care(provider), 'key-code');
  const values = new Map(rows.map(({ key, value }) => [key, value]));
  const found = rows.flatMap(({ value }): CodeShown[] => {
    const { data: code } = keyCodeSchema.safeParse(JSON.parse(value));
    if (code === undefined || (patient !== undefined && code.patient !== patient)) return [];
    const { id, issuedBy, issuedAt, expiresAt } = code;
    const end = endOf(values.get(privateKeys.keyCode(id, KEY_CODE_STEPS.used)));
    const status = expiresAt <= now ? 'over' : 'open';
    return [{ id, patient: code.patient, provider, issuedBy, issuedAt, expiresAt, status, ...end }];
  });
  return found.reverse();
}

function endOf(
  text: string | undefined,
): Pick<CodeShown, 'endedAt' | 'cancelledBy'> & { status?: 'used' | 'cancelled' } {
  if (text === undefined) return {};
  const value: unknown = JSON.parse(text);
  const { data: cancelled } = keyCodeCancelledSchema.safeParse(value);
  if (cancelled !== undefined)
    return { status: 'cancelled', endedAt: cancelled.cancelledAt, cancelledBy: cancelled.cancelledBy };
  const { data: use } = keyCodeUseSchema.safeParse(value);
  return use === undefined ? {} : { status: 'used', endedAt: use.usedAt };
}
