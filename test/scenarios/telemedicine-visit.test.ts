/** A consultation at a distance, from the waiting room to the one transaction that finishes it. On either network. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CONSENT_CATEGORIES, TELEHEALTH } from '@telemed-ledger/chaincode/model/live-visits.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';

describe('A consultation', function () {
  this.timeout(120_000);
  let scene: Scene;
  let clinic: Party;
  let patient: Party;
  let her: { reference: string };
  let doctor: { reference: string };
  const licence = randomUUID().slice(0, 8);
  const create = async (body: object & { resourceType: string }): Promise<string> =>
    `${body.resourceType}/${(await clinic.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id}`;
  const licensed = (change: object = {}) =>
    scene.parties.of('regulator', 'system').write({
      ...{ method: 'PUT', path: `/licences/${licence}` },
      body: {
        ...{ status: 'active', start: '2020-01-01', end: '2099-01-01', jurisdictions: ['US-MA'] },
        ...{ practitioners: [{ organisation: 'clinic', practitioner: doctor.reference }], ...change },
      },
    });
  const visitOf = (status: string, change: object = {}) => ({
    ...{ resourceType: 'Encounter', status, class: { code: 'VR' }, subject: her },
    ...{ participant: [{ individual: doctor }], ...change },
  });
  const put = (id: string, status: string, change: object = {}) =>
    clinic.send({ method: 'PUT', path: `/fhir/R4/Encounter/${id}`, body: { ...visitOf(status, change), id } });
  const refusedAs = ({ status, body }: { status: number; body: unknown }, reason: string): void => {
    expect(`${status} ${JSON.stringify(body)}`).to.match(new RegExp(`^409 .*${reason}`));
  };
  const agree = () =>
    granted(patient, {
      ...{ resourceType: 'Consent', status: 'active', patient: her },
      scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'treatment' }] },
      category: [{ coding: [{ system: CONSENT_CATEGORIES, code: TELEHEALTH }] }],
      policy: [{ uri: 'https://telemed-ledger.example/policies/telehealth' }],
      provision: { type: 'permit' },
    });

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    clinic = scene.parties.of('clinic', 'system');
    her = { reference: await create({ resourceType: 'Patient', address: [{ country: 'US', state: 'MA' }] } as never) };
    doctor = { reference: await create({ resourceType: 'Practitioner' }) };
    patient = scene.parties.of('patients', 'patient', her.reference);
    await patient.find({ path: `/fhir/R4/${her.reference}` }, 'her record');
  });

  it('waits, begins with licence and consent, and is finished with all that was found in one transaction', async () => {
    const waiting = await create(visitOf('arrived'));
    const id = waiting.split('/')[1]!;
    const { entry } = await clinic.ask<{ entry: { resource: Resource }[] }>({
      path: `/fhir/R4/Encounter?status=arrived&class=VR&subject=${her.reference}`,
    });
    expect(entry.map(({ resource }) => resource.id)).to.deep.equal([id]);
    const arrived = entry[0]!.resource['meta'] as { lastUpdated: string };
    expect(Date.parse(arrived.lastUpdated)).to.be.closeTo(Date.now(), 600_000);

    refusedAs(await put(id, 'in-progress'), 'no-telehealth-consent');
    await agree();
    refusedAs(await put(id, 'in-progress'), 'licence-absent');
    await licensed({ jurisdictions: ['US-NH'] });
    refusedAs(await put(id, 'in-progress'), 'licence-elsewhere');
    await licensed({ status: 'suspended' });
    refusedAs(await put(id, 'in-progress'), 'licence-suspended');
    await licensed();
    refusedAs(await put(id, 'in-progress', { period: { start: '2020-01-01T00:00:00Z' } }), 'start-not-now');
    refusedAs(await put(id, 'finished'), 'not-next-step');
    const begun = await put(id, 'in-progress');
    expect(begun.status).to.equal(200);
    const { period } = begun.body as { period: { start: string } };
    expect(Date.parse(period.start)).to.be.closeTo(Date.now(), 300_000);

    await joinedBy(id);
    const encounter = { reference: waiting };
    const found = [
      { resourceType: 'Observation', status: 'final', code: { text: 'pulse' }, valueQuantity: { value: 70 } },
      { resourceType: 'Condition', code: { text: 'example' } },
      { resourceType: 'ServiceRequest', status: 'active', intent: 'order', code: { text: 'blood count' } },
    ].map((resource) => ({
      resource: { ...resource, subject: her, encounter },
      request: { method: 'POST', url: resource.resourceType },
    }));
    const finished = { resource: { ...visitOf('finished'), id }, request: { method: 'PUT', url: waiting } };
    const body = { resourceType: 'Bundle', type: 'transaction', entry: [finished, ...found] };
    const { transactionId } = await clinic.write({ method: 'POST', path: '/fhir/R4', body });
    const hers = await patient.find<Resource>(
      { path: `/fhir/R4/${waiting}` },
      'the visit',
      ({ status }) => status === 'finished',
    );
    const ended = hers['period'] as { start: string; end: string };
    expect(ended.start).to.equal(period.start);
    expect(Date.parse(ended.end)).to.be.at.least(Date.parse(ended.start));
    const { endorsers } = await patient.receipt(transactionId);
    expect(endorsers).to.have.members(['ClinicMSP', 'PatientsMSP']);
  });

  /** Only those who take part get the link, of one room, and another's is another. */
  async function joinedBy(id: string): Promise<void> {
    const path = `/fhir/R4/Encounter/${id}/$join`;
    const join = (party: Party, at = path) => party.send({ method: 'POST', path: at });
    const linkIn = ({ status, body, headers }: Awaited<ReturnType<Party['send']>>): URL => {
      expect(status).to.equal(200);
      expect(headers['cache-control']).to.contain('no-store');
      const [link] = (body as { parameter: { valueUrl: string }[] }).parameter;
      return new URL(link!.valueUrl);
    };
    const its = scene.parties.of('clinic', 'practitioner', doctor.reference);
    await patient.find<Resource>(
      { path: `/fhir/R4/Encounter/${id}` },
      'the visit',
      ({ status }) => status === 'in-progress',
    );
    const [mine, theirs] = [linkIn(await join(patient)), linkIn(await join(its))];
    expect(mine.pathname).to.equal(theirs.pathname);
    expect(mine.searchParams.get('participant')).to.not.equal(theirs.searchParams.get('participant'));
    expect([mine, theirs].map((link) => link.searchParams.get('role'))).to.deep.equal(['patient', 'practitioner']);
    const stranger = { reference: await create({ resourceType: 'Patient' }) };
    await patient.find({ path: `/fhir/R4/Encounter/${id}` }, 'the visit');
    const others = [
      [scene.parties.of('patients', 'patient', stranger.reference), 404],
      [scene.parties.of('patients', 'system'), 403],
      [scene.parties.of('clinic', 'practitioner', 'Practitioner/another'), 403],
      [scene.parties.of('clinic', 'system'), 403],
      [scene.parties.of('hospital', 'practitioner', doctor.reference), 404],
      [scene.parties.of('payer', 'system'), 404],
    ] as const;
    for (const [party, status] of others) expect((await join(party)).status, party.organisation).to.equal(status);
    const later = await create(visitOf('planned'));
    refusedAs(await join(its, `/fhir/R4/${later}/$join`), 'not-open');
    const log = readFileSync(`${scene.dataDir}/logs/gateway-clinic.log`, 'utf8');
    expect(log).to.not.contain(theirs.pathname.slice(1));
  }

  /** Has a regulator say from which day on visits count, and waits until the clinic knows. */
  async function countFrom(telehealthSince: string | undefined): Promise<void> {
    const path = '/consortium-rules';
    const regulator = scene.parties.of('regulator', 'auditor');
    const { updatedAt: _, telehealthSince: before, ...rules } = await regulator.ask<Record<string, unknown>>({ path });
    if (before === telehealthSince) return;
    await regulator.write({ method: 'PUT', path, body: { ...rules, ...(telehealthSince && { telehealthSince }) } });
    await clinic.find<{ telehealthSince?: string }>(
      { path },
      'the rules',
      (now) => now.telehealthSince === telehealthSince,
    );
  }
  after(() => countFrom(undefined));

  it('asks for licence and consent of what is recorded after it was held, whichever way that comes', async () => {
    const other = {
      reference: await create({ resourceType: 'Patient', address: [{ country: 'US', state: 'MA' }] } as never),
    };
    const now = new Date().toISOString();
    const held = (subject: object) => visitOf('finished', { subject, period: { start: now, end: now } });
    const ways: Record<string, (visit: object, id: string) => ReturnType<Party['send']>> = {
      'a create': (body) => clinic.send({ method: 'POST', path: '/fhir/R4/Encounter', body }),
      'an id of its client': (visit, id) =>
        clinic.send({ method: 'PUT', path: `/fhir/R4/Encounter/${id}`, body: { ...visit, id } }),
      'an update': async (visit) => {
        const id = (await create({ ...visit, class: { code: 'AMB' } } as never)).split('/')[1]!;
        return clinic.send({ method: 'PUT', path: `/fhir/R4/Encounter/${id}`, body: { ...visit, id } });
      },
      'a transaction': (resource) => {
        const entry = [{ resource, request: { method: 'POST', url: 'Encounter' } }];
        return clinic.send({
          ...{ method: 'POST', path: '/fhir/R4', body: { resourceType: 'Bundle', type: 'transaction', entry } },
        });
      },
      'a batch': (resource) => {
        const entry = [{ resource, request: { method: 'POST', url: 'Encounter' } }];
        return clinic.send({
          ...{ method: 'POST', path: '/fhir/R4', body: { resourceType: 'Bundle', type: 'batch', entry } },
        });
      },
      'an import': (resource) =>
        clinic.send({
          ...{ method: 'POST', path: '/fhir/R4/$import' },
          body: { resourceType: 'Bundle', type: 'collection', entry: [{ resource }] },
        }),
    };
    await countFrom(now.slice(0, 10));
    for (const [way, send] of Object.entries(ways)) {
      const refused = await send(held(other), randomUUID());
      expect(JSON.stringify(refused.body), way).to.contain('no-telehealth-consent');
      const { total } = await clinic.ask<{ total: number }>({
        path: `/fhir/R4/Encounter?class=VR&subject=${other.reference}`,
      });
      expect(total, way).to.equal(0);
      const taken = await send(held(her), randomUUID());
      expect([taken.status, JSON.stringify(taken.body)].join(' '), way).to.match(/^20\d (?!.*OperationOutcome)/);
    }
    await countFrom(undefined);
    for (const [way, send] of Object.entries(ways)) {
      const { status, body } = await send(held(other), randomUUID());
      expect([status, JSON.stringify(body)].join(' '), way).to.match(/^20\d (?!.*OperationOutcome)/);
    }
  });

  it('does not last thirty hours, end before it starts, or change when it started', async () => {
    const id = (await create(visitOf('in-progress'))).split('/')[1]!;
    const { period } = await clinic.ask<{ period: { start: string } }>({ path: `/fhir/R4/Encounter/${id}` });
    const from = (ms: number) => new Date(Date.parse(period.start) + ms).toISOString();
    const end = (ms: number) => ({ period: { ...period, end: from(ms) } });
    const refused = async (change: object, reason: RegExp) => {
      const { status, body } = await put(id, 'finished', change);
      expect(`${status} ${JSON.stringify(body)}`).to.match(reason);
    };
    await refused(end(30 * 3_600_000), /^4\d\d .*longer-than-a-day/);
    await refused(end(-60_000), /^4\d\d /);
    await refused(end(3_600_000), /^409 .*end-not-now/);
    await refused({ period: { start: from(-60_000), end: from(1_000) } }, /^409 .*start-changed/);
    expect((await put(id, 'finished')).status).to.equal(200);
    expect((await put(id, 'in-progress')).status).to.equal(409);
    const its = scene.parties.of('clinic', 'practitioner', doctor.reference);
    refusedAs(await its.send({ method: 'POST', path: `/fhir/R4/Encounter/${id}/$join` }), 'not-open');
  });
});
