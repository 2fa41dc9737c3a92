import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { dropReadModels, gatewayDirectory } from './read-models.ts';

describe('Read models of two networks', () => {
  let dataDir: string;
  let bank: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'read-models-'));
    bank = join(dataDir, 'organisations', 'bank');
    mkdirSync(bank, { recursive: true });
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  const write = (directory: string, text: string) => writeFileSync(join(directory, 'index.sqlite'), text);
  const read = (directory: string) => readFileSync(join(directory, 'index.sqlite'), 'utf8');

  it('are used in turn and never mixed', () => {
    write(gatewayDirectory(bank, 'embedded'), 'embedded');
    write(gatewayDirectory(bank, 'fabric'), 'fabric');
    expect(read(gatewayDirectory(bank, 'embedded'))).to.equal('embedded');
    expect(read(gatewayDirectory(bank, 'embedded'))).to.equal('embedded');
    expect(read(gatewayDirectory(bank, 'fabric'))).to.equal('fabric');
  });

  it('are the embedded network’s when they were made before there was a choice', () => {
    mkdirSync(join(bank, 'gateway'));
    write(join(bank, 'gateway'), 'old');
    expect(existsSync(join(gatewayDirectory(bank, 'fabric'), 'index.sqlite'))).to.equal(false);
    expect(read(gatewayDirectory(bank, 'embedded'))).to.equal('old');
  });

  it('go with their ledger, in use or aside', () => {
    for (const last of ['embedded', 'fabric'] as const) {
      write(gatewayDirectory(bank, 'embedded'), 'embedded');
      write(gatewayDirectory(bank, 'fabric'), 'fabric');
      gatewayDirectory(bank, last);
      dropReadModels(dataDir, 'fabric');
      expect(read(gatewayDirectory(bank, 'embedded'))).to.equal('embedded');
      expect(existsSync(join(gatewayDirectory(bank, 'fabric'), 'index.sqlite'))).to.equal(false);
      dropReadModels(dataDir, 'fabric');
    }
  });
});
