/** The delegation by which a caretaker has signed a consent, as far as this read model knows it. */
import { delegationNamedIn } from '@telemed-ledger/chaincode/model/consent-signature.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { idSchema } from '@telemed-ledger/chaincode/model/texts.ts';
import type { ConsentVersion } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { ReadModel } from '../../index/read/queries.ts';

/** As a transaction shows it: its newest version; nothing where no caretaker has signed, or it is not here. */
export async function delegationShown(
  index: ReadModel,
  provider: string,
  consent: Resource,
): Promise<{ delegation?: ConsentVersion }> {
  const id = delegationNamedIn(consent);
  if (id === undefined || !idSchema.safeParse(id).success) return {};
  const version = await index.evidence.newest(collections.care(provider), privateKeys.consent(id, 0).slice(0, -1));
  return version === 0 ? {} : { delegation: { id, version } };
}
