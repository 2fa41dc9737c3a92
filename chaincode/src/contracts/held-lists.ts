/** What a claim holds at its payer by lists: looked for, taken, and freed. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Store } from '../ledger/store.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import type { ClaimRecord } from '../model/claims.ts';
import { listedServicesOf, takenBy } from '../rules/claim-edits/duplicates.ts';
import type { ClaimBasis } from '../rules/claim-facts.ts';
import { putCopies } from './claim-states.ts';
import { holderOf } from './service-holders.ts';
import {
  countLists,
  freeList,
  holdsJust,
  type Listing,
  type LookedThrough,
  lookThrough,
  ownLists,
  putList,
} from './service-lists.ts';

/** What a claim took when it was submitted: its record's `held`, and sequences of the lines that stood. */
export interface TakenBefore {
  held: string;
  lines: ReadonlySet<number>;
}

export interface Listed extends LookedThrough {
  /** How many lists the claim has had. */
  lists: number;
  /** Where it holds by the first what it took when it was submitted: of that, nothing is looked for. */
  before: TakenBefore | undefined;
  /** A hash of all that it takes for some lines. */
  heldBy: (lines: ReadonlySet<number>) => string;
}

interface Looking {
  basis: ClaimBasis;
  salt: string;
  payer: string;
  /** Hex. */
  key: string;
  beside: ReadonlySet<string>;
  before?: TakenBefore | undefined;
  /** Texts of lists that others hold by. */
  lists?: readonly string[] | undefined;
}

type Claim = Pick<ClaimRecord, 'id' | 'salt' | 'payer'>;

const listingOf = ({ id, salt, payer }: Claim): Listing => ({
  ...{ collection: collections.billing(payer), payer, isAcross: false },
  holder: holderOf({ id, salt }),
});

/**
 * What a claim took when it was submitted nobody else can have; what else it bills is looked for.
 * @throws LedgerError CONFLICT at `services`
 */
export async function loadListed(
  store: Store,
  { basis, salt, payer, beside, before, lists: shown = [], key }: Looking,
): Promise<Listed> {
  const listing = listingOf({ id: basis.bill.claimId, salt, payer });
  const services = listedServicesOf(basis, key);
  const heldBy = (lines: ReadonlySet<number>): string =>
    sha256Hex(`held/${canonicalJson(takenBy(services, lines).map(({ hash, buckets }) => [hash, ...buckets]))}`);
  const since = before !== undefined && heldBy(before.lines) === before.held ? before : undefined;
  const lists = await countLists(store, listing);
  const asked = services.filter(({ items }) => since === undefined || items.some((item) => !since.lines.has(item)));
  const at = { store, collection: listing.collection, shown, own: ownLists(listing, lists), beside };
  return { ...(await lookThrough(at, asked)), lists, before: since, heldBy };
}

/** The lines of a claim that stand hold their services by its next list, where they do not by those before. */
export async function holdListed(
  store: Store,
  claim: Claim & Pick<ClaimRecord, 'provider'>,
  listed: Listed,
  standing: ReadonlySet<number>,
): Promise<void> {
  const listing = listingOf(claim);
  const { lists, before } = listed;
  if (before !== undefined) {
    const ended = [...before.lines].filter((line) => !standing.has(line));
    const isOver = ended.length === before.lines.size;
    if (ended.length > 0) await freeList(store, listing, lists, isOver ? undefined : ended);
  } else {
    if (await holdsJust(store, listing, lists, listed, standing)) return;
    await freeAll(store, listing, lists);
  }
  const made = putList(store, listing, lists + 1, listed, standing);
  if (made !== undefined) await putCopies(store, [claim.provider], made.key, made.value);
}

async function freeAll(store: Store, listing: Listing, lists: number): Promise<void> {
  for (let number = 1; number <= lists; number += 1) await freeList(store, listing, number);
}

/** A claim holds nothing any more. */
export async function freeListed(store: Store, claim: Claim): Promise<void> {
  const listing = listingOf(claim);
  await freeAll(store, listing, await countLists(store, listing));
}
