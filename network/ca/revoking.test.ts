import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { expect } from 'chai';
import { createAuthority, openAuthority } from './authority.ts';
import { prepareNodes } from './nodes.ts';
import { enrolUser, localHosts, organisationDirectory, prepareOrganisations, userDirectory } from './organisations.ts';
import { renew } from './renewing.ts';
import { Revocations, revocationListFile, revoke } from './revoking.ts';

const consortium = loadConsortium();

describe('Revoking certificates', function () {
  this.timeout(30_000);
  let dataDir: string;
  const directory = (): string => organisationDirectory(dataDir, 'hospital');
  const enrolled = async (user: string): Promise<string> =>
    readFileSync((await enrolUser(dataDir, 'hospital', 'practitioner', user)).certificate, 'utf8');
  const refusal = (...certificates: string[]): Promise<string> =>
    revoke(dataDir, 'hospital', certificates).then(
      () => 'not refused',
      (error: Error) => error.message,
    );

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'revoking-'));
    await prepareOrganisations(dataDir, consortium);
    await prepareNodes(dataDir, consortium);
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  it('takes effect at once, for those that are named and for those that were before', async () => {
    const users = await Promise.all(Array.from({ length: 20 }, (_, at) => enrolled(`Practitioner/${at}`)));
    const revocations = new Revocations(directory());
    expect(users.map((one) => revocations.has(one))).to.not.include(true);
    await revoke(dataDir, 'hospital', users.slice(0, 5));
    await revoke(dataDir, 'hospital', users.slice(4, 10));
    expect(users.map((one) => revocations.has(one))).to.deep.equal(users.map((_, at) => at < 10));
    const list = readFileSync(revocationListFile(directory()), 'utf8');
    const organisations = (await prepareOrganisations(dataDir, consortium)).organisations;
    expect(organisations.find(({ name }) => name === 'hospital')!.revocationLists).to.deep.equal([list]);
    expect(userDirectory(directory(), 'practitioner', 'Practitioner/3')).to.contain('identities/practitioner-');
  });

  it('refuses every certificate that is in use by a node, an administrator or the gateway, until it is renewed', async () => {
    const used = [
      'peer',
      'admin',
      'orderers/orderer-hospital',
      'identities/system',
      'identities/practitioner',
      'identities/operator',
    ];
    for (const name of used) {
      const certificate = readFileSync(join(directory(), name, 'cert.pem'), 'utf8');
      expect(await refusal(certificate), name).to.contain(`it is in use as ${name}`);
    }
    const before = readFileSync(join(directory(), 'peer', 'cert.pem'), 'utf8');
    await renew(dataDir, consortium, 'peer-hospital', localHosts);
    await revoke(dataDir, 'hospital', [before]);
    expect(new Revocations(directory()).has(before)).to.equal(true);
  });

  it('refuses what another authority has issued, and changes nothing then', async () => {
    const own = await enrolled('Practitioner/1');
    const impostor = await openAuthority(await createAuthority('ca.hospital', 'hospital', 1));
    const forged = (await impostor.enrol({ commonName: 'x', ou: 'client', days: 1 })).certificate;
    const tls = readFileSync(join(directory(), 'peer', 'tls.pem'), 'utf8');
    for (const other of [forged, tls])
      expect(await refusal(own, other)).to.contain("not of the organisation's authority for identities");
    expect(new Revocations(directory()).has(own)).to.equal(false);
  });

  it('heeds a list that came by other means', async () => {
    const own = await enrolled('Practitioner/1');
    const revocations = new Revocations(directory());
    expect(revocations.has(own)).to.equal(false);
    const [certificate, privateKey] = ['ca.pem', 'ca.key'].map((file) =>
      readFileSync(join(directory(), 'ca', file), 'utf8'),
    );
    const authority = await openAuthority({ certificate: certificate!, privateKey: privateKey! });
    writeFileSync(revocationListFile(directory()), await authority.revoke([own], 1));
    expect(revocations.has(own)).to.equal(true);
  });
});
