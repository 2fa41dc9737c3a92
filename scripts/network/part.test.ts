import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { materialOf, prepareNetwork, wantedConfiguration } from '@telemed-ledger/network/fabric/prepare.ts';
import { expect } from 'chai';
import { networkContext } from './context.ts';
import { definitionOnFreePorts } from './native.fixture.ts';
import { exportPart, introduce, take } from './part.ts';

const HOSPICE = `  - name: hospice
    mspId: HospiceMSP
    kind: provider
    host: ledger.hospice.example
    gatewayPort: 8087
    peerPort: 7057
`;

describe('npm run network -- introduce, take, export', function () {
  this.timeout(60_000);
  let tree: string;
  let print: typeof console.log;
  const before_ = { DATA_DIR: process.env['DATA_DIR'], CONSORTIUM: process.env['CONSORTIUM'] };
  const at = (dataDir: string, consortium = join(tree, 'consortium.yaml')): void => {
    process.env['DATA_DIR'] = join(tree, dataDir);
    process.env['CONSORTIUM'] = consortium;
  };
  const names = () => loadConsortium(join(tree, 'consortium.yaml')).organisations.map(({ name }) => name);
  const filesIn = (directory: string): string[] =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  /** Of every private key in a directory, the line that no other key has. */
  const secretsIn = (directory: string): string[] =>
    filesIn(directory).flatMap((file) => {
      const text = readFileSync(file, 'latin1');
      return /PRIVATE KEY/.test(text) ? [text.split('\n').slice(1, -2).join('')] : [];
    });
  const refusal = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'not refused',
      (error: Error) => error.message,
    );

  before(async () => {
    print = console.log;
    console.log = () => undefined;
    tree = mkdtempSync(join(tmpdir(), 'part-'));
    await definitionOnFreePorts(join(tree, 'consortium.yaml'));
    at('all');
    const { consortium, layout } = networkContext();
    await prepareNetwork(consortium, layout);
  });
  after(() => {
    console.log = print;
    rmSync(tree, { recursive: true });
    for (const [name, value] of Object.entries(before_))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  });

  it('exports for every organisation its own keys and nobody else’s, in any file', async () => {
    for (const name of names()) {
      at('all');
      await exportPart({ org: name, to: join(tree, `part-${name}`) });
      const own = secretsIn(join(tree, 'all', 'organisations', name));
      expect(own.length, name).to.be.greaterThan(5);
      const exported = secretsIn(join(tree, `part-${name}`));
      expect(exported.toSorted(), name).to.deep.equal(own.toSorted());
      expect(secretsIn(join(tree, `part-${name}`, 'tell-others'))).to.deep.equal([]);
      const texts = filesIn(join(tree, `part-${name}`)).map((file) => readFileSync(file, 'latin1'));
      const foreign = names()
        .filter((other) => other !== name)
        .flatMap((other) => secretsIn(join(tree, 'all', 'organisations', other)));
      for (const secret of foreign) expect(texts.some((text) => text.includes(secret))).to.equal(false);
    }
  });

  it('is enough for that organisation: its nodes’ files, and the same channel, with nothing made for others', async () => {
    at('all');
    const { consortium, layout } = networkContext();
    const whole = wantedConfiguration(consortium, layout, await materialOf(consortium, layout)).serializeBinary();
    for (const name of names()) {
      const part = `part-${name}`;
      at(part, join(tree, part, 'consortium.yaml'));
      const context = networkContext();
      const material = await prepareNetwork(context.consortium, context.layout);
      expect(wantedConfiguration(context.consortium, context.layout, material).serializeBinary()).to.deep.equal(whole);
      expect(context.layout.peers.map(({ organisation }) => organisation.name)).to.deep.equal([name]);
      expect(context.layout.everywhere.peers).to.have.length(names().length);
      expect(readdirSync(join(tree, part, 'fabric', 'peers'))).to.deep.equal([name]);
      for (const { directory } of context.layout.orderers)
        expect(readdirSync(join(directory, 'tls', 'orderers'))).to.have.length(4);
      // The first copy and the nodes' own.
      expect([...new Set(secretsIn(join(tree, part)))].toSorted()).to.deep.equal(
        [...new Set(secretsIn(join(tree, 'all', 'organisations', name)))].toSorted(),
      );
      const readme = readFileSync(join(tree, part, 'README.md'), 'utf8');
      for (const { process } of [...layout.peers, ...layout.orderers]) expect(readme).to.contain(`- ${process}: `);
    }
  });

  it('introduces who is to join by what is public, and is taken by the others once', async () => {
    const text = readFileSync(join(tree, 'consortium.yaml'), 'utf8').replace('\npolicies:', `${HOSPICE}\npolicies:`);
    writeFileSync(join(tree, 'seven.yaml'), text);
    const seven = join(tree, 'seven.yaml');
    at('hospice', seven);
    await introduce({ org: 'hospice', to: join(tree, 'told') });
    expect(readdirSync(join(tree, 'hospice', 'organisations'))).to.deep.equal(['hospice']);
    expect(secretsIn(join(tree, 'told'))).to.deep.equal([]);
    expect(readFileSync(join(tree, 'told', 'entry.yaml'), 'utf8')).to.contain('ledger.hospice.example');
    cpSync(join(tree, 'all'), join(tree, 'members'), { recursive: true });
    at('members', seven);
    for (let again = 0; again < 2; again += 1) await take({ names: [join(tree, 'told')] });
    const { consortium, layout } = networkContext();
    const material = await materialOf(consortium, layout);
    expect(material.elsewhere!.map(({ name }) => name)).to.deep.equal(['hospice']);
    expect(layout.peers).to.have.length(6);
    expect(await refusal(exportPart({ org: 'hospice', to: join(tree, 'early') })), 'before apply').to.contain(
      'npm run network -- plan',
    );
    expect(await refusal(introduce({ org: 'hospice', to: join(tree, 'other') }))).to.contain('run elsewhere');
  });

  const wrong: [string, () => void, RegExp][] = [
    [
      'a private key',
      () =>
        cpSync(
          join(tree, 'hospice/organisations/hospice/ca/ca.key'),
          join(tree, 'sent/organisations/hospice/ca/crl.pem'),
        ),
      /crl.pem holds a private key/,
    ],
    [
      'a file that is none of those',
      () => writeFileSync(join(tree, 'sent/organisations/hospice/ca/fabric-ca.json'), '{}'),
      /fabric-ca.json is none of the files/,
    ],
    [
      'other authorities',
      () => cpSync(join(tree, 'all/organisations/bank/ca/ca.pem'), join(tree, 'sent/organisations/hospice/ca/ca.pem')),
      /hospice: it is known by other authorities here/,
    ],
    [
      'no authority',
      () =>
        cpSync(join(tree, 'all/organisations/bank/peer/cert.pem'), join(tree, 'sent/organisations/hospice/ca/ca.pem')),
      /ca.pem is no authority's certificate/,
    ],
    [
      'an organisation that nobody defines',
      () =>
        cpSync(join(tree, 'told/organisations/hospice'), join(tree, 'sent/organisations/stranger'), {
          recursive: true,
        }),
      /stranger is not in the consortium's definition/,
    ],
    [
      'authorities of one that is run here',
      () =>
        cpSync(join(tree, 'told/organisations/hospice'), join(tree, 'sent/organisations/bank'), { recursive: true }),
      /bank: it is known by other authorities here/,
    ],
    [
      'another channel',
      () => {
        cpSync(join(tree, 'all/fabric/channel'), join(tree, 'sent/fabric/channel'), { recursive: true });
        writeFileSync(join(tree, 'sent/fabric/channel/genesis.block'), 'another');
      },
      /another channel here already/,
    ],
  ];
  for (const [what, spoil, message] of wrong) {
    it(`takes nothing where there is ${what}`, async () => {
      const sent = join(tree, 'sent');
      rmSync(sent, { recursive: true, force: true });
      cpSync(join(tree, 'told'), sent, { recursive: true });
      spoil();
      at('members', join(tree, 'seven.yaml'));
      const before = filesIn(join(tree, 'members')).map((file) => readFileSync(file, 'latin1'));
      expect(await refusal(take({ names: [sent] }))).to.match(message);
      expect(filesIn(join(tree, 'members')).map((file) => readFileSync(file, 'latin1'))).to.deep.equal(before);
    });
  }

  it('overwrites nothing, and says where nothing is written', async () => {
    at('all');
    expect(await refusal(exportPart({ org: 'bank', to: join(tree, 'part-bank') }))).to.contain(
      'nothing is overwritten',
    );
    expect(await refusal(exportPart({ org: 'bank' }))).to.contain('--to names');
    expect(await refusal(exportPart({ org: 'nobody', to: join(tree, 'x') }))).to.contain('there is no organisation');
    expect(existsSync(join(tree, 'x'))).to.equal(false);
  });
});
