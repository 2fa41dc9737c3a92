/**
 * Requests for access that come at the same time share transactions. Whatever else a transaction carries, each has its own
 * decision, its own delivery, its own place in the log and its own receipt. On either network.
 */
import { randomUUID } from 'node:crypto';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { rootsOf } from '@telemed-ledger/scripts/receipt-roots.ts';
import { checkReceipt } from '@telemed-ledger/verifier/check.ts';
import { expect } from 'chai';
import { permissionOf } from './consents.fixture.ts';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const MRN = 'https://hospital.example/mrn';
const PATIENTS = 4;
const EACH = 5;
const SIGNED_EVERY_MS = 300;

type Shown = AccessState & { transactionId: string; pending?: string };

interface Person {
  id: string;
  mrn: string;
  observation: string;
}

describe('Accesses at the same time', function () {
  this.timeout(120_000);
  let scene: Scene;
  let clinic: Party;
  let persons: Person[];
  const system = (name: string): Party => scene.parties.of(name, 'system');

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium('receipts', SIGNED_EVERY_MS);
    clinic = system('clinic');
    persons = [];
    for (let made = 0; made < PATIENTS; made += 1) persons.push(await arrived());
  });

  async function arrived(): Promise<Person> {
    const create = async (body: Record<string, unknown> & { resourceType: string }): Promise<string> =>
      (await system('hospital').write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id;
    const mrn = randomUUID();
    const id = await create({ resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }] });
    const observation = await create({
      ...{ resourceType: 'Observation', status: 'final', code: { text: 'example' } },
      subject: { reference: `Patient/${id}` },
    });
    const patient = scene.parties.of('patients', 'patient', `Patient/${id}`);
    await patient.find({ path: `/fhir/R4/Observation/${observation}` }, 'the record at the patients’ gateway');
    await granted(patient, permissionOf(id));
    return { id, mrn, observation };
  }

  const ask = async (mrn: string): Promise<Shown> => {
    const patient = { system: MRN, value: mrn };
    const body = { holder: 'hospital', patient, types: ['Observation'], purpose: 'TREAT' };
    return (await clinic.write<Shown>({ method: 'POST', path: '/access-requests', body }, [201])).body;
  };
  const decided = (id: string): Promise<Shown> =>
    clinic.find<Shown>({ path: `/access-requests/${id}` }, 'a decision', ({ status }) => status !== 'requested');

  it('are each decided, delivered, logged and proved, and nobody is told of the others', async () => {
    const nobody = ask(randomUUID());
    const asked = await Promise.all(
      Array.from({ length: PATIENTS * EACH }, async (_, index) => {
        const person = persons[index % PATIENTS]!;
        return { person, request: await ask(person.mrn) };
      }),
    );
    const requests = new Set(asked.map(({ request }) => request.transactionId));
    expect(requests.size).to.be.below(asked.length);
    const states = await Promise.all(asked.map(({ request }) => decided(request.id)));
    expect(new Set(states.map(({ transactionId }) => transactionId)).size).to.be.below(asked.length);
    const { origin } = await system('bank').find<{ origin: string }>({ path: '/ledger-tree' }, 'the tree');
    const roots = rootsOf(scene.dataDir, scene.consortium, origin);
    for (const [index, { person, request }] of asked.entries()) {
      const { id } = request;
      const { status, transactionId, delivered } = states[index]!;
      expect({ status, delivered }).to.deep.equal({ status: 'granted', delivered: 1 });
      const patient = scene.parties.of('patients', 'patient', `Patient/${person.id}`);
      const event = await patient.find<Resource>({ path: `/fhir/R4/AuditEvent/${id}` }, 'her log');
      for (const other of persons.filter((one) => one !== person))
        expect(JSON.stringify(event)).to.not.contain(other.id).and.not.contain(other.mrn);
      const path = `/access-requests/${id}/tlog-proof`;
      const receipt = await clinic.find<string>({ path }, 'the receipt');
      const { content, entry } = await checkReceipt(new TextEncoder().encode(receipt), roots);
      expect(content?.key).to.equal(`access/${id}/2`);
      expect(JSON.parse(content?.value ?? '')).to.include({ id, patient: person.id, status: 'granted' });
      expect(entry).to.include({ transactionId, code: 0 });
    }
    for (const { observation } of persons)
      await clinic.find<Resource>({ path: `/fhir/R4/Observation/${observation}` }, 'the copy');
    expect(await decided((await nobody).id)).to.include({ status: 'refused', reason: 'not-permitted' });
  });

  it('leave ledgers and read models that agree', async () => {
    for (const name of ['hospital', 'clinic', 'patients']) {
      const operator = scene.parties.of(name, 'operator');
      const { differences } = await operator.ask<{ differences: unknown[] }>({ method: 'POST', path: '/verify' });
      expect(differences, name).to.deep.equal([]);
    }
  });
});
