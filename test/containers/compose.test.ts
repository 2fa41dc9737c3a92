/**
 * The compose network from images to the end of the story: over REST from outside, on Fabric CA's identities, four
 * ordering nodes and a PostgreSQL for each gateway.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { composeFile } from '@telemed-ledger/network/fabric/compose/compose-file.ts';
import { Parties, type Party } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Story } from '@telemed-ledger/scripts/demo/step.ts';
import { steps } from '@telemed-ledger/scripts/demo/story.ts';
import { changeDetected, changeUndone } from '@telemed-ledger/scripts/demo/tampering.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { expect } from 'chai';
import type { StartedDockerComposeEnvironment, StartedTestContainer } from 'testcontainers';
import { parse } from 'yaml';
import { findSecret } from '../scenarios/secrets.fixture.ts';
import { whyNoContainers } from './containers-at-hand.ts';
import { bringUp, compose, containers, fetchIssuers, takeDown } from './network.fixture.ts';

const ONE_SHOT = ['prepare', 'setup', 'deploy'];
const WAIT_MS = 90_000;
/** These change SQLite's file; the same is done to PostgreSQL below. */
const IN_A_FILE: unknown[] = [changeDetected, changeUndone];

describe('The compose network', function () {
  this.timeout(120_000);
  const consortium = loadConsortium();
  const names = consortium.organisations.map(({ name }) => name);
  const urls = Object.fromEntries(
    consortium.organisations.map(({ name, gatewayPort }) => [name, `http://127.0.0.1:${gatewayPort}`]),
  );
  const written = new Map<string, string[]>();
  let environment: StartedDockerComposeEnvironment;
  let dataDir: string;
  let parties: Parties;
  let story: Story;

  before(async function () {
    this.timeout(900_000);
    const reason = await whyNoContainers();
    if (reason !== undefined) {
      console.log(`skipped: ${reason}`);
      this.skip();
    }
    environment = await bringUp();
    dataDir = mkdtempSync(join(tmpdir(), 'containers-'));
    await fetchIssuers(dataDir, names);
    parties = new Parties({ dataDir, urls });
    story = { parties, visit: newVisit(), startedAt: new Date().toISOString(), locations: new Map(), accessIds: [] };
  });

  after(async function () {
    this.timeout(120_000);
    parties?.close();
    if (dataDir !== undefined) rmSync(dataDir, { recursive: true });
    if (environment !== undefined) await takeDown(environment, { removeVolumes: true });
  });

  const container = (service: string): StartedTestContainer => environment.getContainer(`${service}-1`);
  const exec = async (service: string, ...command: string[]): Promise<{ output: string; exitCode: number }> =>
    container(service).exec(command);
  const isReady = async (organisation: string): Promise<boolean> =>
    fetch(`${urls[organisation]}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error(`not within ${WAIT_MS / 1000} s: ${what}`);
      await delay(250);
    }
  }
  const newPatient = (party: Party): Promise<{ body: { id: string } }> =>
    party.write({ method: 'POST', path: '/fhir/R4/Patient', body: { resourceType: 'Patient', active: true } });

  it('ran every one-shot service to its end, and everything else is running', async () => {
    const file = parse(composeFile(consortium), { merge: true }) as {
      services: Record<string, { profiles?: string[] }>;
    };
    const expected = Object.keys(file.services).filter((name) => file.services[name]?.profiles === undefined);
    const all = await containers();
    expect(all.map(({ service }) => service)).to.have.members(expected);
    for (const { service, state, exitCode } of all) {
      expect(`${service} ${state} ${exitCode}`).to.equal(
        `${service} ${ONE_SHOT.includes(service) ? 'exited' : 'running'} 0`,
      );
    }
  });

  it('runs nothing as root', async () => {
    for (const service of ['ca-bank', 'peer-bank', 'orderer-payer', 'chaincode-bank', 'database-bank', 'gateway-bank'])
      expect((await exec(service, 'id', '-u')).output.trim(), service).to.equal('1000');
  });

  const narrator = {
    fact: () => undefined,
    wrote: async (_what: string, organisation: string, transactionId: string) => {
      const { endorsers, validationCode } = await parties.of(organisation, 'system').receipt(transactionId);
      expect(validationCode).to.equal(0);
      written.set(transactionId, endorsers);
    },
  };
  for (const { title, run } of steps) if (!IN_A_FILE.includes(run)) it(title, () => run(story, narrator));

  it('had every write endorsed by two organisations', () => {
    expect(written.size).to.be.at.least(13);
    for (const endorsers of written.values()) expect(new Set(endorsers).size).to.be.at.least(2);
  });

  it('detects a copy that was changed in the database behind the gateway', async () => {
    const path = `/fhir/R4/Observation/${story.observationId}`;
    const practitioner = parties.of('hospital', 'practitioner');
    const replace = async (from: string, to: string): Promise<void> => {
      const change = `UPDATE index.versions SET value = replace(value, '${from}', '${to}') WHERE id = '${story.observationId}'`;
      const psql = `PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE") psql -h 127.0.0.1 -U gateway -d gateway -qc "${change}"`;
      const { output, exitCode } = await exec('database-hospital', 'bash', '-c', psql);
      expect(exitCode, output).to.equal(0);
    };
    await practitioner.ask({ path });
    await replace('Observation', 'Observatiom');
    expect((await practitioner.send({ path })).status).to.equal(409);
    await replace('Observatiom', 'Observation');
    await practitioner.ask({ path });
  });

  it('lets nobody reach another organisation’s database, authority or chaincode', async () => {
    const opens = async (from: string, host: string, port: number): Promise<boolean> =>
      (await exec(from, 'timeout', '3', 'bash', '-c', `exec 3<>/dev/tcp/${host}/${port}`)).exitCode === 0;
    expect(await opens('gateway-clinic', 'database-clinic', 5432)).to.equal(true);
    for (const [host, port] of [
      ['database-hospital', 5432],
      ['ca-hospital', 7054],
      ['chaincode-hospital', 8051],
    ] as const)
      expect(await opens('gateway-clinic', host, port), host).to.equal(false);
  });

  it('keeps secrets out of environments, arguments and logs, and health data out of logs', async () => {
    const { output: password } = await exec('database-hospital', 'cat', '/var/lib/postgresql/data/password');
    expect(password.trim().length).to.be.greaterThan(30);
    const configuration = await compose('config');
    const logs = Buffer.from(await compose('logs', '--no-color'));
    expect(configuration.includes(password.trim())).to.equal(false);
    expect(logs.includes('listening'), 'the logs are those of the network').to.equal(true);
    const { mrn, member, secrets } = story.visit;
    const sought = [...secrets, mrn.value, member.value, password.trim(), `Patient/${story.patientId}`];
    // Of what is long enough not to occur by chance.
    const found = sought.filter((text) => text.length > 8 && findSecret(logs, { text }).length > 0);
    expect(found).to.deep.equal([]);
  });

  it('goes on without one organisation’s peer, whose gateway says that it is not ready', async () => {
    await compose('stop', 'peer-clinic');
    await until('the clinic is unready', async () => !(await isReady('clinic')));
    await newPatient(parties.of('hospital', 'practitioner'));
    await compose('start', 'peer-clinic');
    await until('the clinic is ready again', () => isReady('clinic'));
    await newPatient(parties.of('clinic', 'practitioner'));
  });

  it('comes back by itself when a database was killed', async () => {
    const { body } = await newPatient(parties.of('hospital', 'practitioner'));
    await compose('kill', 'database-hospital');
    await until('the hospital is unready', async () => !(await isReady('hospital')));
    await compose('start', 'database-hospital');
    await until('the hospital is ready again', () => isReady('hospital'));
    await parties.of('hospital', 'practitioner').ask({ path: `/fhir/R4/Patient/${body.id}` });
    await newPatient(parties.of('hospital', 'practitioner'));
  });

  it('keeps everything when it is taken down and brought up again', async function () {
    this.timeout(600_000);
    await takeDown(environment, { removeVolumes: false });
    expect((await compose('ps', '--all', '--quiet')).trim()).to.equal('');
    environment = await bringUp();
    expect(await compose('logs', '--no-log-prefix', 'deploy')).to.contain('nothing to do: sequence 1');
    for (const name of names) await until(`${name} is ready`, () => isReady(name));
    await parties.of('hospital', 'practitioner').ask({ path: `/fhir/R4/Observation/${story.observationId}` });
    for (const name of names) {
      const sweep = { method: 'POST', path: '/verify' } as const;
      const { differences } = await parties.of(name, 'operator').ask<{ differences: unknown[] }>(sweep);
      expect(differences, name).to.deep.equal([]);
    }
    await newPatient(parties.of('hospital', 'practitioner'));
  });

  it("finds every peer and every read model as anchored, by the tools' command", async () => {
    expect(await compose('run', '--rm', '-T', 'tools', 'scripts/verify.ts')).to.contain('Everything is as anchored.');
  });
});
