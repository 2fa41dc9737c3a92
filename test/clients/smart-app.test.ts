/** A SMART application in a real browser: fhirclient, as it comes from npm, signs in with PKCE and reads what it was let. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { type Browser, chromium } from 'playwright-core';
import { type Any, ClientsGateway, observation, person } from './gateway.fixture.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);
const script = createRequire(import.meta.url)
  .resolve('fhirclient')
  .replace(/lib\/entry\/.*$/, 'build/fhir-client.pure.min.js');

const launchPage = (
  client: string,
  iss: string,
  scope: string,
) => `<!doctype html><title>launch</title><script src="fhir-client.js"></script><script>
FHIR.oauth2.authorize({ clientId: ${JSON.stringify(client)}, scope: ${JSON.stringify(scope)}, redirectUri: 'app', iss: ${JSON.stringify(iss)}, pkceMode: 'required' });
</script>`;
const APP = `<!doctype html><title>app</title><pre id="shown"></pre><script src="fhir-client.js"></script><script>
const show = (what) => { document.getElementById('shown').textContent = JSON.stringify(what); };
FHIR.oauth2.ready().then(async (client) => {
  const patient = await client.patient.read();
  const found = await client.request('Observation?patient=' + client.patient.id, { pageLimit: 0, flat: true });
  const writing = await client.create({ resourceType: 'Patient' }).then(() => 201, (error) => error.status || error.statusCode);
  const refreshed = await client.refresh().then(() => true, (error) => String(error));
  const again = await client.patient.read();
  show({ patient: patient.id, family: patient.name[0].family, user: client.getFhirUser(), found: found.map((one) => one.id), writing, refreshed, again: again.id });
}).catch((error) => show({ error: String(error) }));
</script>`;

describe('A SMART application in a browser', function () {
  this.timeout(120_000);
  let gateway: ClientsGateway;
  let app: Server;
  let browser: Browser;
  let origin: string;
  let pages: Record<string, string>;
  before(async function () {
    // A browser is not of npm: where the machine has none, nothing can be said.
    if (CHROMIUM === undefined) return this.skip();
    gateway = await ClientsGateway.start();
    pages = { '/app': APP, '/fhir-client.js': readFileSync(script, 'utf8') };
    app = createServer((request, response) => {
      const page = pages[(request.url ?? '').replace(/\?.*$/, '')];
      response.writeHead(page === undefined ? 404 : 200, {
        'content-type': request.url?.endsWith('.js') ? 'text/javascript' : 'text/html',
      });
      response.end(page ?? '');
    });
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  after(async () => {
    await browser?.close();
    app?.close();
    await gateway?.close();
  });

  it('is let in by its user, shows the patient whom he chose, refreshes, and may do no more', async () => {
    const as = 'hospital';
    const make = async (type: string, body: object): Promise<Any> =>
      (await gateway.consortium.send(as, `POST /fhir/R4/${type}`, body)).body;
    const patient = await make('Patient', person());
    const one = await make('Observation', observation(`Patient/${patient.id}`));
    await make('Observation', observation(`Patient/${(await make('Patient', person())).id}`));
    const scope = 'launch/patient openid fhirUser offline_access patient/*.rs';
    const { id } = await gateway.register({ name: 'Chart', redirectUris: [`${origin}/app`], scope });
    pages['/launch'] = launchPage(id, gateway.fhir, scope);
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    await page.goto(`${origin}/launch`);
    await page.getByLabel('Code of this issuer').fill(gateway.code);
    await page.getByLabel('Role').selectOption('practitioner');
    await page.getByLabel('User, such').fill('Practitioner/p-1');
    await page.getByLabel('Patient in context').fill(patient.id);
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForFunction("document.getElementById('shown')?.textContent");
    const shown = JSON.parse((await page.locator('#shown').textContent()) ?? '{}');
    expect(shown, faults.join('\n')).to.deep.equal({
      ...{ patient: patient.id, family: 'Grün', user: 'Practitioner/p-1', found: [one.id] },
      ...{ writing: 403, refreshed: true, again: patient.id },
    });
    await page.close();
  });

  it('tries the gateway on the page of its documentation, which asks nobody else', async () => {
    const page = await browser.newPage();
    const foreign: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(gateway.base) && !request.url().startsWith('data:')) foreign.push(request.url());
    });
    const answered = page.waitForResponse((response) => response.url() === `${gateway.fhir}/metadata`);
    await page.goto(`${gateway.base}/docs/`);
    const metadata = page.locator('.opblock', { hasText: 'The CapabilityStatement: what of FHIR works here' });
    // The page shows more of its list as it is scrolled to.
    for (let tries = 0; tries < 200 && (await metadata.count()) === 0; tries += 1) {
      await page.mouse.wheel(0, 5_000);
      await page.waitForTimeout(50);
    }
    await metadata.locator('button').first().click();
    await page.getByRole('button', { name: 'Try it out' }).first().click();
    await page.getByRole('button', { name: 'Execute' }).first().click();
    expect((await answered).status()).to.equal(200);
    expect(foreign).to.deep.equal([]);
    await page.close();
  });
});
