/** By what a claim that holds services is told from others: a value of its own, of which they know the hash. */
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import type { ClaimRecord, FingerprintRecord } from '../model/claims.ts';
import { stateSalt } from './claim-states.ts';

/** A claim by what tells its holdings. */
export interface Holder {
  claimId: string;
  /** The salt of its first state, which follows from the claim's. */
  salt: string;
}

export const holderOf = ({ id, salt }: Pick<ClaimRecord, 'id' | 'salt'>): Holder => ({
  claimId: id,
  salt: stateSalt(salt),
});

/** What a claim writes for each service that it holds, whatever the service. */
export const holdingOf = ({ claimId, salt }: Holder): FingerprintRecord => ({
  ...{ schema: 1, claimId, item: 0 },
  salt: sha256Hex(`holder/${salt}`),
});

/** The hash of that. */
export const holderHash = (holder: Holder): string => sha256Hex(canonicalJson(holdingOf(holder)));

/** That a place is free again; its salt follows from the claim's. */
export const freedBy = ({ claimId, salt }: Holder): FingerprintRecord => ({
  ...{ schema: 1, claimId, item: 0 },
  salt: sha256Hex(`freed/${salt}`),
});
