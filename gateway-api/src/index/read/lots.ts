/** What the regulators publish of lots of medicines, as this organisation's read model holds it. */
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { EMPTY_LOT_BUCKET } from '@telemed-ledger/chaincode/model/lots.ts';
import { BucketRegister } from './buckets.ts';
import type { Evidence } from './evidence.ts';

const KEYS = {
  ...{ root: 'lots', bucket: 'lot-bucket', empty: EMPTY_LOT_BUCKET },
  ...{ rootKey: privateKeys.lots, bucketKey: privateKeys.lotBucket },
};

export class LotRegister extends BucketRegister {
  constructor(evidence: Evidence) {
    super(evidence, KEYS);
  }
}
