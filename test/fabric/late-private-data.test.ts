/**
 * On real Fabric: an access is decided while the receiver's peer is dead, and its peer commits the decision without the
 * delivered copies because nobody can give them to it. It obtains them later; so does the running read model.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { layoutOf, peerProcess } from '@telemed-ledger/network/fabric/layout.ts';
import { runningPid } from '@telemed-ledger/network/fabric/processes.ts';
import { type RunningConsortium, startConsortium } from '@telemed-ledger/scripts/consortium.ts';
import { Parties, type Party, type Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { definitionOnFreePorts, runNetwork } from '@telemed-ledger/scripts/network/native.fixture.ts';
import { expect } from 'chai';
import { skipWithoutFabric } from '../conformance/fabric-at-hand.ts';

const SYSTEM = 'urn:example:mrn';
const coded = (system: string, code: string) => ({ coding: [{ system: `http://${system}`, code }] });
const observationOf = (patient: string) => ({
  ...{ resourceType: 'Observation', status: 'final', subject: { reference: `Patient/${patient}` } },
  code: coded('loinc.org', '8302-2'),
});
const consentOf = (patient: string) => ({
  ...{ resourceType: 'Consent', status: 'active', patient: { reference: `Patient/${patient}` } },
  scope: coded('terminology.hl7.org/CodeSystem/consentscope', 'patient-privacy'),
  category: [coded('loinc.org', '59284-0')],
  policyRule: coded('terminology.hl7.org/CodeSystem/v3-ActCode', 'OPTIN'),
});

interface Access {
  id: string;
  status: string;
  delivery?: { status: string; undelivered: number };
}

describe('A delivery decided while the receiving peer is dead, on Fabric', function () {
  this.timeout(300_000);
  let environment: { DATA_DIR: string; CONSORTIUM: string } | undefined;
  let running: RunningConsortium | undefined;
  let parties: Parties;

  before(async function () {
    await skipWithoutFabric(this);
    const dataDir = mkdtempSync(join(tmpdir(), 'late-'));
    environment = { DATA_DIR: dataDir, CONSORTIUM: join(dataDir, 'consortium.yaml') };
    await definitionOnFreePorts(environment.CONSORTIUM);
    for (const command of ['up', 'deploy']) {
      const { code, error } = await runNetwork([command], environment);
      expect(code, error).to.equal(0);
    }
    const names = loadConsortium(environment.CONSORTIUM).organisations.map(({ name }) => name);
    const ports = Object.fromEntries(names.map((name) => [name, 0]));
    const consortiumFile = environment.CONSORTIUM;
    running = await startConsortium({ dataDir, network: 'fabric', consortiumFile, ports });
    parties = new Parties({ dataDir, urls: running.urls });
  });

  after(async () => {
    if (environment === undefined) return;
    for (const organisation of ['hospital', 'patients']) signal(organisation, 'SIGCONT');
    parties?.close();
    await running?.close();
    await runNetwork(['reset', '--yes'], environment);
    rmSync(environment.DATA_DIR, { recursive: true, force: true });
  });

  function signal(organisation: string, name: NodeJS.Signals): void {
    const { DATA_DIR, CONSORTIUM } = environment!;
    const pid = runningPid(layoutOf(DATA_DIR, loadConsortium(CONSORTIUM), 'bft'), peerProcess(organisation));
    if (pid !== undefined) process.kill(pid, name);
  }
  const post = (party: Party, path: string, body: object) =>
    party.write<Resource>({ method: 'POST', path, body: body as Record<string, unknown> }, [201]);
  const until = async (condition: () => Promise<boolean>): Promise<number> => {
    const started = Date.now();
    while (!(await condition())) {
      if (Date.now() - started > 120_000) throw new Error('what was waited for did not come about');
      await new Promise((next) => setTimeout(next, 100));
    }
    return Date.now() - started;
  };

  it('arrives in the running read model when the peer has obtained it, and is named as missing until then', async () => {
    const [hospital, clinic, custodian] = ['hospital', 'clinic', 'patients'].map((name) => parties.of(name, 'system'));
    const value = randomUUID();
    const { id } = (
      await post(hospital!, '/fhir/R4/Patient', { resourceType: 'Patient', identifier: [{ system: SYSTEM, value }] })
    ).body;
    const result = (await post(hospital!, '/fhir/R4/Observation', observationOf(id))).body.id;
    await custodian!.find({ path: `/fhir/R4/Observation/${result}` }, 'the Observation at the custodian');
    await post(parties.of('patients', 'patient', `Patient/${id}`), '/fhir/R4/Consent', consentOf(id));

    // The holder cannot decide while it is paused, so the receiver can ask first and be killed before the decision.
    signal('hospital', 'SIGSTOP');
    const request = {
      holder: 'hospital',
      patient: { system: SYSTEM, value },
      types: ['Observation'],
      purpose: 'TREAT',
    };
    const practitioner = parties.of('clinic', 'practitioner');
    const asked = (await post(practitioner, '/access-requests', request)).body.id;
    signal('clinic', 'SIGKILL');
    signal('hospital', 'SIGCONT');
    const path = `/access-requests/${asked}`;
    const access = async (party: Party) => (await party.send({ path })).body as Access;
    await until(async () => (await access(custodian!)).status === 'granted');

    // Only the custodian's peer holds the copies, and it cannot give them to the receiver's peer as that catches up.
    signal('patients', 'SIGSTOP');
    const restarted = await runNetwork(['restart', 'peer-clinic'], environment!);
    expect(restarted.code, restarted.error).to.equal(0);
    const observation = { path: `/fhir/R4/Observation/${result}` };
    await until(async () => (await access(clinic!)).delivery !== undefined);
    // The decision and what it delivers, which the receiver alone holds besides the custodian.
    const awaited = await access(clinic!);
    expect([awaited.status, awaited.delivery]).to.deep.equal(['requested', { status: 'incomplete', undelivered: 2 }]);
    const notYet = await practitioner.send(observation);
    expect([notYet.status, Number(notYet.headers['retry-after']) > 0]).to.deep.equal([503, true]);

    signal('patients', 'SIGCONT');
    const milliseconds = await until(async () => (await practitioner.send(observation)).status === 200);
    console.log(`      arrived ${(milliseconds / 1000).toFixed(1)} s after the custodian's peer went on`);
    await until(async () => (await access(clinic!)).delivery === undefined);
    expect((await access(clinic!)).status).to.equal('granted');
    const verified = await parties
      .of('clinic', 'operator')
      .ask<{ differences: object[] }>({ method: 'POST', path: '/verify' });
    expect(verified.differences).to.deep.equal([]);
  });
});
