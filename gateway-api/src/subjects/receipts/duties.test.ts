import { expect } from 'chai';
import type { Services } from '../services.ts';
import { signTree } from './duties.ts';

const SIZE = 8;

/** What a provider's gateway looks for when a block has come, with these signatures on the ledger. */
function lookingAt(signatures: { msp_id: string; size: number; root: string }[]) {
  const asked: number[] = [];
  const errors: object[] = [];
  const services = {
    ...{ witness: { signed: { size: SIZE } }, organisation: { kind: 'provider', mspId: 'OwnMSP' } },
    checkpointEveryMs: 1_000,
    log: { error: (fields: object) => errors.push(fields) },
    index: {
      cosignatures: { newest: async () => signatures, isMoreSince: async () => false },
      tree: {
        size: async () => 2 * SIZE,
        root: async (size: number) => {
          asked.push(size);
          return `root ${size}`;
        },
      },
    },
  } as unknown as Services;
  const duty = signTree.find(({ kind }) => kind === 'provider')!;
  const found = async () => {
    const sizes: number[] = [];
    for await (const size of duty.find(services)) sizes.push(size);
    return sizes;
  };
  return { found, asked, errors };
}

const signed = (msp_id: string, size = SIZE, root = `root ${size}`) => ({ msp_id, size, root });

describe('Signing the tree', () => {
  it('looks up the root of a size once, however many have signed it and whatever comes after', async () => {
    const signatures = ['OwnMSP', 'AMSP', 'BMSP', 'CMSP'].map((mspId) => signed(mspId));
    const { found, asked } = lookingAt(signatures);
    expect([await found(), await found()]).to.deep.equal([[], []]);
    expect(asked).to.deep.equal([SIZE]);
    signatures.push(signed('AMSP', 9));
    expect([await found(), await found()]).to.deep.equal([[9], [9]]);
    expect(asked).to.deep.equal([SIZE, 9]);
  });

  it('says so each time of a member who has signed another', async () => {
    const { found, errors } = lookingAt([signed('OwnMSP'), signed('AMSP', SIZE, 'another')]);
    await found();
    await found();
    expect(errors).to.deep.equal(Array(2).fill({ mspId: 'AMSP', size: SIZE }));
  });
});
