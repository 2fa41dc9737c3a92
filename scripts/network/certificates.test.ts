import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { certificatesIn } from '@telemed-ledger/network/ca/certificates.ts';
import { prepareNodes } from '@telemed-ledger/network/ca/nodes.ts';
import { enrolUser, localHosts, prepareOrganisations } from '@telemed-ledger/network/ca/organisations.ts';
import { renew, renewable } from '@telemed-ledger/network/ca/renewing.ts';
import { expect } from 'chai';
import { certificateLines } from './certificates.ts';

const consortium = loadConsortium();
const DAY_MS = 86_400_000;
const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);

describe('npm run network -- certs', function () {
  this.timeout(20_000);
  let dataDir: string;
  const listed = () => certificatesIn(join(dataDir, 'organisations'));

  before(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'certs-'));
    await prepareOrganisations(dataDir, consortium);
    await prepareNodes(dataDir, consortium);
    for (const number of [1, 2, 3]) await enrolUser(dataDir, 'clinic', 'practitioner', `Practitioner/${number}`);
  });
  after(() => rmSync(dataDir, { recursive: true }));

  it('lists every certificate there is, each with what stops and what to do', async () => {
    const files = readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.pem'));
    // Beside certificates there are keys of identities.
    const certificates = files.filter((file) => !file.endsWith('key.pem')).map((file) => join(dataDir, file));
    expect(listed().map(({ path }) => path)).to.have.members(certificates);
    for (const { whose, stops, remedy } of listed()) expect([whose, stops, remedy]).not.to.include('');
    await renew(dataDir, consortium, 'orderer-payer', localHosts);
    expect(listed().filter(({ whose }) => whose === 'orderer-payer, new')).to.have.length(2);
  });

  it('names remedies that there are', () => {
    const known = renewable(consortium);
    const named = listed().flatMap(({ remedy }) => /renew (\S+?),/.exec(remedy)?.[1] ?? []);
    expect(named.length).to.be.greaterThan(20);
    expect(named.filter((name) => !known.includes(name))).to.deep.equal([]);
    expect(new Set(named)).to.deep.equal(new Set(known));
  });

  it('puts those first that end first, users of one role in one line, and says in time what to do', () => {
    const { lines, hasEnded } = certificateLines(listed(), inDays(0));
    expect(hasEnded).to.equal(false);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/^clinic: one practitioner \(the first of 3\) +36[45] +\S+ +nothing of hers is signed$/m);
    const days = [...lines[0]!.matchAll(/ (\d+) +\d{4}-\d\d-\d\d/g)].map(([, left]) => Number(left));
    expect(days).to.deep.equal(days.toSorted((one, other) => one - other));
    const late = certificateLines(listed(), inDays(825 - 10));
    expect(late.lines).to.include('orderer-payer ends in 9 days: npm run network -- renew orderer-payer, then apply');
    expect([late.hasEnded, late.lines.some((line) => line.startsWith('admin-bank has ended: '))]).to.deep.equal([
      true,
      true,
    ]);
  });

  it('names one that cannot be read', () => {
    const path = join(dataDir, 'organisations', 'bank', 'peer', 'tls.pem');
    writeFileSync(path, 'nonsense');
    const { lines, hasEnded } = certificateLines(listed(), inDays(0));
    expect([hasEnded, lines.at(-1)]).to.deep.equal([
      true,
      `${path} cannot be read as a certificate: npm run network -- renew peer-bank, then apply`,
    ]);
  });

  it('has nothing to list before there is anything', () => {
    expect(certificateLines(certificatesIn('/nowhere'), inDays(0)).lines).to.deep.equal([
      'there are no certificates yet: npm run network -- up',
    ]);
  });
});
