import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { tarGz } from './archive.ts';
import { chaincodePackage } from './chaincode-package.ts';

const hasTar = spawnSync('tar', ['--version']).status === 0;

describe('An archive', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'archive-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  it('is what tar unpacks, file by file', function () {
    if (!hasTar) {
      console.log('skipped: there is no tar on this machine');
      this.skip();
    }
    const files = { 'b.txt': 'second', 'a.bin': new Uint8Array(1000).fill(7), 'empty.txt': '' };
    writeFileSync(join(directory, 'archive.tar.gz'), tarGz(files));
    execFileSync('tar', ['-xzf', 'archive.tar.gz'], { cwd: directory });
    expect(readFileSync(join(directory, 'b.txt'), 'utf8')).to.equal('second');
    expect(readFileSync(join(directory, 'a.bin'))).to.deep.equal(Buffer.alloc(1000, 7));
    expect(readFileSync(join(directory, 'empty.txt'), 'utf8')).to.equal('');
  });

  it('is the same whatever the order in which files are given', () => {
    expect(tarGz({ a: '1', b: '2' })).to.deep.equal(tarGz({ b: '2', a: '1' }));
    expect(tarGz({ a: '1', b: '2' })).not.to.deep.equal(tarGz({ a: '1', b: '3' }));
  });

  it('has these bytes, on every machine and at every time', () => {
    const hash = createHash('sha256')
      .update(tarGz({ 'metadata.json': '{}' }))
      .digest('hex');
    expect(hash).to.equal('bbe371ad6b5019753ef80f7a3f6587792bff03e93613a7e75a9f5749835f4209');
  });

  it('refuses a name that does not fit', () => {
    expect(() => tarGz({ ['n'.repeat(101)]: '' })).to.throw('too long');
  });
});

describe('A chaincode package', () => {
  it('is known by the hash of its bytes', () => {
    const { id, bytes, label } = chaincodePackage('telemed_1.0', 'a fingerprint');
    expect(label).to.equal('telemed_1.0');
    expect(id).to.equal(`telemed_1.0:${createHash('sha256').update(bytes).digest('hex')}`);
    expect(id).to.equal('telemed_1.0:97af50dcbe417cba05fe0ca930df2693784b14f97006245ad0473b109339b2c3');
  });

  it('is another one for another fingerprint or label', () => {
    const ids = [
      chaincodePackage('telemed_1.0', 'a'),
      chaincodePackage('telemed_1.0', 'b'),
      chaincodePackage('telemed_1.1', 'a'),
    ].map(({ id }) => id);
    expect(new Set(ids).size).to.equal(3);
  });
});
