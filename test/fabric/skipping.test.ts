import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { expect } from 'chai';

const MOCHA = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');
const ROOT = new URL('../..', import.meta.url).pathname;

/** One file of each part of `npm run test:fabric`. */
const PARTS = {
  conformance: 'test/conformance/fabric.test.ts',
  'the commands': 'test/fabric/network.test.ts',
  scenarios: 'test/scenarios/story.test.ts',
};

describe('npm run test:fabric without Fabric', function () {
  this.timeout(30_000);

  for (const [part, file] of Object.entries(PARTS)) {
    it(`skips ${part} and says why`, () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [MOCHA, '--no-config', '--exit', file], {
        cwd: ROOT,
        encoding: 'utf8',
        env: {
          ...process.env,
          FABRIC_BIN: '/nowhere',
          TEST_NETWORK: part === 'scenarios' ? 'fabric' : '',
          npm_lifecycle_event: 'test:fabric',
        },
      });
      expect(status, stdout + stderr).to.equal(0);
      expect(stdout).to.match(/skipped: Fabric's peer is not in FABRIC_BIN \(\/nowhere\)/);
      expect(stdout)
        .to.match(/\b0 passing/)
        .and.to.match(/\b[1-9]\d* pending/);
    });
  }
});
