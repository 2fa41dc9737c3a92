/** HAPI’s generic client drives a gateway as it comes from Maven, where its jars are. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { ClientsGateway, drive } from './gateway.fixture.ts';

const SCRIPT = fileURLToPath(new URL('./java/Drive.java', import.meta.url));
/** Directory with the jars of hapi-fhir-client and hapi-fhir-structures-r4, and what they need. */
const JARS = process.env['HAPI_CLIENT_JARS'];
const STEPS = 44;

describe('HAPI’s Java client', function () {
  this.timeout(300_000);
  let gateway: ClientsGateway;
  before(async function () {
    // Skipped where there are none: mvn dependency:copy-dependencies -DoutputDirectory=DIR with test/clients/java/pom.xml, and HAPI_CLIENT_JARS=DIR.
    if (JARS === undefined || spawnSync('java', ['-version']).status !== 0) return this.skip();
    gateway = await ClientsGateway.start();
  });
  after(() => gateway?.close());

  it('creates, reads, searches, pages, patches, writes in transactions, asks for operations and deletes', async () => {
    const steps = await drive('java', ['-cp', `${JARS}/*`, SCRIPT, gateway.fhir, await gateway.token()]);
    expect(steps).to.have.length(STEPS);
  });
});
