/**
 * The private data collections: what they are called, who holds them, who endorses what is written to them (DESIGN:
 * what the ledger holds). Adding a row to `collectionsOf` is all that a new collection takes.
 */
import { type Endorsers, withOneOf } from './endorsers.ts';
import { type Consortium, custodianOf, type Organisation, organisationByName, organisationsOfKind } from './members.ts';
import { all, anyOf, custodianAndAnyOther, isSatisfied, type PolicyRule, withAnyOther } from './policies.ts';

/** Names of the collections, by organisation name. */
export const collections = {
  care: (provider: string): string => `care_${provider}`,
  inbox: (organisation: string): string => `inbox_${organisation}`,
  /** Of a provider, a payer or a bank: its claims and payments. */
  billing: (organisation: string): string => `billing_${organisation}`,
  payers: 'payers',
  /** Held by everybody: that something is over or taken, by random handles without content. */
  marks: 'marks',
  /** Held by everybody: what the regulators vouch for. */
  registers: 'registers',
  /** Held by the regulators and the custodian: emergencies and what the regulators made of them, and what came of recalls. */
  reviews: 'reviews',
};

export interface Collection {
  name: string;
  /** Their peers store it and their clients may read and write it. */
  members: readonly Organisation[];
  endorsement: PolicyRule;
  /** Clients of others may have it written too, where the endorsement policy is all that protects it. */
  openToWriters?: true;
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
    ...consortium.organisations
      .filter((organisation) => organisation !== custodian)
      .map((organisation) => inbox(consortium, organisation, custodian)),
    ...payers.map((payer) => billing(consortium, payer, [payer, custodian])),
    ...providers.map((provider) => billing(consortium, provider, [provider, custodian])),
    ...banks.map((bank) => billing(consortium, bank, [bank])),
    acrossPayers(payers, organisationsOfKind(consortium, 'regulator'), custodian),
    { name: collections.marks, members: consortium.organisations, endorsement: custodianAndAnyOther(consortium) },
    registers(consortium),
    reviews(consortium, custodian),
  ];
}

/** Names of the collections that an organisation is a member of: what its peer must deliver. */
export const collectionsOfMember = (consortium: Members, member: Pick<Organisation, 'name'>): Set<string> =>
  new Set(
    collectionsOf(consortium)
      .filter(({ members }) => members.some(({ name }) => name === member.name))
      .map(({ name }) => name),
  );

/**
 * Who of a collection's members has purged what was refused in it: the custodian, or the first one where it is no member. One alone, so
 * that nothing is sent twice.
 */
export function keeperOf(consortium: Members, collection: string): Organisation | undefined {
  const members = collectionsOf(consortium).find(({ name }) => name === collection)?.members ?? [];
  return members.find(({ kind }) => kind === 'custodian') ?? members[0];
}

/** A member of a collection and any one other that its policy is satisfied by. */
export function pairFor(consortium: Members, caller: string, collection: string): Endorsers {
  const rule = collectionsOf(consortium).find(({ name }) => name === collection)?.endorsement;
  const mspId = organisationByName(consortium, caller)?.mspId;
  const isPair = (other: Organisation) =>
    rule !== undefined && mspId !== undefined && other.name !== caller && isSatisfied(rule, [mspId, other.mspId]);
  return withOneOf(caller, ...consortium.organisations.filter(isPair).map(({ name }) => name));
}

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

/**
 * The payer's decides a claim: it endorses with any one other, so that nobody else can block it. A provider's and a bank's
 * hold copies that a payer writes, with any one other, and that count where the payer's own collection holds the same.
 */
function billing(consortium: Members, owner: Organisation, members: readonly Organisation[]): Collection {
  const writers = owner.kind === 'payer' ? [owner] : organisationsOfKind(consortium, 'payer');
  const endorsement = anyOf(writers.map(({ mspId }) => withAnyOther(consortium, mspId)));
  return { name: collections.billing(owner.name), members, endorsement, openToWriters: true };
}

/** A payer, and one more that is a payer or a regulator, or the custodian, which endorses screenings. */
function acrossPayers(payers: Organisation[], regulators: Organisation[], custodian: Organisation): Collection {
  const members = [...payers, ...regulators];
  const pairs = payers.map(({ mspId }) => withAnyOther({ organisations: [...members, custodian] }, mspId));
  return { name: collections.payers, members, endorsement: anyOf(pairs) };
}

/** Everybody reads them; a regulator and one more write them, from the first write on. */
function registers(consortium: Members): Collection {
  const pairs = organisationsOfKind(consortium, 'regulator').map(({ mspId }) => withAnyOther(consortium, mspId));
  return { name: collections.registers, members: consortium.organisations, endorsement: anyOf(pairs) };
}

/** The custodian opens a review and a regulator closes it, each with any one other; with the custodian a provider reports of a recall. */
function reviews(consortium: Members, custodian: Organisation): Collection {
  const members = [custodian, ...organisationsOfKind(consortium, 'regulator')];
  const pairs = members.map(({ mspId }) => withAnyOther(consortium, mspId));
  return { name: collections.reviews, members, endorsement: anyOf(pairs), openToWriters: true };
}
