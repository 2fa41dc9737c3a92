/** That a patient finds whom to name, and nothing else of anybody. */
import { expect } from 'chai';
import { type Answer, FixtureConsortium, until } from '../../consortium.fixture.ts';
import { onEachDatabase } from '../../index/databases.fixture.ts';

const NPI = 'http://hl7.org/fhir/sid/us-npi';
const ORGANISATIONS = 'https://telemed-ledger.example/organisations';

onEachDatabase('The directory', function (kind) {
  this.timeout(90_000);
  let consortium: FixtureConsortium;
  let doctor: string;
  let role: string;
  const as = 'patients patient Patient/p1';
  const get = (path: string, who = as): Promise<Answer> => consortium.send(who, `GET /fhir/R4/${path}`);
  const idsOf = async (path: string): Promise<string[]> => {
    const { status, body } = await get(path);
    expect(status, JSON.stringify(body)).to.equal(200);
    return (body.entry ?? []).map((one: { resource: { id: string } }) => one.resource.id);
  };

  before(async function () {
    this.timeout(150_000);
    consortium = await FixtureConsortium.start(['hospital', 'clinic', 'patients'], kind);
    const created = async (organisation: string, body: { resourceType: string }): Promise<string> =>
      (await consortium.send(organisation, `POST /fhir/R4/${body.resourceType}`, body)).body.id;
    doctor = await created('clinic', {
      resourceType: 'Practitioner',
      ...{ identifier: [{ system: NPI, value: '1234567893' }], name: [{ family: 'Primaria', given: ['Dolores'] }] },
      ...{ telecom: [{ system: 'phone', value: '555-0100' }], birthDate: '1970-01-01' },
      ...{ address: [{ city: 'Home' }], photo: [{ url: 'https://x.example/face.png' }] },
    } as { resourceType: string });
    role = await created('clinic', {
      resourceType: 'PractitionerRole',
      ...{ practitioner: { reference: `Practitioner/${doctor}` }, specialty: [{ text: 'cardiology' }] },
      ...{ telecom: [{ system: 'phone', value: '555-0101' }] },
    } as { resourceType: string });
    await until(async () => (await get(`PractitionerRole/${role}`)).status === 200, 30_000);
  });
  after(() => consortium?.close());

  it('has the members of the consortium, by name, identifier and id', async () => {
    expect(await idsOf('Organization')).to.deep.equal(consortium.members.organisations.map(({ name }) => name));
    expect(await idsOf('Organization?name=CLI')).to.deep.equal(['clinic']);
    expect(await idsOf(`Organization?identifier=${ORGANISATIONS}|payer`)).to.deep.equal(['payer']);
    expect(await idsOf('Organization?_id=bank,clinic')).to.deep.equal(['clinic', 'bank']);
    expect(await idsOf('Organization?name=nobody')).to.deep.equal([]);
    const { body } = await get('Organization/clinic');
    expect(body).to.deep.include({ identifier: [{ system: ORGANISATIONS, value: 'clinic' }], name: 'clinic' });
    expect((await get('Organization/nobody')).status).to.equal(404);
  });

  it('is read in pages', async () => {
    const { body } = await get('Organization?_count=4');
    const next = body.link.find(({ relation }: { relation: string }) => relation === 'next').url;
    const rest = await get(next.slice(next.indexOf('/fhir/R4/') + '/fhir/R4/'.length));
    const all = [body, rest.body].flatMap(({ entry }) =>
      entry.map((one: { resource: { id: string } }) => one.resource.id),
    );
    expect(all).to.deep.equal(consortium.members.organisations.map(({ name }) => name));
  });

  it('has practitioners by name and NPI, with whose they are, and nothing of their private lives', async () => {
    for (const query of ['name=primar', 'name=dolores', `identifier=${NPI}|1234567893`, `_id=${doctor}`])
      expect(await idsOf(`Practitioner?${query}`), query).to.deep.equal([doctor]);
    const { body } = await get(`Practitioner/${doctor}`);
    expect(Object.keys(body).sort()).to.deep.equal(['id', 'identifier', 'meta', 'name', 'resourceType']);
    expect(body.identifier).to.deep.equal([
      { system: `${ORGANISATIONS}/clinic/people`, value: `Practitioner/${doctor}` },
      { system: NPI, value: '1234567893' },
    ]);
    expect((await get(`Practitioner/${doctor}/_history`)).status, 'versions').to.equal(404);
  });

  it('has the roles of a practitioner', async () => {
    expect(await idsOf(`PractitionerRole?practitioner=${doctor}`)).to.deep.equal([role]);
    const { body } = await get(`PractitionerRole/${role}`);
    expect(Object.keys(body).sort()).to.deep.equal(['id', 'meta', 'practitioner', 'resourceType', 'specialty']);
  });

  it('is for patients: whoever sees all has the records themselves, and who sees nothing has nothing', async () => {
    expect((await get(`Practitioner/${doctor}`, 'patients system')).body).to.have.property('birthDate');
    expect((await get('Organization/clinic', 'patients system')).status).to.equal(404);
    for (const who of ['patients caretaker', 'patients operator'])
      expect((await get(`Practitioner/${doctor}`, who)).status).to.equal(403);
  });
});
