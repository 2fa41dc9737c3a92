/** What shows by whom a consent is given, or to whom it delegates, as far as this read model knows it. */
import { delegationNamedIn } from '@telemed-ledger/chaincode/model/consent-signature.ts';
import { caretakersOf, isDelegation } from '@telemed-ledger/chaincode/model/delegations.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { patientIdOf } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import { idSchema } from '@telemed-ledger/chaincode/model/texts.ts';
import type { Anchored, ConsentVersion } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { VersionRow } from '../../index/read/stored.ts';

const RELATED = /^RelatedPerson\/([A-Za-z0-9.-]{1,64})$/;
/** As many as a transaction takes. */
const MOST = 20;

/**
 * The delegation by which a caretaker has signed it, as a transaction shows it: its newest version; nothing where none has, or
 * it is not here.
 */
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

/**
 * The provider's records of those to whom a delegation goes, and those that say that they are its patient's; none for what is
 * none. @throws {Failure} 503 while one is on its way here
 */
export async function caretakersShown(
  index: ReadModel,
  provider: string,
  consent: Resource,
): Promise<{ caretakers?: RecordEvidence[] }> {
  if (!isDelegation(consent)) return {};
  const ids = caretakersOf(consent).flatMap((reference) => RELATED.exec(reference)?.[1] ?? []);
  const rowOf = (id: string) => index.newestRow('RelatedPerson', id);
  const named = await Promise.all(ids.slice(0, MOST).map(rowOf));
  const alike = await index.findByIdentifier(named.flatMap((row) => (row === undefined ? [] : identifiersIn(row))));
  const others = await Promise.all([...new Set(alike.flat())].filter((id) => !ids.includes(id)).map(rowOf));
  const rows = [...named, ...others.filter((row) => row?.patient === patientIdOf(consent))];
  const recorded = rows.flatMap((row) => (row?.collection === collections.care(provider) ? [row] : []));
  return { caretakers: await Promise.all(recorded.slice(0, MOST).map((row) => index.evidence.ofRecord(row))) };
}

function identifiersIn({ value }: VersionRow) {
  const { identifier = [] } = (JSON.parse(value) as Anchored).resource as { identifier?: Record<string, unknown>[] };
  return identifier.flatMap(({ system, value: of }) =>
    typeof system === 'string' && typeof of === 'string' ? [{ type: 'RelatedPerson', system, value: of }] : [],
  );
}
