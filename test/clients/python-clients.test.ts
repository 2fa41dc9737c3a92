/** fhirclient and fhirpy drive a gateway as they come from PyPI, where Python has them. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { ClientsGateway, drive } from './gateway.fixture.ts';

const SCRIPT = fileURLToPath(new URL('./python/drive.py', import.meta.url));
const isThere = () => spawnSync('python3', ['-c', 'import fhirclient, fhirpy, requests']).status === 0;
/** Of each library, and of the export. */
const STEPS = { fhirclient: 29, fhirpy: 17, export: 2 };

describe('Python’s FHIR clients', function () {
  this.timeout(240_000);
  let gateway: ClientsGateway;
  before(async function () {
    // Skipped where they are not installed: pip install --target DIR fhirclient fhirpy, and PYTHONPATH=DIR.
    if (!isThere()) return this.skip();
    gateway = await ClientsGateway.start();
  });
  after(() => gateway?.close());

  it('create, read, search, page, write in transactions, ask for operations, delete and export', async () => {
    const system = await gateway.consortium.token('hospital', 'system');
    const steps = await drive('python3', [SCRIPT, gateway.fhir, await gateway.token(), system]);
    for (const [library, count] of Object.entries(STEPS))
      expect(
        steps.filter((one) => one.startsWith(library)),
        library,
      ).to.have.length(count);
  });
});
