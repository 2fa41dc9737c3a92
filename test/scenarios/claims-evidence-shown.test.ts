/**
 * People at a payer see the records that a claim rests on as far as she permits it for payment, each for himself; a denial takes them away
 * again, and she reads who looked. What the ledger decides does not depend on it. On either network.
 */
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { permissionOf } from './consents.fixture.ts';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { PayableClaims } from './payable-claims.fixture.ts';

interface Evidence {
  evidence: { record: string; access?: string; resource?: Record<string, unknown> }[];
}
interface Log {
  entry?: { resource: { outcome?: string; entity?: { what?: { reference: string } }[]; purposeOfEvent?: object[] } }[];
}
interface Line {
  encounter: { reference: string }[];
}
interface Part {
  name: string;
  valueCode?: string;
  part?: Part[];
}
interface Findings extends Resource {
  parameter: { part: Part[] }[];
}
/** Hours before, on the same day. */
const earlier = ({ start, end }: { start: string; end: string }) => ({
  start: start.replace(/T\d\d/, 'T03'),
  end: end.replace(/T\d\d/, 'T03'),
});
const ACT_REASON = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';
const FOR_PAYMENT = {
  purpose: [{ system: ACT_REASON, code: 'HPAYMT' }],
  actor: [{ role: { text: 'recipient' }, reference: { identifier: { system: ORGANISATION_SYSTEM, value: 'payer' } } }],
};

describe('The evidence of a claim at the payer’s desk', function () {
  this.timeout(120_000);
  let scene: Scene;
  let claims: PayableClaims;
  let claim: string;
  let miscoded: string;
  let ann: Party;
  let ben: Party;
  let patient: Party;
  let patientId: string;
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    claims = await PayableClaims.open(scene.parties);
    claim = (await claims.approved()).slice('Claim/'.length);
    [ann, ben] = ['ann', 'ben'].map((name) => scene.parties.of('payer', 'adjudicator', `Practitioner/${name}`)) as [
      Party,
      Party,
    ];
    patient = scene.parties.of('patients', 'patient', claims.patient);
    patientId = claims.patient.slice('Patient/'.length);
  });

  const evidenceFor = (clerk: Party): Promise<Evidence> => clerk.ask<Evidence>({ path: `/claims/${claim}/evidence` });
  const shownIn = ({ evidence }: Evidence): string[] =>
    evidence.flatMap(({ record, resource }) => (resource === undefined ? [] : [record]));
  const basis = async (clerk: Party): Promise<number> => (await clerk.send({ path: `/claims/${claim}/basis` })).status;
  const typesOf = (records: readonly string[]): string[] => records.map((one) => one.split('/')[0]!).sort();

  async function asked(clerk: Party): Promise<string> {
    const sent = { method: 'POST', path: `/claims/${claim}/evidence`, body: {} } as const;
    const { id } = (await clerk.write<Resource>(sent, [201])).body;
    const isDecided = ({ status }: { status: string }): boolean => status !== 'requested';
    const path = `/access-requests/${id}`;
    return (await clerk.find<Resource & { status: string }>({ path }, 'a decision', isDecided)).status;
  }

  it('is decided by, and shown to nobody whom she has not permitted it', async () => {
    for (const party of [ann, ben, scene.parties.of('payer', 'system')]) {
      const { evidence } = await evidenceFor(party);
      expect(typesOf(evidence.map(({ record }) => record))).to.include.members(['Encounter', 'Patient']);
      expect(evidence.flatMap((one) => Object.keys(one))).to.have.members(evidence.map(() => 'record'));
    }
    expect(await asked(ann)).to.equal('refused');
    expect(shownIn(await evidenceFor(ann))).to.deep.equal([]);
    expect(await basis(ann)).to.equal(403);
    // The provider holds the records themselves; the payer's system judges by what is kept.
    expect(await basis(claims.hospital)).to.equal(200);
    expect(await basis(scene.parties.of('payer', 'system'))).to.equal(200);
  });

  /** Whether a finding of a claim that bills what the visit was not tells somebody what it was, and says where it does not. */
  async function recorded(clerk: Party): Promise<string[]> {
    const { parameter } = await clerk.ask<Findings>({ method: 'POST', path: `/fhir/R4/Claim/${miscoded}/$findings` });
    const found = parameter.filter(({ part }) => part.some(({ valueCode }) => valueCode === 'code-not-of-record'));
    const facts = found.flatMap(({ part }) => part.flatMap((one) => one.part ?? []));
    expect(facts.map(({ name }) => name)).to.include.members(['item', 'billed']);
    const withheld = found.flatMap(({ part }) => part.filter(({ name }) => name === 'withheld'));
    return [...facts.filter(({ name }) => name === 'recorded'), ...withheld].map(({ name }) => name);
  }

  it('is told by no finding to whom it is not shown', async () => {
    const path = `/fhir/R4/Claim/${claim}`;
    const { id: _, ...billed } = await claims.hospital.ask<Resource & { item: Line[] }>({ path });
    const [{ encounter, ...line }] = billed.item as [Line];
    const visit = `/fhir/R4/${encounter[0]!.reference}`;
    const type = [{ coding: [{ system: 'http://snomed.info/sct', code: '448337001' }] }];
    const { meta: __, ...was } = await claims.hospital.ask<Resource & { meta?: object }>({ path: visit });
    const body = { ...was, type, id: undefined, period: earlier(was['period'] as { start: string; end: string }) };
    const { body: other } = await claims.hospital.write({ method: 'POST', path: '/fhir/R4/Encounter', body });
    const item = [
      {
        ...{ ...line, encounter: [{ reference: `Encounter/${other.id}` }] },
        productOrService: { coding: [{ system: 'http://snomed.info/sct', code: '185349003' }] },
      },
    ];
    const sent = { method: 'POST', path: '/fhir/R4/Claim/$submit', body: { ...billed, item } } as const;
    const { request } = (await claims.hospital.write<Resource & { request: { reference: string } }>(sent)).body;
    miscoded = request.reference.slice('Claim/'.length);
    await ann.find({ path: `/fhir/R4/${request.reference}` }, 'the claim at the payer');
    expect(await recorded(ann)).to.deep.equal(['withheld']);
    for (const reader of [claims.hospital, scene.parties.of('payer', 'system')])
      expect(await recorded(reader)).to.deep.equal(['recorded']);
  });

  it('is shown as far as she permits', async () => {
    const visits = { class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Encounter' }] };
    const consent = permissionOf(patientId, { ...FOR_PAYMENT, type: 'permit', ...visits });
    await granted(patient, consent);
    expect(await asked(ann)).to.equal('granted');
    const found = await ann.find<Evidence>(
      { path: `/claims/${claim}/evidence` },
      'the visit',
      (one) => shownIn(one).length > 0,
    );
    expect(typesOf(shownIn(found)))
      .to.include('Encounter')
      .and.not.include('Patient');
    expect(await basis(ann)).to.equal(403);
  });

  it('is shown whole, and minimal, to who asked, and to no colleague', async () => {
    await granted(patient, permissionOf(patientId, { ...FOR_PAYMENT, type: 'permit' }));
    expect(await asked(ann)).to.equal('granted');
    const isWhole = (one: Evidence): boolean => shownIn(one).length === one.evidence.length;
    const { evidence } = await ann.find<Evidence>({ path: `/claims/${claim}/evidence` }, 'all of it', isWhole);
    const her = evidence.find(({ record }) => record === claims.patient)?.resource;
    expect(her).to.have.property('birthDate');
    for (const name of ['name', 'address', 'telecom']) expect(her).to.not.have.property(name);
    expect(await basis(ann)).to.equal(200);
    expect(shownIn(await evidenceFor(ben))).to.deep.equal([]);
    expect(await basis(ben)).to.equal(403);
  });

  it('is in her log, as payment, also where it was withheld', async () => {
    await scene.parties.of('payer', 'system').send({ method: 'POST', path: '/log-anchors', body: {} });
    const encounter = (await evidenceFor(ann)).evidence.find(({ record }) => record.startsWith('Encounter/'))!.record;
    const of = ({ entry = [] }: Log): string[] =>
      entry.flatMap(({ resource: { entity = [], outcome = '', purposeOfEvent = [] } }) =>
        entity.some(({ what }) => what?.reference === encounter) && JSON.stringify(purposeOfEvent).includes('HPAYMT')
          ? [outcome]
          : [],
      );
    const isBoth = (log: Log): boolean => of(log).includes('0') && of(log).some((outcome) => outcome !== '0');
    await patient.find<Log>({ path: '/fhir/R4/AuditEvent?_count=200' }, 'both reads in her log', isBoth);
  });

  it('is withheld again as soon as she denies payment', async () => {
    await granted(patient, permissionOf(patientId, { ...FOR_PAYMENT, type: 'deny' }));
    const isWithheld = (one: Evidence): boolean => shownIn(one).length === 0;
    await ann.find<Evidence>({ path: `/claims/${claim}/evidence` }, 'nothing of it', isWithheld);
    expect(await basis(ann)).to.equal(403);
    expect(await asked(ann)).to.equal('refused');
    // What is decided is decided by all of it, as before.
    await claims.approved();
  });

  it('is for the payer’s clerks, and for claims of its own', async () => {
    for (const role of ['auditor', 'operator'] as const)
      for (const method of ['GET', 'POST'] as const) {
        const party = scene.parties.of('payer', role);
        const sent = { method, path: `/claims/${claim}/evidence`, ...(method === 'POST' ? { body: {} } : {}) };
        expect((await party.send(sent)).status, `${role} ${method}`).to.equal(403);
      }
    for (const organisation of Object.keys(scene.urls).filter((name) => name !== 'payer')) {
      const party = scene.parties.of(organisation, 'system');
      expect((await party.send({ path: `/claims/${claim}/evidence` })).status, organisation).to.equal(404);
    }
    const body = { purpose: 'TREAT' };
    expect((await ann.send({ method: 'POST', path: `/claims/${claim}/evidence`, body })).status).to.equal(422);
    expect((await ann.send({ path: '/claims/00000000-0000-4000-8000-000000000000/evidence' })).status).to.equal(404);
  });
});
