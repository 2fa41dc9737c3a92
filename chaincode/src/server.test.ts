import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { recordDraft, sheetOf } from './contracts/example-sheets.fixture.ts';
import { ExamplePeer, PRACTITIONER_CERTIFICATE, SYSTEM_CERTIFICATE } from './example-peer.fixture.ts';
import { exampleConsortium } from './ledger/example-consortium.fixture.ts';
import { findLedgerError } from './model/errors.ts';
import type { SheetDraft } from './model/sheets.ts';
import { type RunningServer, serve } from './server.ts';

const asHospital = { mspId: 'HospitalMSP', certificate: SYSTEM_CERTIFICATE };

const observation = () => recordDraft({ resourceType: 'Observation', id: randomUUID() });

const keysOf = ({ id, records }: SheetDraft): string[] =>
  [`sheet/${id}`, `content/${id}/0`, `version/${records[0]!.id}/1`].map((key) => `care_hospital ${key}`);

describe('the chaincode server', () => {
  let server: RunningServer;
  let peer: ExamplePeer;
  let ccid: string;
  before(async () => {
    server = await serve({ consortium: exampleConsortium, ccid: 'telemed:1', address: '127.0.0.1:0' });
    ({ peer, ccid } = await ExamplePeer.connect(server.address));
  });
  after(() => {
    peer.close();
    server.close();
  });

  it('registers with the peer under its id, on the port that it states', () => {
    expect(ccid).to.equal('telemed:1');
    expect(server.address).to.match(/^127\.0\.0\.1:[1-9]\d+$/);
  });

  it('reads the caller from a real certificate and writes through the shim', async () => {
    const sheet = sheetOf([observation()]);
    const completion = await peer.invoke({
      name: 'records:RecordVersions',
      arguments: ['{}'],
      ...asHospital,
      private: { sheets: [sheet] },
    });
    expect(completion).to.include({ status: 200, message: '' });
    expect([...completion.puts.keys()]).to.deep.equal(keysOf(sheet));
    const { leaves } = JSON.parse(completion.puts.get(`care_hospital content/${sheet.id}/0`)!);
    expect(JSON.parse(leaves[0])).to.deep.include({ author: 'HospitalMSP', id: sheet.records[0]!.id });
  });

  describe('to a peer that says what it takes', () => {
    /** protos.ChaincodeAdditionalParams, as Fabric 3.1 sends it with READY. */
    const params = (...bytes: number[]) => Uint8Array.of(...bytes);
    const written = async (takes: Uint8Array, sheets: SheetDraft[]) => {
      const { peer: other } = await ExamplePeer.connect(server.address, takes);
      try {
        const request = { name: 'records:RecordVersions', arguments: ['{}'], ...asHospital, private: { sheets } };
        const { status, puts } = await other.invoke(request);
        expect(status).to.equal(200);
        return { batches: other.batches, keys: [...puts.keys()] };
      } finally {
        other.close();
      }
    };

    for (const [what, takes, expected] of [
      ['1,000 writes at once: one message', params(8, 1, 16, 0xe8, 7, 24, 1, 32, 0xe8, 7), 1],
      ['two at once', params(8, 1, 16, 2), 3],
      ['no batches: each alone', params(16, 0xe8, 7), 0],
      ['nothing that is read here: each alone', params(0x0a, 2, 8, 1), 0],
    ] as const)
      it(`sends writes as it says: ${what}`, async () => {
        const sheets = [sheetOf([observation()]), sheetOf([observation()])];
        expect(await written(takes, sheets)).to.deep.equal({ batches: expected, keys: sheets.flatMap(keysOf) });
      });
  });

  it('takes who asks from the certificate', async () => {
    const id = randomUUID();
    const patient = { system: 'urn:x', value: '1' };
    const completion = await peer.invoke({
      name: 'access:RequestAccess',
      arguments: [JSON.stringify({ id })],
      mspId: 'ClinicMSP',
      certificate: PRACTITIONER_CERTIFICATE,
      private: {
        request: {
          id,
          salt: randomBytes(32).toString('hex'),
          holder: 'hospital',
          patient,
          types: [],
          purpose: 'TREAT',
        },
      },
    });
    expect(completion.status).to.equal(200);
    const request = JSON.parse(completion.puts.get(`inbox_clinic request/${id}`)!);
    expect(request.practitioner).to.equal('Practitioner/5f0c1b7e-0000-4000-8000-000000000001');
    expect(completion.event?.name).to.equal('AccessRequested');
  });

  it('carries a failure back as text in which it is found again', async () => {
    const completion = await peer.invoke({ name: 'records:RecordVersions', arguments: ['{}'], ...asHospital });
    expect(completion.status).to.equal(500);
    expect(completion.puts.size).to.equal(0);
    expect(findLedgerError(completion.message)).to.include({ code: 'INVALID', expression: 'private' });
  });

  it('sends nothing for a transaction after the refusal, however many reads were to follow', async () => {
    const records = Array.from({ length: 20 }, () => ({ ...observation(), version: 2 }));
    peer.state.set(`care_hospital version/${records[0]?.id}/2`, '{}');
    const hidden = { sheets: [sheetOf(records)] };
    const refused = { name: 'records:RecordVersions', arguments: ['{}'], ...asHospital, private: hidden };
    const { message } = await peer.invoke(refused);
    expect(findLedgerError(message)).to.include({ code: 'CONFLICT' });
    // Whatever the first had still to send comes before the answer to a second.
    await peer.invoke(refused);
    expect(peer.late).to.equal(0);
  });

  const unknown: [string, string, string[]][] = [
    ['an unknown transaction', 'records:Forget', ['{}']],
    ['an unknown contract', 'pharmacy:Dispense', ['{}']],
    ['what a contract only inherits', 'records:getName', []],
    ['a second argument', 'registry:ListOrganisations', ['{}', '{}']],
    ['no argument', 'registry:ListOrganisations', []],
    ['an argument that is not JSON', 'registry:ListOrganisations', ['Jane Doe, born 1970']],
  ];
  for (const [what, name, list] of unknown)
    it(`refuses ${what}, and repeats nothing of it`, async () => {
      const completion = await peer.invoke({ name, arguments: list, ...asHospital });
      expect(completion.status).to.equal(500);
      expect(completion.message).not.to.contain('Jane');
    });

  it('answers its transactions by the contract that holds them', async () => {
    const completion = await peer.invoke({ name: 'registry:ListOrganisations', arguments: ['{}'], ...asHospital });
    expect(JSON.parse(completion.payload).organisations).to.have.length(6);
  });

  it('keeps many transactions at once apart', async () => {
    const sheets = Array.from({ length: 20 }, () => sheetOf([observation()]));
    const completions = await Promise.all(
      sheets.map((sheet) =>
        peer.invoke({
          name: 'records:RecordVersions',
          arguments: ['{}'],
          ...asHospital,
          private: { sheets: [sheet] },
        }),
      ),
    );
    const written = completions.map(({ puts }) => [...puts.keys()]);
    expect(written).to.deep.equal(sheets.map(keysOf));
  });

  it('never loads the logger that would write arguments out', async () => {
    const script = `
      await import(${JSON.stringify(new URL('./server.ts', import.meta.url).href)});
      const { createRequire } = await import('node:module');
      const { cache } = createRequire(${JSON.stringify(import.meta.url)});
      console.log(JSON.stringify(Object.keys(cache)));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    const loaded = JSON.parse(stdout) as string[];
    expect(loaded.some((path) => path.includes('/fabric-shim/lib/handler.js'))).to.equal(true);
    expect(loaded.filter((path) => path.includes('/winston/'))).to.deep.equal([]);
  });

  it('names the address that is taken', async () => {
    const options = { consortium: exampleConsortium, ccid: 'telemed:1', address: server.address };
    const failure = await serve(options).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(failure).to.contain(server.address);
  });
});
