import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { NATIVE } from './place.ts';

describe("The peers' chaincode builder", () => {
  let directory: string;
  const at = (...parts: string[]) => join(directory, ...parts);
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'builder-'));
    for (const name of ['source', 'metadata', 'output', 'release']) mkdirSync(at(name));
    writeFileSync(at('source', 'connection.json'), '{"address":"{{.address}}","tls_required":false}\n');
    writeFileSync(at('metadata', 'metadata.json'), '{"type":"ccaas","label":"x"}\n');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const run = (program: string, args: string[], environment: Record<string, string> = {}) =>
    spawnSync(join(NATIVE.builder.path, 'bin', program), args, {
      env: { PATH: process.env['PATH'] ?? '', ...environment },
      encoding: 'utf8',
    });

  it('takes chaincode that runs as a service, and leaves the rest to others', () => {
    expect(run('detect', [at('source'), at('metadata')]).status).to.equal(0);
    writeFileSync(at('metadata', 'metadata.json'), '{"type":"golang","label":"ccaas"}\n');
    expect(run('detect', [at('source'), at('metadata')]).status).not.to.equal(0);
  });

  it('tells the peer where its organisation runs the chaincode', () => {
    const address = { CHAINCODE_ADDRESS: '127.0.0.1:8051' };
    expect(run('build', [at('source'), at('metadata'), at('output')], address).status).to.equal(0);
    expect(run('release', [at('output'), at('release')]).status).to.equal(0);
    const released = readFileSync(at('release', 'chaincode', 'server', 'connection.json'), 'utf8');
    expect(JSON.parse(released)).to.deep.equal({ address: '127.0.0.1:8051', tls_required: false });
  });

  it('fails where the peer was not told the address', () => {
    const { status, stderr } = run('build', [at('source'), at('metadata'), at('output')]);
    expect(status).not.to.equal(0);
    expect(stderr).to.contain('CHAINCODE_ADDRESS');
  });
});
