/** That what was delivered for one person is shown to nobody else of the same organisation, and that each look is written down. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type Answer, FixtureConsortium, until } from '../../consortium.fixture.ts';
import { onEachDatabase } from '../../index/databases.fixture.ts';

const SYSTEM = 'urn:example:mrn';
const coding = (system: string, code: string) => ({ coding: [{ system, code }] });
const DOCTOR = 'Practitioner/doctor';
const NURSE = 'Practitioner/nurse';

onEachDatabase('What is delivered for a person', function (kind) {
  this.timeout(90_000);
  let consortium: FixtureConsortium;
  let patient: string;
  let mrn: string;
  let observation: string;

  before(async function () {
    this.timeout(150_000);
    consortium = await FixtureConsortium.start(['hospital', 'clinic', 'patients'], kind);
  });
  after(() => consortium?.close());
  beforeEach(async () => {
    mrn = randomUUID();
    patient = await created('hospital', { resourceType: 'Patient', identifier: [{ system: SYSTEM, value: mrn }] });
    const subject = { reference: `Patient/${patient}` };
    observation = await created('hospital', {
      ...{ resourceType: 'Observation', status: 'final', code: { text: 'pulse' }, subject },
      identifier: [{ system: SYSTEM, value: `${mrn}-1` }],
    });
    await until(async () => (await send('patients', `GET /fhir/R4/Observation/${observation}`)).status === 200);
    await created(`patients patient Patient/${patient}`, {
      ...{ resourceType: 'Consent', status: 'active', category: [{ text: 'privacy' }] },
      scope: coding('http://terminology.hl7.org/CodeSystem/consentscope', 'patient-privacy'),
      patient: subject,
      policyRule: coding('http://terminology.hl7.org/CodeSystem/v3-ActCode', 'OPTIN'),
    });
  });

  const send = (...request: Parameters<FixtureConsortium['send']>): Promise<Answer> => consortium.send(...request);
  async function created(as: string, body: { resourceType: string } & Record<string, unknown>): Promise<string> {
    const { status, body: made } = await send(as, `POST /fhir/R4/${body.resourceType}`, body);
    expect(status, JSON.stringify(made)).to.equal(201);
    return made.id;
  }
  /** Asks, and answers the request's id once its copies are here. */
  async function delivered(as: string): Promise<string> {
    const asked = {
      holder: 'hospital',
      patient: { system: SYSTEM, value: mrn },
      types: ['Observation'],
      purpose: 'TREAT',
    };
    const { body } = await send(as, 'POST /access-requests', asked);
    await until(async () => (await send(as, `GET /access-requests/${body.id}`)).body.status === 'granted', 30_000);
    return body.id;
  }
  const statusFor = async (as: string): Promise<number> =>
    (await send(as, `GET /fhir/R4/Observation/${observation}`)).status;
  const READERS = [
    `clinic practitioner ${DOCTOR}`,
    `clinic system ${DOCTOR}`,
    `clinic practitioner ${NURSE}`,
    `clinic system ${NURSE}`,
    'clinic practitioner',
    'clinic system',
  ];
  const seenBy = async (): Promise<string[]> => {
    const statuses = await Promise.all(READERS.map(statusFor));
    return READERS.filter((_, index) => statuses[index] === 200);
  };
  const readsOf = async (access: string) => {
    const { body } = await send('clinic', `GET /access-requests/${access}/reads`);
    const ofRecords = body.reads.filter(({ type }: { type: string }) => type === 'Observation').reverse();
    return ofRecords.map(({ outcome, interaction, role, fhirUser }: Record<string, string>) =>
      [outcome, interaction, role, fhirUser].filter(Boolean).join(' '),
    );
  };

  const cases: [string, string, string[]][] = [
    [
      'a named practitioner',
      `clinic practitioner ${DOCTOR}`,
      [`clinic practitioner ${DOCTOR}`, `clinic system ${DOCTOR}`],
    ],
    [
      'a system that acts for one',
      `clinic system ${DOCTOR}`,
      [`clinic practitioner ${DOCTOR}`, `clinic system ${DOCTOR}`],
    ],
    ['a practitioner who does not say who he is', 'clinic practitioner', ['clinic practitioner']],
    ['a system of nobody', 'clinic system', ['clinic system']],
  ];
  for (const [who, asks, sees] of cases)
    it(`is for ${who} alone`, async () => {
      await delivered(asks);
      expect(await seenBy()).to.deep.equal(sees);
    });

  it('is found by search, read in versions and in history by nobody else', async () => {
    const id = await delivered(`clinic practitioner ${DOCTOR}`);
    const queries = [
      `Observation?patient=${patient}`,
      `Observation?identifier=${SYSTEM}|${mrn}-1`,
      `Observation?_id=${observation}`,
    ];
    const found = async (as: string, query: string): Promise<number> =>
      ((await send(as, `GET /fhir/R4/${query}`)).body.entry ?? []).length;
    for (const query of queries) {
      expect(await found(`clinic practitioner ${DOCTOR}`, query), query).to.equal(1);
      expect(await found(`clinic practitioner ${NURSE}`, query), query).to.equal(0);
      expect(await found('clinic', query), query).to.equal(0);
    }
    for (const path of ['_history', '_history/1']) {
      const as = (who: string) => send(who, `GET /fhir/R4/Observation/${observation}/${path}`);
      expect((await as(`clinic practitioner ${DOCTOR}`)).status, path).to.equal(200);
      expect((await as('clinic')).status, path).to.equal(404);
    }
    const reads = await readsOf(id);
    for (const [interaction, times] of [
      ['search', queries.length],
      ['history', 1],
      ['vread', 1],
    ] as const) {
      const of = (line: string): number => reads.filter((read: string) => read === line).length;
      expect(of(`shown ${interaction} practitioner ${DOCTOR}`), interaction).to.equal(times);
      expect(of(`refused ${interaction} system`), interaction).to.equal(times);
    }
  });

  it('is found by two who were delivered it, each for themselves', async () => {
    const [first, second] = [
      await delivered(`clinic practitioner ${DOCTOR}`),
      await delivered(`clinic practitioner ${NURSE}`),
    ];
    for (const user of [DOCTOR, NURSE]) {
      const { body } = await send(`clinic practitioner ${user}`, `GET /fhir/R4/Observation?patient=${patient}`);
      expect(body.entry).to.have.length(1);
      expect(await statusFor(`clinic practitioner ${user}`)).to.equal(200);
    }
    expect(await seenBy()).to.deep.equal(READERS.slice(0, 4));
    const shownTo = async (id: string) =>
      new Set(
        (await readsOf(id))
          .filter((line: string) => line.startsWith('shown'))
          .map((line: string) => line.split(' ').at(-1)),
      );
    expect([...(await shownTo(first)), ...(await shownTo(second))]).to.deep.equal([DOCTOR, NURSE]);
  });

  it('is written down before it is shown, and before it is refused, with who, what, for what and until when', async () => {
    const id = await delivered(`clinic practitioner ${DOCTOR}`);
    for (const as of [`clinic practitioner ${DOCTOR}`, `clinic practitioner ${NURSE}`, 'clinic practitioner'])
      await statusFor(as);
    expect(await readsOf(id)).to.deep.equal([
      `shown read practitioner ${DOCTOR}`,
      `refused read practitioner ${NURSE}`,
      'refused read practitioner',
    ]);
    const { body } = await send('clinic', `GET /access-requests/${id}/reads?count=2`);
    // The newest are the looks at this log itself.
    expect(body.reads.map(({ interaction }: { interaction: string }) => interaction)).to.deep.equal(['log', 'log']);
    const { body: rest } = await send('clinic', `GET ${body.next.replace('count=2', 'count=9')}`);
    const shown = rest.reads.find(
      ({ outcome, type }: Record<string, string>) => outcome === 'shown' && type === 'Observation',
    );
    expect(shown).to.include({ subject: DOCTOR, organisation: 'clinic', patient, purpose: 'TREAT', count: 1 });
    expect(shown.records).to.deep.equal([observation]);
    expect(shown.consent).to.match(/^[0-9a-f-]{36}\/1$/);
    expect(shown.until).to.match(/^20/);
    expect((await send('hospital', `GET /access-requests/${id}/reads`)).status, 'at the holder').to.equal(404);
    expect((await send('clinic operator', `GET /access-requests/${id}/reads`)).status).to.equal(403);
  });

  it('says for whom it is where the access is shown', async () => {
    const id = await delivered(`clinic practitioner ${DOCTOR}`);
    for (const at of ['clinic', 'hospital', 'patients'])
      expect((await send(at, `GET /access-requests/${id}`)).body, at).to.have.deep.property('audience', {
        role: 'practitioner',
        user: DOCTOR,
      });
  });
});
