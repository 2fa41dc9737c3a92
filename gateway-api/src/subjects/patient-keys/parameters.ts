/** The Parameters of operations on keys: single values by their names, and no others. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';

interface Parameter {
  name?: string;
  [value: string]: unknown;
}

const at = (name: string): string => `Parameters.parameter.where(name='${name}')`;

/**
 * The texts of these parameters, by the names of their elements: `{ request: 'valueBase64Binary' }`.
 * @throws {LedgerError} INVALID for others, for several of one name, and for one that has no such value
 */
export function valuesIn<Name extends string>(
  body: Resource | undefined,
  elements: Record<Name, string>,
): Partial<Record<Name, string>> {
  if (body?.resourceType !== 'Parameters') throw new LedgerError('INVALID', 'is no Parameters', 'resourceType');
  const found: Partial<Record<Name, string>> = {};
  for (const [index, parameter] of ((body['parameter'] ?? []) as Parameter[]).entries()) {
    const name = Object.keys(elements).find((known): known is Name => known === parameter.name);
    if (name === undefined)
      throw new LedgerError('INVALID', `is none of ${Object.keys(elements)}`, `Parameters.parameter[${index}].name`);
    if (found[name] !== undefined) throw new LedgerError('INVALID', 'is there twice', at(name));
    const value = parameter[elements[name]];
    if (typeof value !== 'string') throw new LedgerError('INVALID', `has no ${elements[name]}`, at(name));
    found[name] = value;
  }
  return found;
}

/** @throws {LedgerError} INVALID where it is missing, or not of the form that the ledger takes */
export function demanded(
  value: string | undefined,
  name: string,
  schema: { safeParse(value: unknown): { success: boolean } },
): string {
  if (value === undefined) throw new LedgerError('INVALID', 'is needed', at(name));
  if (!schema.safeParse(value).success)
    throw new LedgerError('INVALID', 'is not of the form that is asked for', at(name));
  return value;
}
