import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { membersOf } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { expect } from 'chai';
import { packageIdOf } from './package-id.ts';

describe("The chaincode's package id", () => {
  const members = membersOf(loadConsortium());
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'package-id-'));
    write('chaincode/src/contracts/records.ts', 'one');
    write('network/consortium/members.ts', 'one');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  const idAfter = (file: string): string => {
    write(file, 'two');
    return packageIdOf(members, '1.0', root);
  };

  it('is another one when the sources of the chaincode or of the consortium package change', () => {
    const ids = [packageIdOf(members, '1.0', root), idAfter('chaincode/src/contracts/records.ts')];
    ids.push(idAfter('network/consortium/members.ts'), idAfter('network/consortium/collections.ts'));
    expect(new Set(ids)).to.have.length(4);
    expect(ids[0]).to.match(/^telemed_1\.0:[0-9a-f]{64}$/);
  });

  it('is another one for other members', () => {
    const fewer = { ...members, organisations: members.organisations.slice(1) };
    expect(packageIdOf(fewer, '1.0', root)).to.not.equal(packageIdOf(members, '1.0', root));
  });

  it('stays when tests, fixtures, documents or installed packages change', () => {
    const before = packageIdOf(members, '1.0', root);
    const others = ['chaincode/src/x.test.ts', 'chaincode/src/x.fixture.ts', 'network/consortium/README.md'];
    for (const file of [...others, 'network/consortium/node_modules/yaml/index.ts', 'network/collections.ts']) {
      expect(idAfter(file), file).to.equal(before);
    }
  });
});
