/** Records of many callers at once, on the embedded network: who shares a transaction, and what each is answered. */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { MAX_CONTENT_LENGTH } from '@telemed-ledger/chaincode/model/sheets.ts';
import { expect } from 'chai';
import { type Answer, FixtureConsortium } from '../../consortium.fixture.ts';
import { onEachDatabase } from '../../index/databases.fixture.ts';
import { recordAtFault } from './groups.ts';
import type { RecordItem } from './sheets.ts';

describe('The record at fault', () => {
  it('is the one that the chaincode names', () => {
    const items = of(20, (): RecordItem => {
      const item = { id: randomUUID(), version: 1, salt: '', resource: 'x'.repeat(MAX_CONTENT_LENGTH / 10) };
      return { ...item, type: 'Patient', isProvisional: true };
    });
    const at = (expression?: string) => recordAtFault(new LedgerError('CONFLICT', 'no', expression), items);
    expect(at('private.sheets[0].records[7].version')).to.equal(7);
    expect(at('private.sheets[1].records[0]')).to.equal(10);
    expect(at('private.sheets[1]')).to.equal(undefined);
    expect(at('private.sheets')).to.equal(undefined);
    expect(at('private')).to.equal(undefined);
    expect(at()).to.equal(undefined);
  });
});

const patient = (value: string = randomUUID()) => ({
  resourceType: 'Patient',
  identifier: [{ system: 'urn:example:mrn', value }],
});
const observation = (reference: string) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
  subject: { reference },
});
const transactionOf = ({ headers }: Answer): string => headers.get('x-transaction-id') ?? '';
const distinct = (values: string[]): number => new Set(values).size;
const of = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

onEachDatabase('Records of many callers', function (kind) {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'patients'], kind);
  });
  after(() => consortium?.close());
  const send = (...request: Parameters<FixtureConsortium['send']>) => consortium.send(...request);
  const create = (resource: { resourceType: string }, headers: Record<string, string> = {}, as = 'hospital') =>
    send(as, `POST /fhir/R4/${resource.resourceType}`, resource, headers);
  const created = async (): Promise<string> => (await create(patient())).body.id;
  const update = (id: string, more: object, ifMatch: string) =>
    send('hospital', `PUT /fhir/R4/Patient/${id}`, { ...patient(), id, ...more }, { 'if-match': ifMatch });

  it('travel together, and each is answered its own', async () => {
    const values = of(60, () => randomUUID());
    const answers = await Promise.all(values.map((value) => create(patient(value))));
    for (const [index, { status, body }] of answers.entries()) {
      expect(status, JSON.stringify(body)).to.equal(201);
      expect(body.identifier[0].value).to.equal(values[index]);
      expect((await send('hospital', `GET /fhir/R4/Patient/${body.id}`)).body).to.deep.equal(body);
    }
    expect(distinct(answers.map(({ body }) => body.id))).to.equal(60);
    expect(distinct(answers.map(transactionOf))).to.be.at.most(30);
    const receipt = await send('hospital', `GET /receipts/${transactionOf(answers[59] as Answer)}`);
    expect(receipt.body).to.include({ validationCode: 0, creator: 'HospitalMSP' });
    expect(receipt.body.endorsers).to.have.members(['HospitalMSP', 'PatientsMSP']);
    const { body } = await send('hospital operator', 'GET /metrics');
    expect(body).to.match(/gateway_group_writes_bucket\{le="1",organisation="hospital"\} \d/);
  });

  it('are signed by their own authors: no two identities share a transaction', async () => {
    const signers = ['hospital', 'hospital practitioner Practitioner/a', 'hospital practitioner Practitioner/b'];
    const answers = await Promise.all(
      signers.map((as) => Promise.all(of(15, () => create(patient(), {}, as).then(transactionOf)))),
    );
    const each = answers.map((transactions) => new Set(transactions));
    expect(each.reduce((sum, { size }) => sum + size, 0)).to.equal(distinct(answers.flat()));
  });

  it('of which some race for one version: one wins, the others are told, and no neighbour notices', async () => {
    const [one, other] = [await created(), await created()];
    const races = [one, other].map((id) => Promise.all(of(12, (index) => update(id, { active: index > 5 }, 'W/"1"'))));
    const neighbours = await Promise.all(of(40, () => create(patient())));
    expect(neighbours.map(({ status }) => status)).to.deep.equal(of(40, () => 201));
    for (const race of races) {
      const statuses = (await race).map(({ status }) => status);
      expect(statuses.sort()).to.deep.equal([200, ...of(11, () => 412)]);
    }
    for (const id of [one, other]) {
      expect((await send('hospital', `GET /fhir/R4/Patient/${id}`)).body.meta.versionId).to.equal('2');
    }
  });

  it('in Bundles stay whole, among others and against each other', async () => {
    const id = await created();
    const bundleOf = (code: string) => ({
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        {
          resource: { ...patient(), id, active: true },
          request: { method: 'PUT', url: `Patient/${id}`, ifMatch: 'W/"1"' },
        },
        {
          resource: { ...observation(`Patient/${id}`), method: { text: code } },
          request: { method: 'POST', url: 'Observation' },
        },
      ],
    });
    const bundles = of(6, (index) => send('hospital', 'POST /fhir/R4', bundleOf(`${index}`)));
    const neighbours = of(30, () => create(observation(`Patient/${id}`)));
    const statuses = (await Promise.all(bundles)).map(({ status }) => status);
    expect(statuses.sort()).to.deep.equal([200, 412, 412, 412, 412, 412]);
    expect((await Promise.all(neighbours)).map(({ status }) => status)).to.deep.equal(of(30, () => 201));
    const { body } = await send('hospital', `GET /fhir/R4/Observation?subject=Patient/${id}&_count=100`);
    expect(body.entry).to.have.length(31);
    const winners = body.entry.filter(({ resource }: { resource: { method?: object } }) => resource.method);
    expect(winners).to.have.length(1);
  });

  it('under their own Idempotency-Keys are answered again from the transaction they shared', async () => {
    const keys = of(40, () => randomUUID());
    const resources = keys.map(patient);
    const write = (index: number) =>
      create(resources[index] as ReturnType<typeof patient>, { 'idempotency-key': keys[index]! });
    const first = await Promise.all(keys.map((_, index) => write(index)));
    const second = await Promise.all(keys.map((_, index) => write(index)));
    expect(first.map(({ status }) => status)).to.deep.equal(of(40, () => 201));
    expect(second.map(({ body }) => body.id)).to.deep.equal(first.map(({ body }) => body.id));
    expect(second.map(transactionOf)).to.deep.equal(first.map(transactionOf));
    expect(distinct(first.map(transactionOf))).to.be.lessThan(40);
  });

  it('are created once under one condition, however many ask', async () => {
    const value = randomUUID();
    const condition = { 'if-none-exist': `identifier=urn:example:mrn|${value}` };
    const [same, others] = await Promise.all([
      Promise.all(of(10, () => create(patient(value), condition))),
      Promise.all(of(20, () => create(patient()))),
    ]);
    expect(same.map(({ status }) => status).sort()).to.deep.equal([...of(9, () => 200), 201]);
    expect(distinct(same.map(({ body }) => body.id))).to.equal(1);
    expect(others.every(({ status }) => status === 201)).to.equal(true);
  });

  it('are written while a peer lags behind: what it does not know yet waits alone', async () => {
    consortium.network.lag('patients', 400);
    try {
      const ids = await Promise.all(of(6, created));
      const updates = ids.map((id) => update(id, { active: true }, 'W/"1"'));
      const answers = await Promise.all([...updates, ...of(20, () => create(patient()))]);
      expect(answers.map(({ status }) => status)).to.deep.equal([...of(6, () => 200), ...of(20, () => 201)]);
    } finally {
      consortium.network.lag('patients', 0);
    }
  });
});
