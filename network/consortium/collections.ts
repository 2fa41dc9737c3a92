/**
 * The private data collections: what they are called, who holds them, who endorses what is written to them (DESIGN:
 * what the ledger holds). Adding a row to `collectionsOf` is all that a new collection takes.
 */
import { type Consortium, custodianOf, type Organisation, organisationsOfKind } from './members.ts';
import { all, anyOf, custodianAndAnyOther, type PolicyRule, withAnyOther, withOneOf } from './policies.ts';

/** Names of the collections, by organisation name. */
export const collections = {
  care: (provider: string): string => `care_${provider}`,
  consent: (provider: string): string => `consent_${provider}`,
  inbox: (organisation: string): string => `inbox_${organisation}`,
  claim: (provider: string, payer: string): string => `claim_${provider}_${payer}`,
  settle: (payer: string, bank: string): string => `settle_${payer}_${bank}`,
  payers: 'payers',
  /** Held by everybody: what the regulators vouch for. */
  registers: 'registers',
};

export interface Collection {
  name: string;
  /** Their peers store it and their clients may read and write it. */
  members: readonly Organisation[];
  endorsement: PolicyRule;
}

type Members = Pick<Consortium, 'organisations'>;

/** All collections, in a fixed order. @throws Error when there is no custodian, which the loader refuses. */
export function collectionsOf(consortium: Members): Collection[] {
  const custodian = custodianOf(consortium);
  const providers = organisationsOfKind(consortium, 'provider');
  const payers = organisationsOfKind(consortium, 'payer');
  const banks = organisationsOfKind(consortium, 'bank');
  return [
    ...providers.map((provider) => sharedByBoth(collections.care(provider.name), provider, custodian)),
    ...providers.map((provider) => sharedByBoth(collections.consent(provider.name), provider, custodian)),
    ...consortium.organisations
      .filter((organisation) => organisation !== custodian)
      .map((organisation) => inbox(consortium, organisation, custodian)),
    ...providers.flatMap((provider) => payers.map((payer) => claims(provider, payer, custodian))),
    ...payers.flatMap((payer) =>
      banks.map((bank) => sharedByBoth(collections.settle(payer.name, bank.name), payer, bank)),
    ),
    acrossPayers(payers, organisationsOfKind(consortium, 'regulator')),
    registers(consortium),
  ];
}

/** Names of the collections that an organisation is a member of: what its peer must deliver. */
export const collectionsOfMember = (consortium: Members, member: Pick<Organisation, 'name'>): Set<string> =>
  new Set(
    collectionsOf(consortium)
      .filter(({ members }) => members.some(({ name }) => name === member.name))
      .map(({ name }) => name),
  );

/** Both must endorse what both hold. */
const sharedByBoth = (name: string, one: Organisation, other: Organisation): Collection => ({
  name,
  members: [one, other],
  endorsement: all(one.mspId, other.mspId),
});

/** The custodian delivers, and any other organisation (the holder of the data, mostly) stands by it. */
const inbox = (consortium: Members, owner: Organisation, custodian: Organisation): Collection => ({
  name: collections.inbox(owner.name),
  members: [owner, custodian],
  endorsement: custodianAndAnyOther(consortium),
});

/** The payer adjudicates; provider or custodian recompute, so that neither alone can block it. */
const claims = (provider: Organisation, payer: Organisation, custodian: Organisation): Collection => ({
  name: collections.claim(provider.name, payer.name),
  members: [provider, payer, custodian],
  endorsement: withOneOf(payer.mspId, [provider.mspId, custodian.mspId]),
});

/** A payer, and one more that is a payer or a regulator. */
function acrossPayers(payers: Organisation[], regulators: Organisation[]): Collection {
  const members = [...payers, ...regulators];
  const pairs = payers.map(({ mspId }) => withAnyOther({ organisations: members }, mspId));
  return { name: collections.payers, members, endorsement: anyOf(pairs) };
}

/** Everybody reads them; a regulator and one more write them, from the first write on. */
function registers(consortium: Members): Collection {
  const pairs = organisationsOfKind(consortium, 'regulator').map(({ mspId }) => withAnyOther(consortium, mspId));
  return { name: collections.registers, members: consortium.organisations, endorsement: anyOf(pairs) };
}
