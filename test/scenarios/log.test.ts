/**
 * A patient's log: it stays hers when the identifier that others asked by is given to somebody else, the holder finds it by
 * her, and each read at either end is written down. On either network.
 */
import { randomUUID } from 'node:crypto';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { checkReads, type ReadsProof } from '@telemed-ledger/verifier/reads.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const MRN = 'https://hospital.example/mrn';

interface Log {
  entry?: { resource: { id: string } }[];
}
interface Proofs {
  proofs: ReadsProof[];
}
interface Reads {
  reads: { interaction: string; outcome: string; type: string; role: string }[];
}

describe('A patient’s log', function () {
  this.timeout(120_000);
  let scene: Scene;
  let hospital: Party;
  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium();
    hospital = scene.parties.of('hospital', 'system');
  });

  const idsIn = ({ entry = [] }: Log): string[] => entry.map(({ resource }) => resource.id);
  const created = async (body: Record<string, unknown> & { resourceType: string }): Promise<string> =>
    (await hospital.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id;
  const wears = async (id: string, ...values: string[]): Promise<void> => {
    const path = `/fhir/R4/Patient/${id}`;
    const identifier = values.map((value) => ({ system: MRN, value }));
    const headers = { 'if-match': 'W/"1"' };
    await hospital.write({ method: 'PUT', path, body: { resourceType: 'Patient', id, identifier }, headers }, [200]);
  };

  it('is hers whoever bears the identifier today, and has the reads at the holder', async () => {
    const [mrn, other] = [randomUUID(), randomUUID()];
    const [hers, others] = [
      await created({ resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }] }),
      await created({ resourceType: 'Patient', identifier: [{ system: MRN, value: other }] }),
    ];
    const [patient, stranger] = [hers, others].map((id) => scene.parties.of('patients', 'patient', `Patient/${id}`));
    await stranger!.find({ path: `/fhir/R4/Patient/${others}` }, 'the other patient');
    const asked = { holder: 'hospital', patient: { system: MRN, value: mrn }, types: [], purpose: 'TREAT' };
    const clinic = scene.parties.of('clinic', 'system');
    const { body } = await clinic.write<{ id: string }>(
      { method: 'POST', path: '/access-requests', body: asked },
      [201],
    );
    await hospital.find<{ status: string }>({ path: `/access-requests/${body.id}` }, 'the decision at the holder');
    await wears(hers, randomUUID());
    await wears(others, other, mrn);
    const has = (id: string) => (log: Log) => idsIn(log).includes(id);
    const path = (id: string) => `/fhir/R4/AuditEvent?patient=${id}&type=110106,110113`;
    await patient!.find<Log>({ path: path(hers) }, 'the access in her log', has(body.id));
    await hospital.find<Log>({ path: path(hers) }, 'the access in the holder’s log of her', has(body.id));
    expect(idsIn(await stranger!.find<Log>({ path: path(others) }, 'the other log'))).to.deep.equal([]);
    const { reads } = await hospital.find<Reads>({ path: `/reads?patient=${hers}` }, 'who read at the holder');
    expect(reads.map(({ interaction, type }) => `${interaction} ${type}`)).to.include('search AuditEvent');
  });

  it('is anchored on the ledger, and proves to her every read at the holder, and none of who was not read', async () => {
    const ids = [await created({ resourceType: 'Patient' }), await created({ resourceType: 'Patient' })];
    const [patient, stranger] = ids.map((id) => scene.parties.of('patients', 'patient', `Patient/${id}`));
    await hospital.find({ path: `/fhir/R4/Patient/${ids[0]}` }, 'her record');
    const { body } = await hospital.write<{ anchors: { n: number }[] }>(
      { method: 'POST', path: '/log-anchors', body: {} },
      [200],
    );
    const { n } = body.anchors.at(-1)!;
    const path = `/log-anchors/hospital/proofs?to=${n}`;
    const isThere = ({ proofs }: Proofs) => proofs.at(-1)?.n === n;
    const proofs = await Promise.all(
      [patient!, stranger!].map((one) => one.find<Proofs>({ path }, 'the proofs', isThere)),
    );
    const [hers, none] = await Promise.all(proofs.map((one) => checkReads(one.proofs)));
    expect(hers?.reads.map((row) => row.slice(2, 4).join(' '))).to.include('shown read');
    expect(none?.reads).to.deep.equal([]);
  });
});
