/** Members of payers as X12 names them: by the number that is on their card. */
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { identifiersOf } from '../claims/matching.ts';

type Index = Pick<ReadModel, 'search' | 'findByIdentifier'>;

/** Coverages of one number. */
const MOST = 1_000;

/** The number of whom a Coverage covers; undefined where it says none. */
export function memberOf(coverage: Resource): string | undefined {
  const { identifier } = (coverage['beneficiary'] ?? {}) as { identifier?: { value?: string } };
  return (coverage['subscriberId'] as string | undefined) ?? identifier?.value;
}

/** What payers have registered here under a member's number. */
export async function coveragesNumbered(number: string, index: Index): Promise<StoredResource[]> {
  const found = new Map<string, StoredResource>();
  for (const parameter of ['subscriber-id', 'beneficiary-identifier']) {
    const values = [{ parameter, anyOf: [{ value: number }] }];
    for (const one of (await index.search({ type: 'Coverage', values, count: MOST })).matches)
      found.set(one.resource.id, one);
  }
  return [...found.values()];
}

/** Ids of the Patients here whom a Coverage covers. */
export async function patientsCovered({ resource }: StoredResource, index: Index): Promise<string[]> {
  const { reference = '', identifier } = (resource['beneficiary'] ?? {}) as { reference?: string; identifier?: object };
  const [, id] = /^Patient\/([^/]+)$/.exec(reference) ?? [];
  const stated = identifiersOf({ identifier: identifier ?? [] });
  const found = await index.findByIdentifier(stated.map((one) => ({ type: 'Patient', ...one })));
  return [...new Set([...found.flat(), ...(id === undefined ? [] : [id])])];
}

/** Id of the Patient whom a Claim is about; null where it names none. */
export const patientOf = (claim: Resource): string | null =>
  (claim['patient'] as Reference | undefined)?.reference?.replace(/^Patient\//, '') ?? null;
