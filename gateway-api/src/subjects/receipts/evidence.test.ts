/** Receipts that carry Fabric's own evidence: what they show, who is given them, and that no byte of it can be changed. */
import { randomUUID } from 'node:crypto';
import { ROLES_OF_KIND } from '@telemed-ledger/consortium/members.ts';
import { type Checked, checkReceipt, type Roots, type Seen } from '@telemed-ledger/verifier/check.ts';
import { coseBytes, readCose } from '@telemed-ledger/verifier/cose.ts';
import { proofText, readProof } from '@telemed-ledger/verifier/proof.ts';
import { expect } from 'chai';
import { FixtureConsortium, until } from '../../consortium.fixture.ts';
import { chromium, reportsInBrowser } from '../exports/browser.fixture.ts';
import { observationOf } from './observation.fixture.ts';
import { rootsAt } from './roots.fixture.ts';

const ORDERER = 'OrdererMSP';
const FORMS = ['tlog-proof', 'cose-receipt'] as const;
const utf8 = new TextEncoder();

describe("Receipts with Fabric's own evidence", function () {
  this.timeout(120_000);
  let consortium: FixtureConsortium;
  let roots: Roots;
  let record: { id: string; transactionId: string; family: string };
  /** By form. */
  const full = new Map<string, Uint8Array<ArrayBuffer>>();

  const answerOf = async (as: string, path: string): Promise<{ status: number; bytes: Uint8Array<ArrayBuffer> }> => {
    const [organisation = '', role = 'system', fhirUser] = as.split(' ');
    const token = await consortium.token(organisation, role as 'system', fhirUser);
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(consortium.urls.get(organisation) + path, { headers });
    return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
  };
  /** Once enough members have signed. */
  const settled = async (as: string, path: string) => {
    let found = await answerOf(as, path);
    await until(async () => {
      found = await answerOf(as, path);
      return found.status !== 503;
    }, 30_000);
    return found;
  };
  const version = () => `/resource-receipts/Patient/${record.id}/1`;
  const checked = async (as: string, path: string): Promise<Checked> => {
    const { status, bytes } = await settled(as, path);
    expect(status, path).to.equal(200);
    return checkReceipt(bytes, roots);
  };
  const holds = (bytes: Uint8Array, seen: Seen = new Map()): Promise<boolean> =>
    checkReceipt(bytes, roots, seen).then(
      () => true,
      () => false,
    );

  before(async () => {
    consortium = await FixtureConsortium.start([]);
    for (const { name } of consortium.members.organisations)
      await consortium.open(name, { checkpointEveryMs: 100, dutyIntervalMs: 1_000 });
    const family = `Family ${randomUUID()}`;
    const identifier = { system: 'urn:example', value: family };
    const patient = { resourceType: 'Patient', name: [{ family }], identifier: [identifier] };
    const { headers, body } = await consortium.send('hospital', 'POST /fhir/R4/Patient', patient);
    record = { id: body.id, transactionId: headers.get('x-transaction-id')!, family };
    roots = await rootsAt(consortium, 'bank');
    for (const form of FORMS) full.set(form, (await settled('hospital', `${version()}/${form}?evidence=full`)).bytes);
  });
  after(() => consortium?.close());

  it('say who sent a transaction, who endorsed its writes, and that the policies are satisfied', async () => {
    for (const form of FORMS) {
      const { endorsed, ordered, content, proved, notProved } = await checkReceipt(full.get(form)!, roots);
      expect(content?.text, form).to.contain(record.family);
      expect(endorsed, form).to.deep.include({ sender: 'HospitalMSP', isJudged: true, collections: ['care_hospital'] });
      expect(endorsed!.endorsers.toSorted()).to.deep.equal(['HospitalMSP', 'PatientsMSP']);
      expect(proved.join()).to.contain('care_hospital need, by the policies among the roots');
      expect(ordered).to.deep.equal({ orderers: [ORDERER], needed: 1 });
      expect(proved.join()).to.contain('have signed the header of block');
      expect(notProved.join()).to.not.contain('ordering service');
    }
  });

  it('carry it only where it is asked for, and take no other word for it', async () => {
    const { bytes } = await settled('hospital', `${version()}/tlog-proof`);
    expect(readProof(new TextDecoder().decode(bytes)).extra.evidence).to.equal(undefined);
    expect((await checkReceipt(bytes, roots)).endorsed).to.equal(undefined);
    const { bytes: hash } = await settled('hospital', `${version()}/cose-receipt?evidence=hash`);
    expect(readCose(hash).evidence).to.equal(undefined);
    expect((await answerOf('hospital', `${version()}/tlog-proof?evidence=all`)).status).to.equal(422);
  });

  it('of a transaction are given to every role that acts for a member, and to no other', async () => {
    for (const { name, kind } of consortium.members.organisations)
      for (const role of ROLES_OF_KIND[kind])
        for (const form of FORMS) {
          const as = `${name} ${role}${role === 'patient' ? ` Patient/${record.id}` : ''}`;
          const path = `/receipts/${record.transactionId}/${form}?evidence=full`;
          const isGiven = ['system', 'operator', 'auditor'].includes(role);
          const { status, bytes } = await settled(as, path);
          expect(status, `${as} ${form}`).to.equal(isGiven ? 200 : 403);
          if (!isGiven) continue;
          expect(Buffer.from(bytes).includes(record.family)).to.equal(false);
          expect((await checkReceipt(bytes, roots)).endorsed?.sender).to.equal('HospitalMSP');
        }
  });

  it('of content are given to the patient and the systems that may read it, and to no other', async () => {
    const herself = `patients patient Patient/${record.id}`;
    const cases: [string, number][] = [
      [herself, 200],
      ['hospital system', 200],
      ['patients system', 200],
      ['hospital practitioner Practitioner/someone', 403],
      ['patients caretaker RelatedPerson/someone', 403],
      ['patients patient Patient/another', 404],
      ['bank system', 404],
      ['hospital operator', 403],
    ];
    for (const [as, expected] of cases)
      for (const form of FORMS)
        expect((await settled(as, `${version()}/${form}?evidence=full`)).status, `${as} ${form}`).to.equal(expected);
  });

  it('are given of everything that receipts are of', async () => {
    const herself = `patients patient Patient/${record.id}`;
    const observation = await observationOf(consortium, record.id);
    const at = `/fhir/R4/Observation/${observation}`;
    const parameters = { resourceType: 'Parameters', parameter: [{ name: 'text', valueString: 'The left foot.' }] };
    const asked = await consortium.send(herself, `POST ${at}/$request-correction`, parameters);
    expect((await consortium.send(herself, `POST ${at}/$restrict`)).status).to.equal(200);
    const requested = await consortium.send('clinic practitioner Practitioner/c1', 'POST /access-requests', {
      ...{
        patient: { system: 'urn:example', value: record.family },
        holder: 'hospital',
        purpose: 'TREAT',
        types: ['Observation'],
      },
    });
    const { anchors } = (await consortium.send('hospital', 'POST /log-anchors')).body;
    const paths: [string, string, string][] = [
      [herself, asked.headers.get('location')!, 'care_hospital'],
      [herself, `/restrictions/${observation}`, 'marks'],
      ['hospital', `/log-anchors/hospital/${anchors[0].n}`, 'marks'],
      ['clinic', `/access-requests/${requested.body.id}`, 'inbox_clinic'],
    ];
    for (const [as, path, collection] of paths) {
      const { endorsed } = await checked(as, `${path}/tlog-proof?evidence=full`);
      expect(endorsed, path).to.include({ isJudged: true });
      expect(endorsed!.collections, path).to.include(collection);
    }
  });

  /** Where the evidence stands, its length and the two hashes included: all before it is changed in receipts.test.ts. */
  const placeOfEvidence = (form: string, bytes: Uint8Array): [from: number, to: number] => {
    if (form === 'cose-receipt') {
      const { envelope } = readCose(bytes).evidence!;
      const at = Buffer.from(bytes).indexOf(envelope);
      return [at - 16, at + envelope.length + 70];
    }
    const [first, extra] = new TextDecoder().decode(bytes).split('\n') as [string, string];
    const end = first.length + 1 + extra.length;
    const { envelope } = readProof(new TextDecoder().decode(bytes)).extra.evidence!;
    return [end - Math.ceil((envelope.length * 16) / 9) - 400, end];
  };

  it('are refused with any byte of the evidence changed', async () => {
    for (const [form, bytes] of full) {
      const accepted: number[] = [];
      // What was not changed is checked once.
      const seen: Seen = new Map();
      const [from, to] = placeOfEvidence(form, bytes);
      expect(to - from, form).to.be.greaterThan(3_500);
      for (let at = from; at < to; at += 1) {
        const mutated = bytes.slice();
        mutated[at]! ^= 1 + (at % 127);
        if (await holds(mutated, seen)) accepted.push(at);
      }
      expect(accepted, form).to.deep.equal([]);
    }
  });

  it('are refused with the evidence of another transaction', async () => {
    const other = await consortium.send('hospital', 'POST /fhir/R4/Patient', { resourceType: 'Patient' });
    const id = other.headers.get('x-transaction-id')!;
    const { bytes } = await settled('hospital', `/receipts/${id}/cose-receipt?evidence=full`);
    const { evidence } = readCose(bytes);
    const proof = readProof(new TextDecoder().decode(full.get('tlog-proof')));
    const swapped = proofText({ ...proof, extra: { ...proof.extra, evidence: evidence! } });
    expect(await holds(utf8.encode(swapped))).to.equal(false);
    const cose = coseBytes({ ...readCose(full.get('cose-receipt')!), evidence: evidence! });
    expect(await holds(cose)).to.equal(false);
  });

  it('hold in a browser too', async function () {
    const browser = chromium();
    // There is no browser here: the same code runs in Node above.
    if (browser === undefined) return this.skip();
    const tlog = full.get('tlog-proof')!;
    const broken = tlog.slice();
    broken[200]! ^= 1;
    const files = { tlog, cose: full.get('cose-receipt')!, broken };
    const reports = await reportsInBrowser(browser, files, roots);
    for (const name of ['tlog', 'cose']) {
      expect(reports[name]!.holds, reports[name]!.lines.join('\n')).to.equal(true);
      expect(reports[name]!.lines.join()).to.contain('endorsed by a peer of PatientsMSP');
    }
    expect(reports['broken']!.holds).to.equal(false);
  });
});
