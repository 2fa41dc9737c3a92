/** Envelopes put together by hand, each consistent in itself but for one thing: that thing is what is refused. */
import { createPrivateKey, randomBytes, sign } from 'node:crypto';
import { headerHash } from '@telemed-ledger/formats/blocks/block.ts';
import { lowSDer } from '@telemed-ledger/formats/der/signature.ts';
import { sha256 } from '@telemed-ledger/formats/hash.ts';
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import {
  createAuthority,
  type DevelopmentAuthority,
  type KeyPair,
  openAuthority,
} from '@telemed-ledger/network/ca/authority.ts';
import { type Entry, type HashedKey, writeText } from '@telemed-ledger/verifier/entry.ts';
import { checkEvidence, type Evidence } from '@telemed-ledger/verifier/evidence.ts';
import type { Roots } from '@telemed-ledger/verifier/roots.ts';
import { leafHash, rootOf, toHex } from '@telemed-ledger/verifier/tree.ts';
import { expect } from 'chai';

type Member = 'AMSP' | 'BMSP';
interface Identity extends KeyPair {
  mspId: string;
}
/** What an envelope is made of; whatever a case changes, the rest follows. */
interface Made {
  channel: string;
  type: number;
  time: number;
  nonce: Buffer;
  sender: Identity;
  endorsers: Identity[];
  chaincode: string;
  /** What a transaction id, a header, a proposal and an endorsement say, from what they should. */
  transactionId: (right: string) => string;
  actionHeader: (right: Buffer) => Buffer;
  proposalHash: (right: Buffer) => Buffer;
  endorsed: (right: Buffer) => Buffer;
  signature: (right: Buffer) => Buffer;
  actions: (right: Buffer) => Buffer[];
  envelope: (right: Buffer) => Buffer;
}

const BLOCK = 300;
const same = <T>(right: T): T => right;
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const write: HashedKey = { collection: 'care_a', keyHash: 'aa'.repeat(32), valueHash: 'bb'.repeat(32) };

const fixed = ({ privateKey }: KeyPair, message: Uint8Array): Buffer =>
  sign('sha256', message, { key: createPrivateKey(privateKey), dsaEncoding: 'ieee-p1363' });
const signed = (by: KeyPair, message: Uint8Array): Buffer => lowSDer(fixed(by, message));
const serialized = ({ mspId, certificate }: Identity): Buffer => encode([1, mspId], [2, certificate]);

function envelopeOf(made: Made): { envelope: Buffer; transactionId: string } {
  const creator = serialized(made.sender);
  const signatureHeader = encode([1, creator], [2, made.nonce]);
  const transactionId = made.transactionId(sha256(made.nonce, creator).toString('hex'));
  const timestamp = encode([1, made.time]);
  const channelHeader = encode([1, made.type], [3, timestamp], [4, made.channel], [5, transactionId]);
  const proposalPayload = encode([1, 'input']);
  const set = encode([1, Buffer.from(write.keyHash, 'hex')], [3, Buffer.from(write.valueHash!, 'hex')]);
  const namespace = encode([1, made.chaincode], [3, encode([1, write.collection], [2, encode([2, set])])]);
  const action = encode([1, encode([2, namespace])], [4, encode([2, made.chaincode])]);
  const proposalHash = made.proposalHash(sha256(channelHeader, signatureHeader, proposalPayload));
  const response = encode([1, proposalHash], [2, action]);
  const endorsements = made.endorsers.map((one) => {
    const endorser = serialized(one);
    return encode([1, endorser], [2, signed(one, Buffer.concat([made.endorsed(response), endorser]))]);
  });
  const endorsedAction = encode([1, response], ...repeated(2, endorsements));
  const actionPayload = encode([1, proposalPayload], [2, endorsedAction]);
  const actions = made.actions(encode([1, made.actionHeader(signatureHeader)], [2, actionPayload]));
  const header = encode([1, channelHeader], [2, signatureHeader]);
  const payload = encode([1, header], [2, encode(...repeated(1, actions))]);
  const signature = made.signature(signed(made.sender, payload));
  return { envelope: made.envelope(encode([1, payload], [2, signature])), transactionId };
}

/** The evidence, and the entry of a tree whose signers stand by it. */
async function evidenceOf(made: Made): Promise<{ evidence: Evidence; entry: Entry }> {
  const { envelope, transactionId } = envelopeOf(made);
  return { evidence: inBlock(envelope), entry: await entryOf(envelope, transactionId) };
}

const hashOf = (envelope: Uint8Array): string => sha256(envelope).toString('hex');

const inBlock = (envelope: Uint8Array): Evidence => ({
  ...{ envelope: Uint8Array.from(envelope), previousHash: '11'.repeat(32), dataHash: hashOf(envelope) },
});

async function entryOf(envelope: Uint8Array, transactionId: string): Promise<Entry> {
  const [previousHash, dataHash] = [Buffer.alloc(32, 0x11), sha256(envelope)];
  return {
    ...{ block: BLOCK, header: headerHash({ number: BLOCK, previousHash, dataHash }).toString('hex'), position: 0 },
    ...{ transactionId, code: 0, envelope: hashOf(envelope) },
    writes: { count: 1, root: toHex(await rootOf([await leafHash(writeText(write))])) },
  };
}

describe("Fabric's evidence", () => {
  const authorities = new Map<Member, DevelopmentAuthority>();
  let roots: Roots;
  let right: Made;
  let client: Identity;
  /** Once there are certificates: a run may have begun long before. */
  let now: number;

  const identity = async (mspId: Member, ou: 'peer' | 'client'): Promise<Identity> => ({
    ...{ mspId, ...(await authorities.get(mspId)!.enrol({ commonName: `${ou} of ${mspId}`, ou, days: 1 })) },
  });
  const refusal = async (evidence: Evidence, entry: Entry, other = roots): Promise<string> =>
    checkEvidence(evidence, entry, other).then(
      () => 'holds',
      (error: Error) => error.message,
    );
  const refusalOf = async (change: Partial<Made>, other = roots): Promise<string> => {
    const { evidence, entry } = await evidenceOf({ ...right, ...change });
    return refusal(evidence, entry, other);
  };
  const needing = (...of: string[]): Roots => ({
    ...roots,
    endorsement: { ...roots.endorsement!, collections: { care_a: { need: of.length, of } } },
  });

  before(async () => {
    for (const mspId of ['AMSP', 'BMSP'] as const)
      authorities.set(mspId, await openAuthority(await createAuthority(`ca of ${mspId}`, mspId, 30)));
    const floor = { need: 2, of: ['AMSP', 'BMSP', 'CMSP'] };
    roots = {
      ...{ channel: 'channel', genesis: '0'.repeat(64) },
      organisations: [...authorities].map(([mspId, { certificate }]) => ({ mspId, authorities: [certificate] })),
      endorsement: { chaincode: 'chaincode', floor, collections: { care_a: { need: 2, of: ['AMSP', 'BMSP'] } } },
    };
    client = await identity('AMSP', 'client');
    now = Math.floor(Date.now() / 1000);
    right = {
      ...{ channel: 'channel', type: 3, time: now, nonce: randomBytes(24), chaincode: 'chaincode', sender: client },
      endorsers: [await identity('AMSP', 'peer'), await identity('BMSP', 'peer')],
      ...{ transactionId: same, actionHeader: same, proposalHash: same, endorsed: same, signature: same },
      ...{ actions: (one) => [one], envelope: same },
    };
  });

  it('holds where all of it does, and says who sent and who endorsed what', async () => {
    const { evidence, entry } = await evidenceOf(right);
    expect(await checkEvidence(evidence, entry, roots)).to.deep.equal({
      ...{ sender: 'AMSP', time: now, chaincode: 'chaincode', endorsers: ['AMSP', 'BMSP'], collections: ['care_a'] },
      ...{ isJudged: true, isAlone: true },
    });
  });

  it('is not judged by policies that are not among the roots, or of another chaincode', async () => {
    const { endorsement, ...without } = roots;
    const { evidence, entry } = await evidenceOf(right);
    const other = { ...roots, endorsement: { ...endorsement!, chaincode: 'other' } };
    for (const one of [without, other]) expect((await checkEvidence(evidence, entry, one))?.isJudged).to.equal(false);
  });

  it('is of a chaincode whose writes the tree does not have, as of Fabric’s own, and then nothing is judged', async () => {
    const { evidence, entry } = await evidenceOf({ ...right, chaincode: '_lifecycle' });
    const { writes: _, ...none } = entry;
    const found = await checkEvidence(evidence, { ...none, writes: undefined }, roots);
    expect(found).to.deep.include({ chaincode: '_lifecycle', collections: [], isJudged: false });
  });

  it('is of no effect where the members found the transaction invalid', async () => {
    const { evidence, entry } = await evidenceOf({ ...right, endorsers: [] });
    expect(await checkEvidence(evidence, { ...entry, code: 10 }, roots)).to.equal(undefined);
  });

  it('is refused with any byte of the envelope changed, also where the members signed for the changed one', async () => {
    const { evidence, entry } = await evidenceOf(right);
    const accepted: number[] = [];
    for (let at = 0; at < evidence.envelope.length; at += 1) {
      const envelope = evidence.envelope.slice();
      envelope[at]! ^= 1 + (at % 127);
      const colluding = await entryOf(envelope, entry.transactionId!);
      if ((await refusal(inBlock(envelope), colluding)) === 'holds') accepted.push(at);
      if (at % 50 === 0) expect(await refusal({ ...evidence, envelope }, entry)).to.match(/another envelope/);
    }
    expect(accepted).to.deep.equal([]);
  }).timeout(180_000);

  it('is refused for each thing that Fabric would refuse', async () => {
    const highS = (der: Buffer): Buffer => {
      const length = der[3]!;
      const s = BigInt(`0x${der.subarray(6 + length).toString('hex')}`);
      const high = Buffer.from((ORDER - s).toString(16).padStart(64, '0'), 'hex');
      const integer = Buffer.concat([Buffer.of(2, 33, 0), high]);
      const content = Buffer.concat([der.subarray(2, 4 + length), integer]);
      return Buffer.concat([Buffer.of(0x30, content.length), content]);
    };
    const [own, other] = right.endorsers as [Identity, Identity];
    const cases: [string, Partial<Made>, RegExp][] = [
      ['another channel', { channel: 'other' }, /another transaction/],
      ['another kind of envelope', { type: 1 }, /no transaction/],
      ['another transaction id', { transactionId: () => 'ab'.repeat(32) }, /not of its transaction id/],
      ['two actions', { actions: (one) => [one, one] }, /no transaction/],
      ['no action', { actions: () => [] }, /no transaction/],
      ['an action under another header', { actionHeader: () => Buffer.of(10, 0) }, /no transaction/],
      ['another proposal', { proposalHash: () => Buffer.alloc(32) }, /another proposal/],
      ['another response endorsed', { endorsed: () => Buffer.alloc(32) }, /signature of AMSP does not fit/],
      [
        'a sender who did not sign',
        { signature: () => signed(own, Buffer.alloc(1)) },
        /signature of AMSP does not fit/,
      ],
      ['a high S', { signature: highS }, /not in its form/],
      ['a sender of nobody here', { sender: { ...client, mspId: 'CMSP' } }, /CMSP is no member/],
      ['a sender of another authority', { sender: { ...client, mspId: 'BMSP' } }, /no authority of BMSP/],
      ['a sender after his certificate', { time: now + 2 * 86_400 }, /not in force/],
      ['an endorser that is a client', { endorsers: [client, other] }, /endorser of AMSP is no peer/],
      ['an endorser of another authority', { endorsers: [{ ...own, mspId: 'BMSP' }, own] }, /no authority of BMSP/],
      ['one endorser', { endorsers: [own] }, /AMSP are not enough/],
      ['one endorser twice', { endorsers: [own, own] }, /not enough/],
      ['no endorser', { endorsers: [] }, /not enough/],
      [
        'something after its two fields',
        { envelope: (one) => Buffer.concat([one, encode([3, 1])]) },
        /not in its form/,
      ],
      ['a field twice', { envelope: (one) => Buffer.concat([one, encode([2, 'x'])]) }, /not in its form/],
    ];
    for (const [name, change, expected] of cases) expect(await refusalOf(change), name).to.match(expected);
  });

  it('is refused under other roots: a policy that needs more, none of this collection, a revoked peer', async () => {
    expect(await refusalOf({}, needing('AMSP', 'BMSP', 'CMSP'))).to.match(/AMSP, BMSP are not enough for care_a/);
    const floor = { need: 3, of: ['AMSP', 'BMSP', 'CMSP'] };
    const above = { ...roots, endorsement: { ...roots.endorsement!, floor } };
    expect(await refusalOf({}, above)).to.match(/not enough for chaincode/);
    const none = { ...roots, endorsement: { ...roots.endorsement!, collections: {} } };
    expect(await refusalOf({}, none)).to.match(/do not say who endorses what is written to care_a/);
    const revoking = async (certificate: string): Promise<Roots> => {
      const list = await authorities.get('AMSP')!.revoke([certificate], 1);
      const organisations = roots.organisations.map((one) =>
        one.mspId === 'AMSP' ? { ...one, revocations: [list] } : one,
      );
      return { ...roots, organisations };
    };
    expect(await refusalOf({}, await revoking(right.endorsers[0]!.certificate))).to.match(/is revoked/);
    // Practitioners leave: the members judged the sender when he sent.
    expect(await refusalOf({}, await revoking(client.certificate))).to.equal('holds');
  });

  it('is refused of another block, and of other writes than the tree says', async () => {
    const { evidence, entry } = await evidenceOf(right);
    for (const name of ['previousHash', 'dataHash'] as const)
      expect(await refusal({ ...evidence, [name]: '22'.repeat(32) }, entry)).to.match(/another block/);
    expect(await refusal(evidence, { ...entry, block: BLOCK + 1 })).to.match(/another block/);
    for (const writes of [undefined, { count: 1, root: '33'.repeat(32) }, { ...entry.writes!, count: 2 }])
      expect(await refusal(evidence, { ...entry, writes })).to.match(/other writes/);
  });
});
