/** Orderers' signatures put together by hand, under BFT and in full: one thing wrong in each, and that is refused. */
import { createPrivateKey, randomBytes, sign } from 'node:crypto';
import { type BlockHeader, headerDer } from '@telemed-ledger/formats/blocks/block.ts';
import { lowSDer } from '@telemed-ledger/formats/der/signature.ts';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import {
  createAuthority,
  type DevelopmentAuthority,
  type KeyPair,
  openAuthority,
} from '@telemed-ledger/network/ca/authority.ts';
import type { Entry } from '@telemed-ledger/verifier/entry.ts';
import type { Evidence } from '@telemed-ledger/verifier/evidence.ts';
import { checkOrdered } from '@telemed-ledger/verifier/ordering.ts';
import type { Roots } from '@telemed-ledger/verifier/roots.ts';
import { expect } from 'chai';

type Ordering = NonNullable<Roots['ordering']>;

const header: BlockHeader = { number: 7, previousHash: Buffer.alloc(32, 1), dataHash: Buffer.alloc(32, 2) };
const entry = { block: header.number } as Entry;
/** OrdererBlockMetadata of the first configuration. */
const VALUE = Buffer.of(10, 0);

const signed = ({ privateKey }: KeyPair, message: Uint8Array): Buffer =>
  lowSDer(sign('sha256', message, { key: createPrivateKey(privateKey), dsaEncoding: 'ieee-p1363' }));
const over = (own: Uint8Array, { value = VALUE, of = header } = {}): Buffer =>
  Buffer.concat([value, own, headerDer(of)]);

/** By its number, as with BFT. */
function numbered(by: KeyPair, id: number, change: Parameters<typeof over>[1] = {}): Buffer {
  const identifier = encode([1, id], [2, randomBytes(24)]);
  return encode([2, signed(by, over(identifier, change))], [3, identifier]);
}
/** By its identity in full, as with Raft. */
function inFull(by: KeyPair, mspId: string): Buffer {
  const signatureHeader = encode([1, encode([1, mspId], [2, by.certificate])], [2, randomBytes(24)]);
  return encode([1, signatureHeader], [2, signed(by, over(signatureHeader))]);
}
const evidenceOf = (signatures: readonly Buffer[], value = VALUE): Evidence => ({
  envelope: new Uint8Array(),
  previousHash: header.previousHash.toString('hex'),
  dataHash: header.dataHash.toString('hex'),
  blockSignatures: Uint8Array.from(encode([1, value], ...repeated(2, signatures))),
});

describe("Orderers' signatures", () => {
  let authority: DevelopmentAuthority;
  /** Four orderers, a peer, and an orderer of another authority. */
  let orderers: KeyPair[];
  let peer: KeyPair;
  let stranger: KeyPair;
  let bft: Ordering;
  let raft: Ordering;
  let now: number;

  const enrolled = (of: DevelopmentAuthority, commonName: string, ou: 'orderer' | 'peer') =>
    of.enrol({ commonName, ou, days: 1 });
  const outcome = (signatures: readonly Buffer[], ordering: Ordering, time = now): Promise<unknown> =>
    checkOrdered(evidenceOf(signatures), entry, { ordering } as Roots, time).catch((error: Error) => error.message);

  before(async () => {
    authority = await openAuthority(await createAuthority('ca', 'AMSP', 30));
    const other = await openAuthority(await createAuthority('another', 'AMSP', 30));
    orderers = [];
    for (const name of ['one', 'two', 'three', 'four']) orderers.push(await enrolled(authority, name, 'orderer'));
    peer = await enrolled(authority, 'peer', 'peer');
    stranger = await enrolled(other, 'one', 'orderer');
    const organisations = [{ mspId: 'AMSP', authorities: [authority.certificate] }];
    const consenters = orderers.map(({ certificate }, index) => ({ id: index + 1, mspId: 'AMSP', certificate }));
    bft = { needed: 3, organisations, consenters };
    raft = { needed: 1, organisations, consenters: [] };
    now = Math.floor(Date.now() / 1000);
  });

  const all = (count: number) => orderers.slice(0, count).map((one, index) => numbered(one, index + 1));

  it('hold where as many have signed as must have, by number or in full', async () => {
    for (const count of [3, 4])
      expect(await outcome(all(count), bft)).to.deep.equal({ orderers: Array(count).fill('AMSP'), needed: 3 });
    expect(await outcome([inFull(orderers[0]!, 'AMSP')], raft)).to.deep.equal({ orderers: ['AMSP'], needed: 1 });
  });

  it('say nothing where they are not there, or the roots do not say who orders', async () => {
    const { blockSignatures: _, ...without } = evidenceOf([]);
    expect(await checkOrdered(without, entry, { ordering: bft } as Roots, now)).to.equal(undefined);
    expect(await checkOrdered(evidenceOf(all(3)), entry, {} as Roots, now)).to.equal(undefined);
  });

  it('are refused for each thing that is wrong with them', async () => {
    const [one, two, three] = orderers as [KeyPair, KeyPair, KeyPair];
    const two2 = [numbered(one, 1), numbered(two, 2)];
    const cases: [string, readonly Buffer[], Ordering, RegExp][] = [
      ['too few', all(2), bft, /2 orderers have signed the block, 3 are needed/],
      ['none', [], raft, /0 orderers/],
      ['one twice', [...two2, numbered(two, 2)], bft, /signs twice/],
      ['one that signs as another', [...two2, numbered(three, 4)], bft, /does not fit/],
      ['one of no number of the channel’s', [...two2, numbered(three, 9)], bft, /orderer 9 is none/],
      ['one over another block', [...two2, numbered(three, 3, { of: { ...header, number: 8 } })], bft, /does not fit/],
      [
        'one over other metadata',
        [...two2, numbered(three, 3, { value: Buffer.of(10, 2, 8, 1) })],
        bft,
        /does not fit/,
      ],
      ['a fourth that does not fit', [...all(3), numbered(stranger, 4)], bft, /does not fit/],
      ['in full by a peer', [inFull(peer, 'AMSP')], raft, /no orderer of AMSP/],
      ['in full by another authority’s', [inFull(stranger, 'AMSP')], raft, /no authority of AMSP/],
      ['in full by nobody’s', [inFull(one, 'BMSP')], raft, /BMSP is no member/],
      ['a field more', [Buffer.concat([numbered(one, 1), encode([4, 1])]), ...all(3).slice(1)], bft, /not in its form/],
    ];
    for (const [what, signatures, ordering, expected] of cases)
      expect(await outcome(signatures, ordering), what).to.match(expected);
    const revocations = [await authority.revoke([one.certificate], 1)];
    const revoked = { ...raft, organisations: [{ ...raft.organisations[0]!, revocations }] };
    expect(await outcome([inFull(one, 'AMSP')], revoked)).to.match(/revoked/);
    expect(await outcome([inFull(one, 'AMSP')], raft, now + 2 * 86_400)).to.match(/not in force/);
  });

  it('are refused with any byte of them changed', async () => {
    for (const [signatures, ordering] of [
      [all(4), bft],
      [[inFull(orderers[0]!, 'AMSP')], raft],
    ] as const) {
      const right = evidenceOf(signatures);
      const accepted: number[] = [];
      for (let at = 0; at < right.blockSignatures!.length; at += 1) {
        const blockSignatures = right.blockSignatures!.slice();
        blockSignatures[at]! ^= 1 + (at % 127);
        const changed = checkOrdered({ ...right, blockSignatures }, entry, { ordering } as Roots, now);
        if (await changed.then(Boolean, () => false)) accepted.push(at);
      }
      expect(accepted).to.deep.equal([]);
    }
  });
});
