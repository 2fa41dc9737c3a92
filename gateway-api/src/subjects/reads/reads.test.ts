/** That whatever shows something of a patient, or refuses it, is written down before it is answered: every way of reading. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type Answer, FixtureConsortium, until } from '../../consortium.fixture.ts';

const SYSTEM = 'urn:example:mrn';
const DOCTOR = 'hospital practitioner Practitioner/doctor';

interface Shown {
  outcome: string;
  interaction: string;
  type: string;
  role: string;
  count: number;
  records: string[];
}

describe('A read', function () {
  this.timeout(90_000);
  let consortium: FixtureConsortium;
  let patient: string;
  let mrn: string;
  let observation: string;

  before(async function () {
    this.timeout(150_000);
    consortium = await FixtureConsortium.start(['hospital', 'patients']);
  });
  after(() => consortium?.close());
  beforeEach(async () => {
    mrn = randomUUID();
    const identifier = [{ system: SYSTEM, value: mrn }];
    patient = await created('hospital', { resourceType: 'Patient', identifier });
    observation = await created('hospital', {
      ...{ resourceType: 'Observation', status: 'final', code: { text: 'pulse' } },
      subject: { reference: `Patient/${patient}` },
    });
  });

  const send = (...request: Parameters<FixtureConsortium['send']>): Promise<Answer> => consortium.send(...request);
  async function created(as: string, body: { resourceType: string } & Record<string, unknown>): Promise<string> {
    const { status, body: made } = await send(as, `POST /fhir/R4/${body.resourceType}`, body);
    expect(status, JSON.stringify(made)).to.equal(201);
    return made.id;
  }
  /** What is in the log of an organisation about the patient, oldest first, without looks at the log. */
  const logged = async (organisation: string): Promise<string[]> => {
    const { body } = await send(organisation, `GET /reads?patient=${patient}&count=500`);
    return (body.reads as Shown[])
      .filter(({ interaction }) => interaction !== 'log')
      .map(({ outcome, interaction, type, role, count }) => [outcome, interaction, type, role, count].join(' '))
      .reverse();
  };
  const herself = () => `patients patient Patient/${patient}`;

  it('is the same of a patient who is named as references name her, and none of what names nobody', async () => {
    await send('hospital practitioner', `GET /fhir/R4/Observation/${observation}`);
    const about = async (named: string) => {
      const { status, body } = await send('hospital', `GET /reads?patient=${named}&count=500`);
      const all = (body.reads ?? []) as Shown[];
      return [status, all.filter(({ interaction }) => interaction !== 'log')] as const;
    };
    const [status, reads] = await about(patient);
    expect([status, reads.length > 0]).to.deep.equal([200, true]);
    expect(await about(`Patient/${patient}`)).to.deep.equal([status, reads]);
    for (const named of ['', `https://elsewhere.example/Patient/${patient}`, `Group/${patient}`])
      expect((await about(named))[0], named).to.equal(422);
  });

  const ways: [string, (get: (path: string) => Promise<Answer>) => Promise<Answer>, string][] = [
    ['read', (get) => get(`/fhir/R4/Observation/${observation}`), 'shown read Observation practitioner 1'],
    [
      'version',
      (get) => get(`/fhir/R4/Observation/${observation}/_history/1`),
      'shown vread Observation practitioner 1',
    ],
    [
      'history',
      (get) => get(`/fhir/R4/Observation/${observation}/_history`),
      'shown history Observation practitioner 1',
    ],
    ['search', (get) => get(`/fhir/R4/Observation?patient=${patient}`), 'shown search Observation practitioner 1'],
    [
      'search by id',
      (get) => get(`/fhir/R4/Observation?_id=${observation}`),
      'shown search Observation practitioner 1',
    ],
    ['empty search', (get) => get(`/fhir/R4/Condition?patient=${patient}`), 'shown search Condition practitioner 0'],
    [
      'count',
      (get) => get(`/fhir/R4/Observation?patient=${patient}&_summary=count`),
      'shown search Observation practitioner 0',
    ],
    [
      'search for the log',
      (get) => get(`/fhir/R4/AuditEvent?patient=${patient}`),
      'shown search AuditEvent practitioner 0',
    ],
  ];
  for (const [name, ask, line] of ways)
    it(`of one’s own organisation’s data is in the log: ${name}`, async () => {
      expect((await ask((path) => send(DOCTOR, `GET ${path}`))).status).to.equal(200);
      expect(await logged('hospital')).to.deep.equal([line]);
    });

  it('in a Bundle is in the log as any other', async () => {
    const entry = [{ request: { method: 'GET', url: `Observation/${observation}` } }];
    const body = { resourceType: 'Bundle', type: 'batch', entry };
    expect((await send(DOCTOR, 'POST /fhir/R4', body)).status).to.equal(200);
    expect(await logged('hospital')).to.deep.equal(['shown read Observation practitioner 1']);
  });

  it('of many patients is in the log of each, with what of theirs was shown', async () => {
    const other = await created('hospital', { resourceType: 'Patient' });
    await created('hospital', {
      ...{ resourceType: 'Observation', status: 'final', code: { text: 'pulse' } },
      subject: { reference: `Patient/${other}` },
    });
    await send(DOCTOR, `GET /fhir/R4/Observation?patient=${patient},${other}`);
    for (const id of [patient, other]) {
      const { body } = await send('hospital', `GET /reads?patient=${id}`);
      expect(body.reads.find(({ interaction }: Shown) => interaction === 'search').records).to.have.length(1);
    }
  });

  it('by herself is in her log, and that another tried; a look at the log is too', async () => {
    await until(async () => (await send(herself(), `GET /fhir/R4/Observation/${observation}`)).status === 200, 20_000);
    const stranger = `patients patient Patient/${randomUUID()}`;
    expect((await send(stranger, `GET /fhir/R4/Observation/${observation}`)).status).to.equal(404);
    await send(stranger, `GET /fhir/R4/Observation?patient=${patient}`);
    expect((await send('patients auditor', `GET /fhir/R4/Observation/${observation}`)).status).to.equal(403);
    const parameter = [
      { name: 'patient', valueReference: { reference: `Patient/${patient}` } },
      {
        name: 'requestor',
        valueReference: { identifier: { system: 'https://telemed-ledger.example/organisations', value: 'clinic' } },
      },
      { name: 'purpose', valueCode: 'TREAT' },
    ];
    const dryRun = { resourceType: 'Parameters', parameter };
    const evaluated = await send(stranger, 'POST /fhir/R4/Consent/$evaluate', dryRun);
    expect(evaluated.status, JSON.stringify(evaluated.body)).to.be.oneOf([403, 422, 400]);
    const { body } = await send(herself(), 'GET /reads?count=500');
    const lines = (body.reads as Shown[]).map(({ outcome, interaction, role }) => `${outcome} ${interaction} ${role}`);
    expect(lines[0]).to.equal('shown log patient');
    expect(lines).to.include.members(['shown read patient', 'refused read patient', 'refused search patient']);
    const { body: theirs } = await send(stranger, `GET /reads?patient=${patient}`);
    expect(theirs.reads).to.deep.equal([]);
    const { body: after } = await send(herself(), 'GET /reads?count=2');
    expect(after.reads.map(({ outcome, interaction }: Shown) => `${outcome} ${interaction}`)).to.deep.equal([
      ...['shown log', 'refused log'],
    ]);
    for (const role of ['practitioner Practitioner/doctor', 'auditor', 'operator'])
      expect((await send(`hospital ${role}`, 'GET /reads')).status, role).to.equal(403);
  });

  it('of the requests for her records is in her log, by whoever asks how they stand', async () => {
    const wanted = { holder: 'hospital', patient: { system: SYSTEM, value: mrn }, types: [], purpose: 'TREAT' };
    await until(async () => (await send(herself(), `GET /fhir/R4/Patient/${patient}`)).status === 200, 20_000);
    await consortium.open('clinic');
    const { body: request } = await send('clinic', 'POST /access-requests', wanted);
    await until(async () => (await send(herself(), `GET /access-requests/${request.id}`)).status === 200, 20_000);
    await send(herself(), 'GET /access-requests');
    const stranger = `patients patient Patient/${randomUUID()}`;
    expect((await send(stranger, `GET /access-requests/${request.id}`)).status).to.equal(404);
    expect((await send(stranger, `GET /fhir/R4/AuditEvent/${request.id}`)).status).to.equal(404);
    const lines = await logged('patients');
    expect(lines).to.include.members([
      'shown access AccessRequest patient 1',
      'refused access AccessRequest patient 1',
    ]);
    expect(lines).to.include('refused read AuditEvent patient 1');
    await consortium.shut('clinic');
  });

  it('is checked by verification, which names what was changed', async () => {
    await send(DOCTOR, `GET /fhir/R4/Observation/${observation}`);
    const sweep = async () => (await send('hospital operator', 'POST /verify')).body.differences;
    expect(await sweep()).to.deep.equal([]);
  });
});
