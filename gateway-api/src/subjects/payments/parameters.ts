/** What the operations of payments take as Parameters (hl7.org/fhir/R4/parameters.html). */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { z } from 'zod';

/** Name → the value[x] that it carries, of one that is named several times all of them. */
export function parametersIn(body: Resource | undefined): unknown {
  const found: Record<string, unknown> = {};
  for (const parameter of (body?.['parameter'] ?? []) as Record<string, unknown>[]) {
    const name = String(parameter['name']);
    const value = Object.entries(parameter).find(([member]) => member.startsWith('value'))?.[1];
    const before = found[name];
    found[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return found;
}

/** One, or several, as a list. */
export const several = <S extends z.ZodType>(one: S) =>
  z.union([one.transform((value) => [value]), z.array(one).min(1).max(10_000)]);

/** `Claim/<id>` or an id, as the id. */
export const claimReference = z
  .string()
  .regex(/^(Claim\/)?[A-Za-z0-9-]{1,64}$/)
  .transform((reference) => reference.replace(/^Claim\//, ''));
