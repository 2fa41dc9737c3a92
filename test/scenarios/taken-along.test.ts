/** A patient disputes a record and has it restricted, and takes her record along: on the embedded network and on Fabric alike. */
import { randomUUID } from 'node:crypto';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { rootsOf } from '@telemed-ledger/scripts/receipt-roots.ts';
import { checkReceipt, type Roots } from '@telemed-ledger/verifier/check.ts';
import { type CheckedExport, checkExport } from '@telemed-ledger/verifier/check-export.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const SIGNED_EVERY_MS = 300;
const PATIENCE_MS = 40_000;

interface Task {
  id: string;
  status: string;
  output?: { valueReference: { reference: string } }[];
}

describe('A record that is disputed and taken along', function () {
  this.timeout(60_000);
  let scene: Scene;
  let roots: Roots;
  let patient: string;
  let observation: string;
  const system = (name: string): Party => scene.parties.of(name, 'system');
  const herself = (): Party => scene.parties.of('patients', 'patient', `Patient/${patient}`);
  const create = async (body: { resourceType: string }): Promise<string> => {
    const path = `/fhir/R4/${body.resourceType}`;
    return (await system('hospital').write<{ id: string }>({ method: 'POST', path, body })).body.id;
  };

  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium('receipts', SIGNED_EVERY_MS);
    const { origin } = await system('bank').find<{ origin: string }>({ path: '/ledger-tree' }, 'the tree');
    roots = rootsOf(scene.dataDir, scene.consortium, origin);
    patient = await create({ resourceType: 'Patient', name: [{ family: `Family ${randomUUID()}` }] } as never);
    const subject = { reference: `Patient/${patient}` };
    const code = { text: 'weight' };
    observation = await create({ resourceType: 'Observation', status: 'final', code, subject } as never);
    await herself().find({ path: `/fhir/R4/Observation/${observation}` }, 'the record at the patients’ gateway');
  });

  it('is asked to be corrected and restricted, corrected and answered, and free again', async () => {
    const parameter = [
      { name: 'text', valueString: 'It was 61 kg.' },
      { name: 'restrict', valueBoolean: true },
    ];
    const path = `/fhir/R4/Observation/${observation}`;
    const body = { resourceType: 'Parameters', parameter };
    const asked = await herself().write<Task>({ method: 'POST', path: `${path}/$request-correction`, body });
    const place = `/corrections/${asked.body.id}`;
    await system('hospital').find<Task>(
      { path: place },
      'the request at the holder',
      ({ status }) => status === 'requested',
    );
    const before = await system('hospital').ask<Record<string, unknown>>({ path });
    const headers = { 'if-match': 'W/"1"' };
    await system('hospital').write({ method: 'PUT', path, body: { ...before, status: 'corrected' }, headers });
    const said = { method: 'POST', path: `${place}/answer`, body: { outcome: 'accepted' } } as const;
    await system('hospital').write(said);
    const done = await herself().find<Task>({ path: place }, 'the answer', ({ status }) => status === 'completed');
    expect(done.output?.[0]?.valueReference.reference).to.equal(`Observation/${observation}/_history/2`);
    await herself().write({ method: 'POST', path: `${path}/$lift-restriction` });
  });

  it('is proven whole by its export, and in COSE, with the roots alone', async () => {
    const deadline = Date.now() + PATIENCE_MS;
    let checked: CheckedExport | undefined;
    while (checked === undefined || checked.withoutReceipt.length > 0) {
      const path = `/fhir/R4/Patient/${patient}/$export-record`;
      const { status, body } = await herself().send({ path, asBytes: true });
      expect(status).to.equal(200);
      checked = await checkExport(body as Buffer, roots);
      expect(checked.findings).to.deep.equal([]);
      if (Date.now() > deadline) throw new Error('not everything was signed in time');
    }
    expect([checked.versions, checked.proven]).to.deep.equal([3, 3]);
    const path = `/resource-receipts/Observation/${observation}/2/cose-receipt`;
    const { body } = await herself().send({ path, asBytes: true });
    const { content, witnesses } = await checkReceipt(body as Buffer, roots);
    expect(content?.text).to.contain('"corrected"');
    expect(witnesses.length).to.be.greaterThan(scene.consortium.organisations.length / 2);
  });
});
