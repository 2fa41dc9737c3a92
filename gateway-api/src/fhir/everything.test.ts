/** All of a patient's records at once, and the summary of them. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { FixtureConsortium, until } from '../consortium.fixture.ts';

const NPI = { system: 'http://hl7.org/fhir/sid/us-npi', value: randomUUID() };
const LOINC = 'http://loinc.org';
const CLINICAL = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
const ALLERGY = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical';

interface Entry {
  fullUrl?: string;
  resource: { resourceType: string; id: string; section?: Section[]; issue?: { diagnostics: string }[] };
  search?: { mode: string };
}
interface Section {
  title: string;
  text: { div: string };
  entry?: { reference: string }[];
  emptyReason?: object;
}

describe('Of a patient', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  let patient: string;
  let other: string;
  const ids = new Map<string, string>();
  /** `Type/id` of what her records refer to and is about nobody. */
  const companions = new Map<string, string>();
  let stranger: string;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'patients']);
    patient = await created({ resourceType: 'Patient', active: true });
    other = await created({ resourceType: 'Patient', active: true });
    const of = (resource: object, id = patient) => ({ ...resource, subject: { reference: `Patient/${id}` } });
    const observation = (index: number) => ({
      ...{ resourceType: 'Observation', status: 'final', effectiveDateTime: '2026-01-05' },
      category: [{ coding: [{ code: 'laboratory' }] }],
      code: { coding: [{ system: LOINC, code: '4548-4', display: `HbA1c <${index}>` }] },
      valueQuantity: { value: 7.1, unit: '%' },
    });
    const clinical = (system: string, code: string) => ({ coding: [{ system, code }] });
    const all: [string, object][] = [
      ...[0, 1, 2, 3].map((index): [string, object] => [`observation ${index}`, of(observation(index))]),
      [
        'problem',
        of({ resourceType: 'Condition', code: { text: 'Asthma' }, clinicalStatus: clinical(CLINICAL, 'active') }),
      ],
      [
        'past',
        of({ resourceType: 'Condition', code: { text: 'Angina' }, clinicalStatus: clinical(CLINICAL, 'resolved') }),
      ],
      [
        'wrong',
        of({
          resourceType: 'Condition',
          code: { text: 'Nothing' },
          verificationStatus: clinical(
            'http://terminology.hl7.org/CodeSystem/condition-ver-status',
            'entered-in-error',
          ),
        }),
      ],
      [
        'allergy',
        {
          resourceType: 'AllergyIntolerance',
          patient: { reference: `Patient/${patient}` },
          code: { text: 'Penicillin' },
          clinicalStatus: clinical(ALLERGY, 'active'),
        },
      ],
      ['theirs', of(observation(9), other)],
    ];
    for (const [name, resource] of all) ids.set(name, await created(resource as { resourceType: string }));
    const companion = async (name: string, resource: { resourceType: string; [member: string]: unknown }) => {
      const reference = `${resource.resourceType}/${await created(resource)}`;
      companions.set(name, reference);
      return { reference };
    };
    const house = await companion('house', { resourceType: 'Organization', name: 'House' });
    const doctor = await companion('doctor', { resourceType: 'Practitioner', name: [{ family: 'First' }] });
    await companion('nurse', { resourceType: 'Practitioner', identifier: [NPI] });
    const role = await companion('role', {
      ...{ resourceType: 'PractitionerRole', practitioner: doctor, organization: house },
    });
    const drug = await companion('drug', { resourceType: 'Medication', code: { text: 'a drug' } });
    stranger = (await companion('stranger', { resourceType: 'Practitioner', name: [{ family: 'Stranger' }] }))
      .reference;
    companions.delete('stranger');
    const visit = {
      ...{
        resourceType: 'Encounter',
        status: 'finished',
        class: { code: 'AMB' },
        subject: { reference: `Patient/${patient}` },
      },
      participant: [{ individual: doctor }],
      serviceProvider: { reference: 'Organization/hospital' },
    };
    ids.set('visit', await created(visit));
    const encounter = { reference: `Encounter/${ids.get('visit')}` };
    const prescription = {
      ...{ resourceType: 'MedicationRequest', status: 'active', intent: 'order', encounter, subject: visit.subject },
      ...{ medicationReference: drug, requester: role },
      performer: { type: 'Practitioner', identifier: NPI },
    };
    ids.set('prescription', await created(prescription));
    await until(async () => (await get(`Observation/${ids.get('theirs')}`, 'patients')).status === 200, 20_000);
  });
  after(() => consortium?.close());

  const created = async (resource: { resourceType: string; [name: string]: unknown }): Promise<string> => {
    const { status, body } = await consortium.send('hospital', `POST /fhir/R4/${resource.resourceType}`, resource);
    expect(status, JSON.stringify(body)).to.equal(201);
    return body.id;
  };
  const herself = () => `patients patient Patient/${patient}`;
  const get = (path: string, as = herself()) => consortium.send(as, `GET /fhir/R4/${path}`);
  const entriesOf = ({ body }: { body: { entry?: Entry[] } }): Entry[] => body.entry ?? [];
  const shownIn = (entries: Entry[]) =>
    entries.filter(({ search }) => search?.mode === 'match').map(({ resource }) => resource.id);
  const included = (entries: Entry[]) =>
    entries
      .filter(({ search }) => search?.mode === 'include')
      .map(({ resource }) => `${resource.resourceType}/${resource.id}`);
  /** References of a Bundle's entries that lead to none of them. */
  const leadingNowhere = (entries: Entry[]): string[] => {
    const there = new Set(entries.map(({ fullUrl = '' }) => fullUrl.split('/').slice(-2).join('/')));
    const texts = [...JSON.stringify(entries).matchAll(/"reference":"([^"#]+)"/g)].map(([, text]) => text!);
    return texts.filter((text) => !there.has(text.split('/').slice(-2).join('/')));
  };
  const hers = () => [patient, ...[...ids].filter(([name]) => name !== 'theirs').map(([, id]) => id)];

  it('everything is hers, what matters most first, to herself, to the custodian and to the holder', async () => {
    for (const as of [herself(), 'patients', 'hospital practitioner']) {
      const answer = await get(`Patient/${patient}/$everything`, as);
      expect(answer.status).to.equal(200);
      expect(shownIn(entriesOf(answer))).to.have.members(hers());
      expect(included(entriesOf(answer)), as).to.have.members([...companions.values(), 'Organization/hospital']);
      expect(leadingNowhere(entriesOf(answer)), as).to.deep.equal([]);
      const types = entriesOf(answer).map(({ resource }) => resource.resourceType);
      expect(types.slice(0, 3)).to.deep.equal(['Patient', 'AllergyIntolerance', 'Condition']);
      for (const { fullUrl, resource } of entriesOf(answer))
        expect(fullUrl).to.match(new RegExp(`/fhir/R4/${resource.resourceType}/${resource.id}$`));
    }
  });

  it('everything comes in pages of any size, none twice and none left out', async () => {
    for (const count of [1, 2, 3, 5, 9, 100]) {
      const seen: string[] = [];
      let path: string | undefined = `Patient/${patient}/$everything?_count=${count}`;
      for (; path !== undefined; ) {
        const answer = await get(path);
        const entries = shownIn(entriesOf(answer));
        expect(entries.length).to.be.at.most(count);
        seen.push(...entries);
        const next = (answer.body.link as { relation: string; url: string }[]).find(
          ({ relation }) => relation === 'next',
        );
        const beside = included(entriesOf(answer));
        expect(new Set(beside).size, 'none twice on a page').to.equal(beside.length);
        const isPresent = (text: string) => [...companions.values()].includes(text);
        expect(leadingNowhere(entriesOf(answer)).filter(isPresent)).to.deep.equal([]);
        expect(next?.url ?? '').to.not.match(/Observation|after=/);
        path = next?.url.split('/fhir/R4/')[1];
      }
      expect(seen, `${count}`).to.have.members(hers());
      expect(new Set(seen).size).to.equal(seen.length);
    }
  });

  it('everything is narrowed by type and by time, and by nothing that is not kept', async () => {
    const of = async (query: string) => shownIn(entriesOf(await get(`Patient/${patient}/$everything?${query}`)));
    expect(await of('_type=AllergyIntolerance,Patient')).to.deep.equal([patient, ids.get('allergy')]);
    const beside = async (query: string) => included(entriesOf(await get(`Patient/${patient}/$everything?${query}`)));
    expect(await beside('_type=Encounter')).to.deep.equal([]);
    expect(await beside('_type=Encounter,Practitioner')).to.deep.equal([companions.get('doctor')]);
    expect((await of('_type=Practitioner')).map((id) => `Practitioner/${id}`)).to.have.members([
      companions.get('doctor'),
      companions.get('nurse'),
    ]);
    expect(await of('_since=2099-01-01T00:00:00Z')).to.deep.equal([]);
    expect(await of('_since=2020-01-01T00:00:00Z')).to.have.members(hers());
    const observations = [0, 1, 2, 3].map((index) => ids.get(`observation ${index}`)!);
    const undated = hers().filter((id) => !observations.includes(id));
    expect(await of('start=2026-01-01&end=2026-01-31')).to.include.members(observations);
    expect(await of('start=2026-02-01'))
      .to.include(patient)
      .and.to.include.members([ids.get('problem')]);
    for (const query of ['start=2026-02-01', 'end=2025'])
      expect(
        (await of(query)).every((id) => undated.includes(id!)),
        query,
      ).to.equal(true);
    for (const query of [
      'start=soon',
      'start=2026-02-01&end=2026-01-01',
      'foo=1',
      '_type=Substance',
      '_type=x',
      '_count=0',
      '_count=x',
      '_since=soon',
      '_page=x',
    ])
      expect((await get(`Patient/${patient}/$everything?${query}`)).status, query).to.equal(400);
  });

  it('nothing is shown to another, by no way and no link', async () => {
    const first = await get(`Patient/${patient}/$everything?_count=1`);
    const page = /_page=[\w-]+/.exec(JSON.stringify(first.body))?.[0];
    const their = `patients patient Patient/${other}`;
    for (const path of [
      `Patient/${patient}/$everything`,
      `Patient/${patient}/$summary`,
      `Patient/${randomUUID()}/$everything`,
    ])
      expect((await get(path, their)).status, path).to.equal(404);
    expect((await get(`Patient/${other}/$everything?${page}`, their)).status).to.equal(400);
    for (const as of ['patients operator', 'patients caretaker RelatedPerson/x', 'patients patient'])
      expect((await get(`Patient/${patient}/$everything`, as)).status, as).to.equal(403);
    expect(shownIn(entriesOf(await get(`Patient/${other}/$everything`, their)))).to.have.members([
      other,
      ids.get('theirs'),
    ]);
  });

  it('everything says which types are not shown to a token, of what there is and of what there is not alike', async () => {
    const scope = 'system/Patient.rs system/Observation.rs';
    const headers = { authorization: `Bearer ${await consortium.token('hospital', 'system', undefined, { scope })}` };
    const named = async (id: string): Promise<string | undefined> => {
      const { body } = await consortium.send('hospital', `GET /fhir/R4/Patient/${id}/$everything`, undefined, headers);
      const said = entriesOf({ body }).flatMap(({ resource: { issue = [] } }) =>
        issue.map(({ diagnostics }) => diagnostics),
      );
      return said.find((text) => text.startsWith('Not shown'));
    };
    expect(await named(patient))
      .to.include('Condition')
      .and.include('Goal');
    expect(await named(patient)).to.equal(await named(other));
  });

  it('whatever a search shows is in the log, however it is counted', async () => {
    const shown = ids.get('observation 0');
    for (const total of ['', '&_total=none', '&_total=estimate', '&_total=accurate']) {
      const found = await get(`Observation?patient=Patient/${patient}${total}`, 'hospital');
      expect(shownIn(entriesOf(found)), total).to.include(shown);
      const { body } = await consortium.send('hospital', `GET /reads?patient=${patient}&count=2`);
      expect(body.reads[1], total).to.deep.include({ interaction: 'search', type: 'Observation' });
      expect(body.reads[1].records, total).to.include(shown);
    }
  });

  it('the summary is a document with what counts now, and says where nothing is recorded', async () => {
    const { status, body } = await get(`Patient/${patient}/$summary`);
    expect(status).to.equal(200);
    expect(body).to.include({ resourceType: 'Bundle', type: 'document' });
    const [composition] = body.entry as Entry[];
    const sections = new Map((composition?.resource.section ?? []).map((one) => [one.title, one]));
    expect([...sections.keys()]).to.deep.equal([
      'Problems',
      'Allergies and intolerances',
      'Medication',
      'Results',
      'Past problems',
    ]);
    const named = (title: string) =>
      (sections.get(title)?.entry ?? []).map(({ reference }) => reference.split('/').at(-1));
    const whole = body.entry as Entry[];
    expect(leadingNowhere(whole.filter(({ fullUrl }) => !fullUrl?.startsWith('urn:')))).to.deep.equal([]);
    const there = whole.map(({ resource }) => `${resource.resourceType}/${resource.id}`);
    expect(there).to.include.members([...companions.values(), `Encounter/${ids.get('visit')}`]);
    expect(there).to.not.include(stranger);
    expect(named('Problems')).to.deep.equal([ids.get('problem')]);
    expect(named('Past problems')).to.deep.equal([ids.get('past')]);
    expect(named('Allergies and intolerances')).to.deep.equal([ids.get('allergy')]);
    expect(named('Results')).to.have.length(4);
    const [made] = sections.get('Medication')?.entry ?? [];
    const statement = whole.find(({ fullUrl }) => fullUrl === made?.reference)?.resource;
    expect(JSON.stringify(statement)).to.include(`/MedicationRequest/${ids.get('prescription')}"`);
    expect(there).to.include(`MedicationRequest/${ids.get('prescription')}`);
    const their = (await get(`Patient/${other}/$summary`, `patients patient Patient/${other}`)).body.entry[0] as Entry;
    const empty = their.resource.section?.find(({ title }) => title === 'Medication');
    expect(empty).to.have.property('emptyReason');
    expect(sections.get('Results')?.text.div).to.contain('HbA1c &lt;0&gt;, 7.1 %, 2026-01-05');
    const urls = new Set((body.entry as Entry[]).map(({ fullUrl }) => fullUrl));
    for (const { entry = [] } of sections.values())
      for (const { reference } of entry) expect(urls.has(reference)).to.equal(true);
    expect(JSON.stringify(body)).to.not.contain(ids.get('wrong')).and.not.contain(ids.get('theirs'));
  });

  it('both are in the metadata', async () => {
    const { body } = await get('metadata');
    const { operation } = body.rest[0].resource.find(({ type }: { type: string }) => type === 'Patient');
    expect(operation.map(({ name }: { name: string }) => name)).to.include.members([
      'everything',
      'summary',
      'medications',
    ]);
  });
});
