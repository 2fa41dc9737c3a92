import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { expect } from 'chai';
import { type Layout, layoutOf } from './layout.ts';
import { Lifecycle, LOST } from './lifecycle.ts';
import type { Material } from './material.ts';

const DEFINITION = { name: 'telemed', version: '1', sequence: 1, packageId: 'a:b', endorsementPolicy: "OR('A.peer')" };

describe('Having a definition ordered', () => {
  const consortium = loadConsortium();
  let directory: string;
  let layout: Layout;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lifecycle-'));
    layout = layoutOf(directory, consortium, 'bft');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** A `peer` that answers by the orderer that it is told to use: its text, or nothing. */
  const lifecycle = (answers: Record<number, string>): Lifecycle => {
    const cases = Object.entries(answers).map(([port, text]) => `*:${port}" "*) echo "Error: ${text}" >&2; exit 1;;`);
    const peer = join(directory, 'peer');
    const script = `#!/bin/sh\necho "$4 $*" | grep -o ' -o [^ ]*' >> ${directory}/asked\ncase "$* " in\n${cases.join('\n')}\nesac\n`;
    writeFileSync(peer, script);
    chmodSync(peer, 0o755);
    const organisations = consortium.organisations.map(({ name }) => ({ name, tlsCaCertificateFile: `/tls/${name}` }));
    const material = { consortium: { organisations } } as unknown as Material;
    return new Lifecycle(layout, 'telemed', material, { peer });
  };
  const asked = (): string[] =>
    readFileSync(join(directory, 'asked'), 'utf8')
      .trim()
      .split('\n')
      .map((each) => each.trim());
  const outcome = (work: Promise<void>): Promise<string> =>
    work.then(
      () => 'done',
      (error: Error) => error.message,
    );
  const refused = 'failed to retrieve broadcast client: orderer client failed to connect to 127.0.0.1';

  it('asks the next orderer when one does not answer, or does not order', async () => {
    const unavailable = 'failed to send transaction: got unexpected status: SERVICE_UNAVAILABLE -- no leader';
    const under = lifecycle({ 7151: refused, 7152: unavailable });
    expect(await outcome(under.approve(layout.peers[0]!, DEFINITION))).to.equal('done');
    expect(asked()).to.deep.equal(['-o 127.0.0.1:7151', '-o 127.0.0.1:7152', '-o 127.0.0.1:7153']);
  });

  it("says the last orderer's answer when none takes it", async () => {
    const under = lifecycle({ 7151: refused, 7152: refused, 7153: refused, 7154: `${refused}:7154` });
    expect(await outcome(under.commit(DEFINITION))).to.contain('127.0.0.1:7154');
    expect(asked()).to.have.length(4);
  });

  it('takes it for done where an orderer that gave no answer had ordered it', async () => {
    const waiting = 'timed out waiting for txid on all peers';
    const again = 'requested sequence is 1, but new definition must be sequence 2';
    expect(await outcome(lifecycle({ 7151: waiting, 7152: again }).commit(DEFINITION))).to.equal('done');
    const unchanged = 'attempted to redefine uncommitted sequence (1) for namespace telemed with unchanged content';
    expect(await outcome(lifecycle({ 7151: unchanged }).approve(layout.peers[0]!, DEFINITION))).to.equal('done');
  });

  it('takes it for done where an attempt that was given up came into a block while the next was on its way', async () => {
    const conflict = 'transaction invalidated with status (MVCC_READ_CONFLICT)';
    const unchanged = 'attempted to redefine uncommitted sequence (1) for namespace telemed with unchanged content';
    const late = 'error receiving from deliver filtered at 127.0.0.1:7053: context deadline exceeded';
    const under = lifecycle({ 7151: late, 7152: conflict, 7153: unchanged });
    expect(await outcome(under.approve(layout.peers[0]!, DEFINITION))).to.equal('done');
  });

  it('asks nobody else what the peers refuse', async () => {
    const refusal = 'proposal failed with status: 500 - chaincode definition not agreed to by this org';
    expect(await outcome(lifecycle({ 7151: refusal }).commit(DEFINITION))).to.contain('not agreed to by this org');
    expect(asked()).to.deep.equal(['-o 127.0.0.1:7151']);
  });

  it('tells an approval that was never given from one whose record is lost', async () => {
    const answer = async (text: string) => {
      const peer = join(directory, 'peer');
      const under = lifecycle({});
      writeFileSync(peer, `#!/bin/sh\necho "Error: ${text}" >&2\nexit 1\n`);
      return under.approved(layout.peers[0]!, 'telemed', 1);
    };
    expect(await answer('could not fetch approved chaincode definition (name: telemed, sequence: 1)')).to.equal(
      undefined,
    );
    expect(await answer('GET_STATE failed: private data matching public hash version is not available')).to.equal(LOST);
  });
});
