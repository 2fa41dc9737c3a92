/**
 * What a patient takes is one list, of the records of all providers that whoever asks may see: each medicine once, with what of it was taken, for
 * herself, her caretaker and who treats her. On either network.
 */
import { randomUUID } from 'node:crypto';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import { delegationTo, toAct } from '@telemed-ledger/scripts/demo/caretakers.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { delivered, permissionOf } from './consents.fixture.ts';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

const MRN = 'https://hospital.example/mrn';
const DAY_MS = 86_400_000;
const drug = (code: string) => ({
  medicationCodeableConcept: { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code }] },
});
const TWICE_A_DAY = {
  dosageInstruction: [{ timing: { repeat: { frequency: 2, period: 1, periodUnit: 'd' } } }],
};
const ago = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();

type Body = Record<string, unknown> & { resourceType: string };
interface Statement {
  id: string;
  derivedFrom: { reference: string }[];
  extension: { extension: { url: string; valueUnsignedInt?: number }[] }[];
}
interface MedicationList {
  resourceType: string;
  contained?: Statement[];
  entry?: { item: { reference: string } }[];
  emptyReason?: object;
}

describe('The list of what a patient takes', function () {
  this.timeout(120_000);
  let scene: Scene;
  let hospital: Party;
  let clinic: Party;
  let patient: Party;
  let id: string;
  let ofClinic: string;
  let prescribed: string;
  let elsewhere: string;
  const mrn = randomUUID();

  const create = async (who: Party, body: Body): Promise<string> =>
    `${body.resourceType}/${(await who.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id}`;
  const listAt = (who: Party, of: string) => who.ask<MedicationList>({ path: `/fhir/R4/${of}/$medications` });
  const sourcesIn = ({ contained = [] }: MedicationList): string[][] =>
    contained.map(({ derivedFrom }) => derivedFrom.map(({ reference }) => reference).sort());
  const countsIn = ({ extension }: Statement): Record<string, number | undefined> =>
    Object.fromEntries(extension[0]!.extension.slice(1).map(({ url, valueUnsignedInt }) => [url, valueUnsignedInt]));
  const order = (subject: string, code: string, more: object = {}): Body => ({
    ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', subject: { reference: subject } },
    ...{ authoredOn: ago(10), ...drug(code), ...more },
  });
  const given = (subject: string, code: string, days: number): Body => ({
    ...{ resourceType: 'MedicationAdministration', status: 'completed', subject: { reference: subject } },
    ...{ effectiveDateTime: ago(days), ...drug(code) },
  });

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    hospital = scene.parties.of('hospital', 'system');
    clinic = scene.parties.of('clinic', 'system');
    const identifier = [{ system: MRN, value: mrn }];
    id = (await create(hospital, { resourceType: 'Patient', identifier })).split('/')[1]!;
    ofClinic = await create(clinic, { resourceType: 'Patient', identifier });
    patient = scene.parties.of('patients', 'patient', `Patient/${id}`);
    await patient.find({ path: `/fhir/R4/Patient/${id}` }, 'the patient');
    prescribed = await create(hospital, order(`Patient/${id}`, '308191', TWICE_A_DAY));
    await create(hospital, order(`Patient/${id}`, '310965', { status: 'stopped' }));
    for (const days of [1, 2, 3]) await create(hospital, given(`Patient/${id}`, '308191', days));
    elsewhere = await create(clinic, order(ofClinic, '308192'));
  });

  it('has each medicine once for herself, with what was due, taken and missed since it began', async () => {
    const said = {
      ...{ resourceType: 'MedicationStatement', status: 'completed', subject: { reference: `Patient/${id}` } },
      ...{ informationSource: { reference: `Patient/${id}` }, effectiveDateTime: ago(4), ...drug('723') },
    };
    await create(patient, said);
    const list = await listAt(patient, `Patient/${id}`);
    expect(list.resourceType).to.equal('List');
    expect(sourcesIn(list)).to.deep.equal([[prescribed]]);
    expect(list.entry?.map(({ item }) => item.reference)).to.deep.equal(list.contained?.map((one) => `#${one.id}`));
    expect(countsIn(list.contained![0]!)).to.deep.equal({ due: 20, taken: 4, missed: 16 });
  });

  it('is another’s to nobody, nor to whom she does not let see it', async () => {
    const other = await create(hospital, { resourceType: 'Patient' });
    const stranger = scene.parties.of('patients', 'patient', other);
    await stranger.find({ path: `/fhir/R4/${other}` }, 'the other');
    const path = `/fhir/R4/Patient/${id}/$medications`;
    for (const who of [stranger, clinic]) expect((await who.send({ path })).status).to.equal(404);
    const empty = await listAt(stranger, other);
    expect(empty).to.have.property('emptyReason');
    expect(sourcesIn(await listAt(clinic, ofClinic))).to.deep.equal([[elsewhere]]);
  });

  it('is the same for a caretaker who may read, and for no other', async () => {
    const delegated = async (...acts: ('read' | 'medication')[]): Promise<Party> => {
      const related = await create(hospital, {
        ...{ resourceType: 'RelatedPerson', patient: { reference: `Patient/${id}` }, relationship: toAct(...acts) },
      });
      await patient.find({ path: `/fhir/R4/${related}` }, 'the caretaker’s record');
      await granted(patient, delegationTo(related, id, acts, new Date(Date.now() + DAY_MS).toISOString()));
      return scene.parties.of('patients', 'caretaker', related);
    };
    expect(sourcesIn(await listAt(await delegated('read', 'medication'), `Patient/${id}`))).to.deep.equal([
      [prescribed],
    ]);
    const path = `/fhir/R4/Patient/${id}/$medications`;
    expect((await (await delegated('medication')).send({ path })).status).to.equal(403);
  });

  it('takes together what two providers prescribed, for who treats her once she permits it', async () => {
    const types = ['MedicationRequest', 'MedicationAdministration', 'Patient'];
    const classes = types.map((code) => ({ system: 'http://hl7.org/fhir/resource-types', code }));
    await granted(patient, permissionOf(id, { class: classes }));
    await delivered(clinic, { system: MRN, value: mrn }, types);
    const list = await listAt(clinic, ofClinic);
    expect(sourcesIn(list)).to.deep.equal([[prescribed, elsewhere].sort()]);
    expect(countsIn(list.contained![0]!)).to.deep.equal({ due: 20, taken: 3, missed: 17 });
    const summary = await clinic.ask<{
      entry: { resource: Resource & { section?: { title: string; entry?: object[] }[] } }[];
    }>({ path: `/fhir/R4/${ofClinic}/$summary` });
    const [composition] = summary.entry;
    const section = composition?.resource.section?.find(({ title }) => title === 'Medication');
    expect(section?.entry).to.have.length(1);
    for (const reference of [prescribed, elsewhere]) expect(JSON.stringify(summary)).to.include(`/${reference}"`);
  });
});
