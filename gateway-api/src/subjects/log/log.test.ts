/** Her log: every kind of entry from every member, as AuditEvents and as sentences; found by what it says, newest first, in pages. */
import { expect } from 'chai';
import { type Answer, until } from '../../consortium.fixture.ts';
import { validateResource } from '../../fhir/validation/validation.ts';
import { AccessScene, type ExamplePatient } from '../access/access-scene.fixture.ts';
import { faultsOf } from './balp.fixture.ts';
import { kindOf } from './sentences.ts';

const CLINICIAN = 'clinic practitioner Practitioner/c1';

interface Event {
  id: string;
  recorded: string;
  type: { code: string };
  subtype: { code: string }[];
  agent: { who: { reference?: string; identifier?: { value: string } }; name?: string; network?: object }[];
  entity: { what?: { reference: string }; type?: { code: string } }[];
  meta: { profile?: string[] };
  text: { div: string };
}

describe('A patient’s log', function () {
  this.timeout(120_000);
  let scene: AccessScene;
  let patient: ExamplePatient;
  let granted: string;
  let waiting: string;
  let consent: string;
  let observation: string;
  /** Id of the record of who reads at the hospital. */
  let doctor: string;

  before(async function () {
    this.timeout(180_000);
    scene = await AccessScene.open('hospital', 'clinic', 'patients');
    patient = await scene.patient();
    observation = await scene.observation(patient);
    const refused = await scene.ask(patient);
    await scene.becomes('clinic', refused, ({ status }) => status === 'refused');
    consent = await scene.consented(patient);
    granted = await scene.ask(patient, {}, CLINICIAN);
    await scene.becomes('clinic', granted, ({ status }) => status === 'granted');
    const name = [{ given: ['Ada'], family: 'Example' }];
    doctor = await scene.created('hospital', 'POST /fhir/R4/Practitioner', { resourceType: 'Practitioner', name });
    const DOCTOR = `hospital practitioner Practitioner/${doctor}`;
    expect((await scene.send(DOCTOR, `GET /fhir/R4/Observation/${observation}`)).status).to.equal(200);
    await scene.send(DOCTOR, `GET /fhir/R4/Observation?patient=${patient.id}`);
    await until(async () => (await scene.send(CLINICIAN, `GET /fhir/R4/Observation/${observation}`)).status === 200);
    const stranger = await scene.patient();
    await until(
      async () => (await scene.send(herself(stranger), `GET /fhir/R4/Patient/${stranger.id}`)).status === 200,
    );
    expect((await scene.send(herself(stranger), `GET /fhir/R4/Observation/${observation}`)).status).to.equal(404);
    const given = (await scene.send(herself(), `GET /fhir/R4/Consent/${consent}`)).body;
    const ended = { ...given, status: 'inactive' };
    const revoked = await scene.send(herself(), `PUT /fhir/R4/Consent/${consent}`, ended, { 'if-match': 'W/"1"' });
    expect(revoked.status, JSON.stringify(revoked.body)).to.equal(200);
    await scene.becomes('patients', granted, ({ status }) => status === 'purged');
    waiting = await scene.ask(patient, { waitUntil: new Date(Date.now() + 3_600_000).toISOString() });
    const at = `/fhir/R4/Observation/${observation}`;
    for (const name of ['restrict', 'lift-restriction'])
      expect((await scene.send(herself(), `POST ${at}/$${name}`)).status, name).to.equal(200);
    const parameter = [{ name: 'text', valueString: 'It was the left foot.' }];
    const wrong = await scene.send(herself(), `POST ${at}/$request-correction`, {
      resourceType: 'Parameters',
      parameter,
    });
    expect(wrong.status, JSON.stringify(wrong.body)).to.equal(201);
    await scene.send(herself(), 'GET /reads');
    for (const name of ['hospital', 'clinic']) {
      const { body } = await scene.send(`${name} operator`, 'POST /log-anchors', {});
      const { n } = body.anchors.at(-1);
      const path = `GET /log-anchors/${name}/proofs?to=${n}`;
      await until(async () => (await scene.send(herself(), path)).body.proofs?.at(-1)?.n === n, 20_000);
    }
  });
  after(() => scene?.close());

  const herself = ({ id }: ExamplePatient = patient): string => `patients patient Patient/${id}`;
  const events = async (query = '', as = herself()): Promise<Event[]> => {
    const { status, body } = await scene.send(as, `GET /fhir/R4/AuditEvent?patient=${patient.id}&_count=500${query}`);
    expect(status, JSON.stringify(body)).to.equal(200);
    return (body.entry ?? []).map(({ resource }: { resource: Event }) => resource);
  };
  const codes = (some: Event[]): string[] => some.map(({ subtype }) => subtype.map(({ code }) => code).join(' '));

  it('has every kind of event, newest first, each a valid AuditEvent with a sentence', async () => {
    const all = await events();
    const kinds = new Set(codes(all));
    for (const kind of ['refused AuthZ-Consent', 'purged disclose', 'purged', 'create grant', 'update revoke'])
      expect([...kinds], kind).to.include(kind);
    for (const kind of ['read read', 'search-type search', 'operation log']) expect([...kinds]).to.include(kind);
    const [given] = all.filter(({ subtype }) => subtype.some(({ code }) => code === 'grant'));
    expect(given!.text.div).to.include('which patients recorded in trust');
    const seen = new Set(all.map((event) => kindOf(event as never)));
    const expected = ['asked', 'refused', 'delivered', 'purged', 'grant', 'revoke', 'read', 'search', 'refusal', 'log'];
    expect([...seen]).to.include.members([...expected, 'restrict', 'lift-restriction', 'correction-asked']);
    const restricted = all.filter(({ id }) => id.startsWith('restriction.'));
    expect(restricted.map(({ subtype }) => subtype[1]!.code)).to.deep.equal(['lift-restriction', 'restrict']);
    for (const { agent, entity } of restricted) {
      expect(agent[0]!.who.reference).to.equal(`Patient/${patient.id}`);
      expect(entity.map(({ what }) => what?.reference)).to.include(`Observation/${observation}`);
    }
    const times = all.map(({ recorded }) => recorded);
    expect(times).to.deep.equal(times.toSorted().reverse());
    expect(new Set(all.map(({ id }) => id)).size).to.equal(all.length);
    for (const event of all) {
      expect(validateResource(event).issues, JSON.stringify(event)).to.deep.equal([]);
      expect(faultsOf(event as never, kindOf(event as never)), JSON.stringify(event)).to.deep.equal([]);
      expect(event.text.div).to.match(/^<div xmlns="http:\/\/www.w3.org\/1999\/xhtml" lang="en"/);
      expect(event.entity.some(({ what }) => what?.reference === `Patient/${patient.id}`)).to.equal(true);
      const { body } = await scene.send(herself(), `GET /fhir/R4/AuditEvent/${event.id}`);
      expect(body.id).to.equal(event.id);
    }
  });

  it('has the reads at every member, with who read, and under what', async () => {
    const reads = (await events('&type=rest&subtype=read')).map((event) => event.agent[0]!.who.reference);
    expect(reads.some((one) => one?.endsWith(`hospital/Practitioner/${doctor}`))).to.equal(true);
    expect(reads.some((one) => one?.endsWith('clinic/Practitioner/c1'))).to.equal(true);
    const [atClinic] = (await events('&agent=Practitioner/c1&subtype=read')) as [Event];
    expect(atClinic.entity.some(({ what }) => what?.reference === `Consent/${consent}/_history/1`)).to.equal(true);
    expect(atClinic.meta.profile).to.deep.equal([
      'https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead',
    ]);
    const { body } = await scene.send(herself(), 'GET /reads?count=500');
    const organisations = new Set(body.reads.map(({ organisation }: { organisation: string }) => organisation));
    expect([...organisations]).to.have.members(['hospital', 'clinic', 'patients']);
    const others = new Map(
      body.others.map((one: { organisation: string; through?: string }) => [one.organisation, one.through]),
    );
    expect(others.get('hospital')).to.be.a('string');
    expect(others.has('payer') && others.get('payer') === undefined).to.equal(true);
    const pages: object[] = [];
    for (let path: string | undefined = '/reads?count=2'; path !== undefined && pages.length < 100; ) {
      const { body: page }: Answer = await scene.send(herself(), `GET ${path}`);
      pages.push(...page.reads);
      path = page.next;
    }
    const key = (one: object) => JSON.stringify(one);
    expect(pages.map(key)).to.include.members(body.reads.map(key));
  });

  it('is found by date, agent, type, entity and outcome, and by nothing unknown', async () => {
    const all = await events();
    const ids = async (query: string) =>
      (await events(query)).map(({ id }) => id).filter((id) => all.some((one) => one.id === id));
    const where = (is: (event: Event) => boolean) => all.filter(is).map(({ id }) => id);
    const middle = all[Math.floor(all.length / 2)]!.recorded;
    expect(await ids(`&date=ge${middle}`)).to.deep.equal(where(({ recorded }) => recorded >= middle));
    expect(await ids(`&date=lt${middle}`)).to.deep.equal(where(({ recorded }) => recorded < middle));
    expect(await ids('&type=110106')).to.deep.equal([granted]);
    expect(await ids('&type=destroy')).to.deep.equal([`${granted}.purged`]);
    expect(await ids(`&entity=Consent/${consent}`))
      .to.include(`consent.${consent}.1`)
      .and.to.include(granted);
    expect(await ids('&entity-type=Consent')).to.include(`consent.${consent}.1`);
    expect(await ids('&outcome=4')).to.have.length.greaterThan(1);
    expect(await ids('&agent-role=practitioner')).to.have.length.greaterThan(1);
    expect(await ids(`&_id=${granted},${granted}.purged`)).to.have.members([granted, `${granted}.purged`]);
    expect(await ids('&agent=Practitioner/nobody')).to.deep.equal([]);
    const { status } = await scene.send(herself(), 'GET /fhir/R4/AuditEvent?who=x');
    expect(status).to.equal(400);
  });

  it('is found by its holder by patient, with what is the holder’s, and by nobody else', async () => {
    const atHolder = await events('', 'hospital');
    expect(codes(atHolder)).to.include('read read').and.to.include('create grant');
    expect(atHolder.every(({ id }) => !id.startsWith('read.clinic.'))).to.equal(true);
    const other = await scene.patient();
    await until(
      async () => (await scene.send(herself(other), `GET /fhir/R4/Patient/${other.id}`)).status === 200,
      20_000,
    );
    const [read] = await events('&subtype=read');
    for (const id of [granted, `${granted}.purged`, `consent.${consent}.1`, read!.id])
      expect((await scene.send(herself(other), `GET /fhir/R4/AuditEvent/${id}`)).status, id).to.equal(404);
    expect((await scene.send(herself(other), `GET /access-log?patient=${patient.id}`)).status).to.equal(404);
  });

  it('goes on in pages, each entry once, while it grows', async () => {
    const seen: string[] = [];
    let path = `/fhir/R4/AuditEvent?patient=${patient.id}&_count=3`;
    for (let page = 0; path !== '' && page < 200; page += 1) {
      const { body } = await scene.send(herself(), `GET ${path}`);
      seen.push(...(body.entry ?? []).map(({ resource }: { resource: Event }) => resource.id));
      const next = body.link.find(({ relation }: { relation: string }) => relation === 'next')?.url ?? '';
      path = next === '' ? '' : new URL(next).pathname + new URL(next).search;
    }
    expect(new Set(seen).size).to.equal(seen.length);
    expect(seen).to.include(granted).and.to.include(`consent.${consent}.1`).and.to.include(`${granted}.purged`);
  });

  it('is read in her language, as text, page or JSON', async () => {
    const get = (query: string, headers: Record<string, string>) =>
      scene.send(herself(), `GET /access-log${query}`, undefined, headers);
    const text = await get('?lang=de&count=500', { accept: 'text/plain' });
    expect(text.headers.get('content-type')).to.match(/^text\/plain/);
    expect(text.body).to.match(/Ada Example bei hospital hat einen Datensatz gelesen/);
    const page = await get('?count=2', { accept: 'text/html', 'accept-language': 'ar' });
    expect(page.body)
      .to.match(/<html lang="ar" dir="rtl">/)
      .and.to.match(/rel="next"/);
    expect(page.headers.get('content-language')).to.equal('ar');
    const { body } = await get('?lang=es&count=1', { accept: 'application/json' });
    expect(body.entries).to.have.length(1);
    const next = await scene.send(herself(), `GET ${body.next}`);
    expect(next.body.entries).to.have.length(1);
    expect((await get('?lang=fr', {})).status).to.be.oneOf([400, 422]);
    const [event] = await (async () => {
      const path = `GET /fhir/R4/AuditEvent?patient=${patient.id}&_count=1`;
      const { body: found } = await scene.send(herself(), path, undefined, { 'accept-language': 'de' });
      return found.entry.map(({ resource }: { resource: Event }) => resource);
    })();
    expect(event.text.div).to.include('lang="de"');
  });

  it('is accounted for as PDF, in each language', async () => {
    for (const lang of ['en', 'ar']) {
      const response = await fetch(`${scene.consortium.urls.get('patients')}/accounting?lang=${lang}`, {
        headers: {
          authorization: `Bearer ${await scene.consortium.token('patients', 'patient', `Patient/${patient.id}`)}`,
          accept: 'application/pdf',
        },
      });
      expect(response.headers.get('content-type')).to.equal('application/pdf');
      expect(
        Buffer.from(await response.arrayBuffer())
          .subarray(0, 5)
          .toString(),
      ).to.equal('%PDF-');
    }
  });

  it('lists accesses with the one that went on last first, in pages', async () => {
    const later = await scene.ask(patient);
    await scene.becomes('patients', later, ({ status }) => status === 'refused');
    const listed: string[] = [];
    for (let path: string | undefined = '/access-requests?count=1'; path !== undefined && listed.length < 20; ) {
      const { body }: Answer = await scene.send(herself(), `GET ${path}`);
      listed.push(...body.accessRequests.map(({ id }: { id: string }) => id));
      path = body.next;
    }
    expect(listed.slice(0, 3)).to.deep.equal([later, waiting, granted]);
    expect(new Set(listed).size).to.equal(listed.length);
    expect((await scene.send(herself(), 'GET /access-requests?after=xx')).status).to.equal(422);
  });
});
