/** The services that a claim holds: set free where it is taken back, or handed on to the claim that replaces it. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { checkPresented } from '../ledger/evidence.ts';
import type { Store } from '../ledger/store.ts';
import { readBill } from '../model/bill.ts';
import type { ClaimRecord } from '../model/claims.ts';
import { readCover } from '../model/coverage.ts';
import { privateKeys } from '../model/keys.ts';
import { anchoredSchema } from '../model/values.ts';
import { onDaysOfRecords } from '../rules/claim-edits/when.ts';
import { storedEvidence } from './claim-loading.ts';
import { type Holdings, holderHashes, holdingsUnder, loadFingerprints, lookUpAll } from './held-services.ts';

/** What is shown of a claim's terms: the coverage that it was judged by, and the key of the provider's fingerprints. */
interface Shown {
  coverage: string;
  fingerprintKey: string | undefined;
}

/** @throws LedgerError NOT_FOUND and INVALID at `coverage`, and as `loadFingerprints` */
export const servicesOf = (
  store: Store,
  record: ClaimRecord,
  provider: Organisation,
  shown: Shown,
): Promise<Holdings> =>
  holdingsUnder(store, record, shown.fingerprintKey, () => lookForEach(store, record, provider, shown));

async function lookForEach(store: Store, record: ClaimRecord, provider: Organisation, shown: Shown): Promise<Holdings> {
  const { payer, salt, resource, coverage, purged } = record;
  if (purged !== undefined)
    return { all: await lookUpAll(store, { claim: record, payer, beside: new Set() }, purged.held) };
  const key = privateKeys.coverage(coverage.id, coverage.version);
  const at = [store, collections.billing(payer), key, shown.coverage] as const;
  const cover = readCover((await checkPresented(...at, anchoredSchema, 'coverage')).resource);
  const evidence = storedEvidence(record);
  const basis = {
    bill: onDaysOfRecords(readBill(resource), evidence),
    provider,
    evidence,
    cover,
    identities: record.identities,
  };
  return loadFingerprints(store, { basis, salt, payer, shown: shown.fingerprintKey, beside: new Set() });
}

/** What tells that a claim holds a service, for one that replaces it: that is no bar. */
export const holdingsOf = (record: ClaimRecord): Set<string> =>
  holderHashes(
    record,
    readBill(record.resource).items.map(({ sequence }) => sequence),
  );
