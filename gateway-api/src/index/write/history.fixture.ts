/**
 * Ledgers of few keys and many collisions, for properties: whatever honest and colluding organisations can write, in any
 * order, and private data that arrives at any time.
 */
import type { peer } from '@hyperledger/fabric-protos';
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { recordIdAt } from '@telemed-ledger/chaincode/model/sheets.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import fc from 'fast-check';
import { type FixtureTransaction, type FixtureWrite, fixtureBlock } from '../../ledger/block.fixture.ts';
import { type AnchoredFixture, anchored, recordWrites, sheetWrites } from '../index.fixture.ts';
import {
  accessState,
  accessWrites,
  billingWrites,
  claimState,
  claimStateWrites,
  claimWrites,
  consentWrite,
  copiesWrite,
  erasedMark,
  evidenceFrom,
  grantOf,
  LATER,
  markWrite,
  purgeWrites,
  requestWrite,
} from '../values.fixture.ts';

type Written = Required<Pick<FixtureTransaction, 'creator' | 'privateWrites'>>;

const uuid = (last: number | string): string => `00000000-0000-4000-8000-${String(last).padStart(12, '0')}`;
const [A, B] = [uuid('a'), uuid('b')] as const;
const TEXTS = ['x', 'y', 'z'];
const by = (creator: string, privateWrites: FixtureWrite[]): Written => ({ creator, privateWrites });
const cross = <T, U>(some: readonly T[], others: readonly U[]): [T, U][] =>
  some.flatMap((one) => others.map((other): [T, U] => [one, other]));

/** Versions of records, each with a sheet of its own or on one whose id another version uses too. */
function records(): { hospital: [AnchoredFixture, FixtureWrite[]][]; all: Written[] } {
  const hospital: [AnchoredFixture, FixtureWrite[]][] = [];
  const all: Written[] = [];
  const placed = recordIdAt({ sheet: uuid('s'), index: 0 }, 'Patient');
  for (const [id, version] of cross([A, placed], [1, 2, 3])) {
    for (const [value, sheet] of cross(TEXTS.slice(0, 2), [uuid('s'), uuid(`${version}5`)])) {
      const author = 'HospitalMSP';
      const record = anchored('Patient', { id, version, author, identifier: [{ system: 's', value }] });
      const writes = sheetWrites([record], { sheet });
      hospital.push([record, writes]);
      all.push(by(author, writes));
      // Without the key that says where the version stands, and by somebody else.
      all.push(by(author, writes.slice(0, 2)), by('BankMSP', writes));
    }
    all.push(by('ClinicMSP', recordWrites('Patient', { id, version, author: 'ClinicMSP' }, 'care_clinic')));
  }
  return { hospital, all };
}

function deliveries(hospital: [AnchoredFixture, FixtureWrite[]][]): Written[] {
  return cross(['1', '2'], hospital).map(([access, [{ id, version }, writes]]) => {
    const evidence = evidenceFrom(writes, id, version);
    const other = { ...evidence, text: evidence.text.replace('"x"', '"w"') };
    const copies = copiesWrite([evidence, other], { access: uuid(access) });
    return by('PatientsMSP', [copies, ...grantOf(copies)]);
  });
}

/** Marks, contents written again with and without what an erasure needs, and notes alone. */
function erasures(hospital: [AnchoredFixture, FixtureWrite[]][]): Written[] {
  const marks = [...new Set(hospital.map(([{ id }]) => id))].map((id) => by('PatientsMSP', [erasedMark(id)]));
  const purges = hospital.flatMap(([{ id }, writes]) => {
    const first = purgeWrites(writes, [id]);
    const kept = purgeWrites(writes, []);
    const again = purgeWrites(kept, [id]);
    return [first, kept, again, kept.slice(0, 1), first.slice(0, 2), first.slice(2), [...kept, ...again]];
  });
  return [...marks, ...marks, ...purges.map((writes) => by('PatientsMSP', writes))];
}

const consents = (): Written[] =>
  cross([A, B], [1, 2, 3]).flatMap(([id, version]) => [
    by('PatientsMSP', [consentWrite({ id, version })]),
    by('HospitalMSP', [consentWrite({ id, version, author: 'HospitalMSP' }, 'clinic')]),
    by('PatientsMSP', [markWrite(id, version)]),
    by('PatientsMSP', [markWrite(id)]),
  ]);

function accesses(): Written[] {
  const decided = { decidedAt: LATER, expiresAt: LATER };
  const states = cross([A, B], ['clinic', 'payer']).flatMap(([id, requestor]) => [
    accessState({ id, requestor }),
    accessState({ id, requestor, status: 'refused', decidedAt: LATER, reason: 'no-consent' }),
    ...[A, B].map((consent) =>
      accessState({ id, requestor, status: 'granted', ...decided, consent: { id: consent, version: 1 } }),
    ),
    accessState({
      ...{ id, requestor, status: 'granted', ...decided, consent: { id: A, version: 1 } },
      furtherConsents: [{ id: B, version: 2 }],
    }),
    accessState({ id, requestor, status: 'purged', ...decided, purgedAt: LATER }),
  ]);
  const requests = [A, B].map((id) => by('ClinicMSP', [requestWrite(id, 'x')]));
  return [
    ...requests,
    ...states.flatMap((state) => {
      const all = accessWrites(state);
      const creator =
        state.status !== 'requested' ? 'PatientsMSP' : state.requestor === 'payer' ? 'PayerMSP' : 'ClinicMSP';
      return [by(creator, all), ...all.map((one) => by(creator, [one])), by('BankMSP', all)];
    }),
  ];
}

function claims(): Written[] {
  const stated = cross([A, B], ['submitted', 'approved', 'instructed', 'settled', 'remitted'] as const);
  const states = stated.flatMap(([id, status]) => {
    const bank = status === 'submitted' || status === 'approved' ? {} : { bank: 'bank' };
    const state = claimState({ id, status, ...bank });
    const creator = { submitted: 'HospitalMSP', settled: 'BankMSP' }[status as 'settled'] ?? 'PayerMSP';
    const all = claimStateWrites(state, 'hospital', 'bank');
    const another = claimStateWrites({ ...state, payer: 'payer-two' }).map((one) => ({
      ...one,
      collection: collections.billing('payer-two'),
    }));
    return [by(creator, all), by(creator, all.slice(1)), by(creator, all.slice(0, 1)), by('PayerTwoMSP', another)];
  });
  const resources = [A, B].flatMap((id) => {
    const all = claimWrites(id, { identifier: [{ system: 's', value: id.slice(-1) }] }, 'hospital');
    return [by('HospitalMSP', all), by('HospitalMSP', all.slice(1))];
  });
  const { text } = anchored('Coverage', { id: A, author: 'PayerMSP' });
  const coverage = billingWrites(privateKeys.coverage(A, 1), JSON.parse(text) as object, 'hospital');
  return [...states, ...resources, by('PayerMSP', coverage), by('PayerMSP', coverage.slice(1))];
}

/** What can be written, in kinds. */
function everything(): Written[][] {
  const { hospital, all } = records();
  const kinds = [all, deliveries(hospital), erasures(hospital), consents(), accesses(), claims()];
  const keys = kinds.map((items) => items.flatMap(({ privateWrites }) => privateWrites));
  const removed = keys.map((writes) =>
    writes.flatMap(({ collection, key }, index) => [by('PatientsMSP', [{ collection, key, purge: index % 2 === 0 }])]),
  );
  const junk = keys.flatMap((writes) =>
    ['null', '{}', '"x"', canonicalJson({ schema: 1, leaves: ['{}'] })].map((value) =>
      by(
        'PatientsMSP',
        writes.map(({ collection, key }) => ({ collection, key, value })),
      ),
    ),
  );
  const junks = junk.flatMap(({ creator, privateWrites }) => privateWrites.map((one) => by(creator, [one])));
  return [...kinds, ...kinds, ...removed, junks];
}

const item = fc.oneof(...everything().map((items) => fc.constantFrom(...items)));

/** A transaction may carry several, and a key several times. */
const transaction: fc.Arbitrary<FixtureTransaction> = fc
  .array(item, { minLength: 1, maxLength: 3 })
  .map((items) => ({ creator: items[0]!.creator, privateWrites: items.flatMap(({ privateWrites }) => privateWrites) }));

/** What a block holds, and when its private data is obtained: with it, or in parts after later blocks. */
export interface HistoricBlock {
  transactions: FixtureTransaction[];
  /** Blocks later; those that lie beyond the end arrive in the end. */
  first: number;
  second: number;
  /** Bit by bit: what is lacking when the block comes, and what when it is asked for first. */
  mask: number;
}

export const histories: fc.Arbitrary<HistoricBlock[]> = fc.array(
  fc.record({
    transactions: fc.array(transaction, { minLength: 1, maxLength: 3 }),
    ...{ first: fc.nat({ max: 5 }), second: fc.nat({ max: 5 }), mask: fc.nat({ max: 0xffff }) },
  }),
  { minLength: 1, maxLength: 7 },
);

export function chainOf(blocks: readonly { transactions: FixtureTransaction[] }[]): peer.BlockAndPrivateData[] {
  const chain: peer.BlockAndPrivateData[] = [];
  for (const { transactions } of blocks) chain.push(fixtureBlock(chain.length, transactions, chain.at(-1)));
  return chain;
}

/** Whether a bit of a mask stands for the private data of a collection in a transaction. */
export function isMasked(mask: number, transaction: number, collection: string): boolean {
  const name = [...collection].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  return (mask & (1 << ((5 * transaction + name) % 16))) !== 0;
}
