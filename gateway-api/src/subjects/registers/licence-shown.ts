/** The licence that names a practitioner, as the contracts are shown it. */
import { decisionOn } from '@telemed-ledger/chaincode/model/licences.ts';
import type { LicenceShown } from '@telemed-ledger/chaincode/model/registers.ts';
import type { LicenceState, Person } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { ReadModel } from '../../index/read/queries.ts';

/**
 * A licence that names a person, one that is in force today before any other; the chaincode judges it. Nothing where none
 * does. @throws {Failure} 503 where a part of the register has not arrived
 */
export async function licenceNaming(
  { register }: Pick<ReadModel, 'register'>,
  person: Person,
): Promise<{ licence?: LicenceShown }> {
  const today = new Date().toISOString().slice(0, 10);
  const isInForce = (licence: LicenceState) => decisionOn(licence, today).outcome === 'permit';
  const named = await register.licencesNaming(person);
  const licence = named.find(isInForce) ?? named[0];
  if (licence === undefined) return {};
  const { register: generation, buckets } = await register.bucketsOf([licence.number]);
  const [bucket] = buckets;
  return bucket === undefined ? {} : { licence: { number: licence.number, register: generation, bucket } };
}
