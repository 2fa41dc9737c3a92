import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { findBinaries, isSuitable, PROGRAMS, requireBinaries } from './binaries.ts';

describe("Fabric's programs", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'binaries-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const install = (version: string, programs: readonly string[] = PROGRAMS): void => {
    for (const program of programs) {
      writeFileSync(join(directory, program), `#!/bin/sh\necho '${program}:'\necho ' Version: ${version}'\n`);
      chmodSync(join(directory, program), 0o755);
    }
  };
  const failure = (environment: NodeJS.ProcessEnv): Promise<string> =>
    requireBinaries(environment).then(
      () => 'nothing is wrong',
      (error: Error) => error.message,
    );

  it('are found in FABRIC_BIN, or on the PATH', async () => {
    install('v3.1.5');
    const expected = Object.fromEntries(PROGRAMS.map((program) => [program, join(directory, program)]));
    expect(await requireBinaries({ FABRIC_BIN: directory, PATH: '/nowhere' })).to.deep.equal(expected);
    expect(await requireBinaries({ PATH: `/nowhere:${directory}` })).to.deep.equal(expected);
  });

  it('are all named when they are missing, with where they come from', async () => {
    install('v3.1.5', ['peer']);
    const message = await failure({ FABRIC_BIN: directory });
    expect(message).to.contain(`Fabric's orderer is not in FABRIC_BIN (${directory})`);
    expect(message).not.to.contain("Fabric's peer is not");
    expect(message).to.contain('https://github.com/hyperledger/fabric/releases');
    expect(await failure({ PATH: '' })).to.contain("Fabric's peer is not on the PATH");
  });

  it('are refused when they are too old, each by its path and version', async () => {
    install('v2.5.12');
    const message = await failure({ FABRIC_BIN: directory });
    expect(message).to.contain(`${join(directory, 'peer')} is version 2.5.12; at least 3.1.4 (3.x) is needed`);
    expect(message).to.contain(`${join(directory, 'orderer')} is version 2.5.12`);
  });

  it('are refused when they do not run', async () => {
    install('v3.1.5');
    writeFileSync(join(directory, 'orderer'), '#!/bin/sh\necho broken >&2\nexit 3\n');
    expect(await failure({ FABRIC_BIN: directory })).to.contain('orderer cannot be run: broken');
  });

  it('are missing when the file cannot be run', () => {
    install('v3.1.5');
    chmodSync(join(directory, 'peer'), 0o644);
    expect(findBinaries({ FABRIC_BIN: directory }).missing).to.deep.equal(['peer']);
  });

  it('are compared by number, not by text', () => {
    const suitable = ['3.1.4', '3.1.10', '3.2.0', '3.1.5-snapshot'];
    const unsuitable = ['3.1.3', '3.0.9', '2.5.12', '4.0.0', 'latest'];
    expect([...suitable, ...unsuitable].filter(isSuitable)).to.deep.equal(suitable);
  });
});
