import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { expect } from 'chai';
import { joinOrderer } from './channel.ts';
import { layoutOf, type OrdererLayout } from './layout.ts';
import { ordererNode, organisationIn } from './material.ts';
import { materialOf } from './prepare.ts';
import type { ClientTls } from './requests.ts';

const BLOCK = Buffer.from([0, 13, 10, 45, 45, 255, 1]);

describe("Joining through an orderer's administration", function () {
  this.timeout(20_000);
  const consortium = loadConsortium();
  let directory: string;
  let genesisBlock: string;
  let tls: ClientTls;
  let server: Server;
  let orderer: OrdererLayout;
  /** What the orderer is asked, and answers: to whether it has the channel, and to the block. */
  let asked: { method: string; body: Buffer; subject: string }[] = [];
  let answers: { height?: number; status: number; text: string };

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'channel-'));
    genesisBlock = join(directory, 'genesis.block');
    writeFileSync(genesisBlock, BLOCK);
    const layout = layoutOf(directory, consortium, 'bft');
    const material = await materialOf(consortium, layout);
    const node = ordererNode(material, 'orderer-payer');
    tls = { ...node.tls, rootCertificate: organisationIn(material, 'payer').tlsCaCertificate };
    server = createServer(
      { cert: tls.certificate, key: tls.privateKey, ca: tls.rootCertificate, requestCert: true },
      async (request, response) => {
        const { authorized } = request.socket as TLSSocket;
        asked.push({ method: request.method ?? '', body: await bodyOf(request), subject: String(authorized) });
        const found = request.method === 'POST' ? answers.status : answers.height === undefined ? 404 : 200;
        response.writeHead(found, { 'content-type': 'application/json' });
        response.end(request.method === 'POST' ? answers.text : JSON.stringify({ height: answers.height }));
        if (request.method === 'POST' && found === 405 && answers.text.includes('exists')) answers.height = 1;
      },
    );
    await listen(0);
    const { port: adminPort } = server.address() as AddressInfo;
    orderer = { ...layout.orderers.find(({ process }) => process === 'orderer-payer')!, adminPort };
  });
  beforeEach(() => {
    asked = [];
  });
  after(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  const listen = (port: number) => new Promise<void>((done) => server.listen(port, '127.0.0.1', () => done()));
  const outcome = (): Promise<string> =>
    joinOrderer({ genesisBlock }, orderer, 'telemed', tls).then(
      () => 'joined',
      (error: Error) => error.message,
    );

  it("sends the block as a form's file, with the node's certificate", async () => {
    answers = { status: 201, text: '{}' };
    expect(await outcome()).to.equal('joined');
    expect(asked.map(({ method, subject }) => [method, subject])).to.deep.equal([
      ['GET', 'true'],
      ['POST', 'true'],
    ]);
    const [boundary] = asked[1]!.body.toString('latin1').split('\r\n');
    const [, content] = asked[1]!.body.toString('latin1').split('\r\n\r\n');
    expect(asked[1]!.body.toString('latin1')).to.contain('name="config-block"; filename=');
    expect(content?.slice(0, BLOCK.length)).to.equal(BLOCK.toString('latin1'));
    expect(asked[1]!.body.toString('latin1').endsWith(`\r\n${boundary}--\r\n`)).to.equal(true);
  });

  it('does nothing where the orderer is in the channel', async () => {
    answers = { height: 3, status: 500, text: '' };
    expect(await outcome()).to.equal('joined');
    expect(asked.map(({ method }) => method)).to.deep.equal(['GET']);
  });

  it('takes it for done where an earlier attempt had got through', async () => {
    answers = { status: 405, text: '{"error":"cannot join: channel already exists"}' };
    expect(await outcome()).to.equal('joined');
  });

  it('says what the orderer has against it', async () => {
    const of = async (status: number, text: string) => {
      answers = { status, text };
      return outcome();
    };
    const prefix = 'orderer-payer did not join the channel:';
    expect(await of(400, '{"error":"invalid join block: no header"}')).to.equal(
      `${prefix} it does not take the block: invalid join block: no header (400)`,
    );
    expect(await of(405, '{"error":"cannot join: system channel"}')).to.contain(`${prefix} it says that the channel`);
    expect(await of(409, '{"error":"cannot join: channel pending removal"}')).to.contain('try again when that is done');
    expect(await of(500, 'not even JSON')).to.equal(`${prefix} not even JSON (500)`);
  });

  it('waits for an orderer that is being started again', async () => {
    answers = { status: 201, text: '{}' };
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    const joining = outcome();
    await new Promise((refused) => setTimeout(refused, 300));
    await listen(orderer.adminPort);
    expect(await joining).to.equal('joined');
  });
});

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
