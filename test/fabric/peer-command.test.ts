/** Fabric's own `peer` command, unchanged, against the embedded network: an administrator's and a client's questions. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { common } from '@hyperledger/fabric-protos';
import { CHAINCODE, CHANNEL, Fixture } from '@telemed-ledger/network/embedded/fixtures/network.ts';
import { binaryProblems, findBinaries } from '@telemed-ledger/network/fabric/binaries.ts';
import { type CommandError, run } from '@telemed-ledger/network/fabric/command.ts';
import { writeIfDifferent, writeYaml } from '@telemed-ledger/network/fabric/files.ts';
import { writeMemberMsp } from '@telemed-ledger/network/fabric/msp.ts';
import { administratorConfig } from '@telemed-ledger/network/fabric/peer-config.ts';
import { expect } from 'chai';

const problems = await binaryProblems(process.env);

describe("Fabric's peer command on the embedded network", function () {
  this.timeout(60_000);
  if (problems.length > 0) {
    it(`is skipped: ${problems.join('; ')}`, function () {
      this.skip();
    });
    return;
  }
  let directory: string;
  let fixture: Fixture;
  const program = findBinaries(process.env).found.peer ?? '';

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'peer-command-'));
    fixture = await Fixture.start();
    for (const [name, { mspId, ca, config }] of fixture.organisations)
      for (const unit of ['admin', 'client']) {
        const msp = join(directory, name, unit, 'msp');
        const authorities = { ...config, revocationLists: [] };
        writeMemberMsp(msp, authorities, await ca.issue({ commonName: `${unit}.${mspId}`, units: [unit] }));
      }
    writeYaml(join(directory, 'core.yaml'), administratorConfig());
    for (const [name, { ca }] of fixture.organisations) writeIfDifferent(tlsRoot(name), ca.certificate);
  });
  after(async () => {
    await fixture?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const tlsRoot = (name: string) => join(directory, name, 'tlsca.pem');
  const addressOf = (name: string) => fixture.network.endpoints[name] ?? '';

  /** A `peer` command of alpha's administrator to its own peer, unless told otherwise; its output. */
  async function peer(command: string, { as = 'alpha', unit = 'admin', at = 'alpha' } = {}): Promise<string> {
    const environment = {
      FABRIC_CFG_PATH: directory,
      FABRIC_LOGGING_SPEC: 'ERROR',
      CORE_PEER_LOCALMSPID: fixture.organisation(as).mspId,
      CORE_PEER_MSPCONFIGPATH: join(directory, as, unit, 'msp'),
      CORE_PEER_ADDRESS: addressOf(at),
      CORE_PEER_TLS_ENABLED: 'true',
      CORE_PEER_TLS_ROOTCERT_FILE: tlsRoot(at),
    };
    const { stdout, stderr } = await run(program, command.split(' '), environment);
    return `${stdout}${stderr}`;
  }

  const refusal = (command: string, who: Parameters<typeof peer>[1]): Promise<string> =>
    peer(command, who).then(
      (output) => `succeeded: ${output}`,
      (error: CommandError) => error.output,
    );

  /** The options of an order that alpha and beta endorse. */
  const ordered = () =>
    [
      `-C ${CHANNEL} -n ${CHAINCODE} -o ${addressOf('alpha')} --tls --cafile ${tlsRoot('alpha')}`,
      ...['alpha', 'beta'].map((name) => `--peerAddresses ${addressOf(name)} --tlsRootCertFiles ${tlsRoot(name)}`),
    ].join(' ');
  const put = (key: string, value: string) => JSON.stringify({ Args: ['put', key, value] });

  it('lists the channels that a peer has joined, to every member of its organisation', async () => {
    for (const unit of ['admin', 'client']) expect(await peer('channel list', { unit })).to.match(/\btesting\b/);
    expect(await refusal('channel list', { as: 'beta' })).to.contain(
      'access denied: channel [] creator org unknown, creator is malformed',
    );
  });

  it('tells the height of a channel, and says which it does not know', async () => {
    expect(await peer(`channel getinfo -c ${CHANNEL}`)).to.match(/Blockchain info: \{"height":\d+,/);
    expect(await refusal('channel getinfo -c nowhere', {})).to.contain('Invalid chain ID, nowhere');
  });

  it('lists what is installed on a peer, to its administrator alone', async () => {
    const installed = JSON.parse(await peer('lifecycle chaincode queryinstalled --output json'));
    const packageId = fixture.config.chaincodes[0]?.packageId;
    expect(installed.installed_chaincodes).to.deep.equal([
      {
        package_id: packageId,
        label: 'basic',
        references: { [CHANNEL]: { chaincodes: [{ name: CHAINCODE, version: '1.0' }] } },
      },
    ]);
    expect(await refusal('lifecycle chaincode queryinstalled', { unit: 'client' })).to.contain(
      'The identity is not an admin under this MSP [AlphaMSP]',
    );
  });

  it('tells what is approved and what is committed', async () => {
    const channel = `-C ${CHANNEL} -n ${CHAINCODE} --output json`;
    const approved = JSON.parse(await peer(`lifecycle chaincode queryapproved ${channel}`));
    expect(approved).to.deep.include({ sequence: 1, version: '1.0' });
    const committed = JSON.parse(await peer(`lifecycle chaincode querycommitted ${channel}`));
    expect(committed).to.deep.include({
      sequence: 1,
      version: '1.0',
      approvals: { AlphaMSP: true, BetaMSP: true, GammaMSP: true },
    });
    const all = JSON.parse(await peer(`lifecycle chaincode querycommitted -C ${CHANNEL} --output json`));
    expect(all.chaincode_definitions.map(({ name }: { name: string }) => name)).to.deep.equal([CHAINCODE]);
  });

  it('invokes chaincode through the orderer, waits for the block, and queries it', async () => {
    const output = await peer(`chaincode invoke ${ordered()} --waitForEvent -c ${put('by-command', 'seen')}`);
    expect(output).not.to.contain('Error');
    const query = JSON.stringify({ Args: ['get', 'by-command'] });
    expect(await peer(`chaincode query -C ${CHANNEL} -n ${CHAINCODE} -c ${query}`, { unit: 'client' })).to.equal(
      'seen\n',
    );
  });

  it('fetches blocks from a peer and from the orderer: the oldest, the newest and the configuration', async () => {
    await peer(`chaincode invoke ${ordered()} --waitForEvent -c ${put('another', '1')}`);
    const file = join(directory, 'fetched.block');
    const fetched = async (what: string, from = '') => {
      await peer(`channel fetch ${what} ${file} -c ${CHANNEL}${from}`);
      return common.Block.deserializeBinary(readFileSync(file));
    };
    const orderer = ` -o ${addressOf('beta')} --tls --cafile ${tlsRoot('beta')}`;
    for (const from of ['', orderer]) {
      expect((await fetched('oldest', from)).getHeader()?.getNumber()).to.equal(0);
      expect((await fetched('config', from)).getHeader()?.getNumber()).to.equal(0);
      const newest = await fetched('newest', from);
      const { height } = JSON.parse((await peer(`channel getinfo -c ${CHANNEL}`)).split('info: ')[1] ?? '');
      expect(newest.getHeader()?.getNumber()).to.equal(height - 1);
      const [, , codes] = newest.getMetadata()?.getMetadataList_asU8() ?? [];
      expect(codes).to.have.length(from === '' ? 1 : 0);
    }
  });
});
