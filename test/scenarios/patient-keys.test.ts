/**
 * A patient's own key, from the code that her provider hands her to a consent that only she could give, against a custodian that
 * does as it likes. On either network.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { bucketOf } from '@telemed-ledger/chaincode/model/directories.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { type GatewayError, PatientClient } from '@telemed-ledger/patient-client/client.ts';
import { newCode, readCode, signedWithCode } from '@telemed-ledger/patient-client/code.ts';
import type { Resource } from '@telemed-ledger/patient-client/consent.ts';
import { makeKey, type OwnKey, requestFor } from '@telemed-ledger/patient-client/key.ts';
import { bearerToken } from '@telemed-ledger/scripts/credentials.ts';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { rootsOf } from '@telemed-ledger/scripts/receipt-roots.ts';
import { checkReceipt } from '@telemed-ledger/verifier/check.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { Attackers, refusalOf } from './forgery.fixture.ts';

const MRN = 'https://hospital.example/mrn';
const SIGNED_EVERY_MS = 300;
const POLICY_FAILURE = 10;
const newSalt = (): string => randomBytes(32).toString('hex');

describe("A patient's own key", function () {
  this.timeout(120_000);
  let scene: Scene;
  let patient: Party;
  let patientId: string;
  let mrn: string;
  let client: PatientClient;
  let key: OwnKey;
  const attackers = new Attackers(() => scene.dataDir);
  const attacker = attackers.of;

  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium('receipts', SIGNED_EVERY_MS);
    mrn = randomUUID();
    const hospital = scene.parties.of('hospital', 'system');
    const create = async (body: Record<string, unknown> & { resourceType: string }): Promise<string> =>
      (await hospital.write({ method: 'POST', path: `/fhir/R4/${body.resourceType}`, body })).body.id;
    patientId = await create({ resourceType: 'Patient', identifier: [{ system: MRN, value: mrn }] });
    const subject = { reference: `Patient/${patientId}` };
    await create({ resourceType: 'Observation', status: 'final', code: { text: 'example' }, subject });
    patient = scene.parties.of('patients', 'patient', `Patient/${patientId}`);
    await patient.find({ path: `/fhir/R4/Patient/${patientId}` }, 'her record');
    const { origin } = await scene.parties.of('bank', 'system').ask<{ origin: string }>({ path: '/ledger-tree' });
    const roots = rootsOf(scene.dataDir, scene.consortium, origin);
    const who = {
      dataDir: scene.dataDir,
      organisation: 'patients',
      role: 'patient',
      fhirUser: `Patient/${patientId}`,
    } as const;
    client = new PatientClient({
      ...{ baseUrl: scene.urls['patients'] ?? '', patient: patientId, token: () => bearerToken(who) },
      checkReceipt: (receipt) => checkReceipt(receipt as Uint8Array<ArrayBuffer>, roots),
    });
    key = await makeKey();
  });
  after(() => {
    attackers.close();
  });

  const issued = async (): Promise<string> => {
    const sending = { method: 'POST', path: `/fhir/R4/Patient/${patientId}/$issue-key-code` } as const;
    const { body } = await scene.parties
      .of('hospital', 'system')
      .write<{ parameter: { name: string; valueString: string }[] }>(sending);
    return body.parameter.find(({ name }) => name === 'code')?.valueString ?? '';
  };
  const permission = (change: object = {}): Resource => ({
    ...{ resourceType: 'Consent', status: 'active', category: [{ text: 'privacy' }] },
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    ...{
      patient: { reference: `Patient/${patientId}` },
      policy: [{ uri: 'https://telemed-ledger.example/policies/by-provision' }],
    },
    provision: {
      type: 'permit',
      actor: [
        { role: { text: 'recipient' }, reference: { identifier: { system: ORGANISATION_SYSTEM, value: 'clinic' } } },
      ],
    },
    ...change,
  });
  const asked = async (): Promise<string> => {
    const body = { holder: 'hospital', patient: { system: MRN, value: mrn }, types: ['Observation'], purpose: 'TREAT' };
    const path = '/access-requests';
    const clinic = scene.parties.of('clinic', 'system');
    const { id } = (await clinic.write<AccessState>({ method: 'POST', path, body }, [201])).body;
    return (
      await clinic.find<AccessState>({ path: `${path}/${id}` }, 'a decision', ({ status }) => status !== 'requested')
    ).status;
  };

  it('is put in by nobody but her: not by the custodian, nor by it and another', async () => {
    const code = await issued();
    const { id, publicKey } = await readCode(newCode());
    const custodian = attacker('patients');
    const own = { patient: {}, publicKey, salt: newSalt() };
    expect(await refusalOf(custodian.submit('IssueKeyCode', { id }, own, ['patients', 'hospital']))).to.be.oneOf([
      'FORBIDDEN',
      'INVALID',
    ]);
    const read = await readCode(code);
    const place = { provider: 'hospital', patient: patientId };
    const [hers, its] = [await requestFor(key), await requestFor(await makeKey())];
    const signature = await signedWithCode(read, { ...place, request: hers });
    const swapped = {
      patient: patientId,
      directory: 0,
      request: Buffer.from(its).toString('base64'),
      signature,
      salt: newSalt(),
    };
    const input = { id: read.id, provider: 'hospital' };
    for (const endorsers of [['patients', 'hospital'], ['patients'], ['hospital']])
      expect(
        await refusalOf(custodian.submit('EnrolPatientKey', input, swapped, endorsers)),
        endorsers.join(),
      ).to.equal('INVALID');
    const directory = privateKeys.directory(bucketOf(patientId), 999);
    for (const other of ['clinic', 'payer', 'bank', 'regulator'])
      expect(
        await custodian.forge(['patients', other], { private: { care_hospital: { [directory]: '{}' } } }),
        other,
      ).to.equal(POLICY_FAILURE);
    const list = await client.enrol(code, key);
    expect(list.inForce).to.equal(key.thumbprint);
    const again = await client.enrol(code, await makeKey()).catch((error: GatewayError) => error.status);
    expect(again).to.equal(409);
  });

  it('is what her consents take: given, checked by its receipt, delivered by, ended, and never put in force again', async () => {
    expect(await asked()).to.equal('refused');
    const unsigned = await patient.send({ method: 'POST', path: '/fhir/R4/Consent', body: permission() });
    expect(unsigned.status).to.equal(422);
    expect(JSON.stringify(unsigned.body)).to.include('Consent.extension');
    const given = await client.give(await client.prepare(permission()), key);
    expect(given.kept).to.equal(false);
    expect(await asked()).to.equal('granted');
    const { id = '' } = given.consent;
    const amend = (version: number, resource: object, endorsers: string[]) => {
      const consent = { id, version, salt: newSalt(), resource };
      return refusalOf(
        attacker('patients').submit('AmendConsent', { id, provider: 'hospital' }, { consent }, endorsers),
      );
    };
    const forged = { ...permission(), id };
    for (const endorsers of [['patients', 'hospital'], ['patients'], ['hospital']]) {
      expect(await amend(2, forged, endorsers), 'unsigned').to.equal('INVALID');
      expect(await amend(2, given.consent, endorsers), 'as another version').to.equal('INVALID');
    }
    const ended = { ...permission(), id, status: 'inactive' };
    await patient.write({ method: 'PUT', path: `/fhir/R4/Consent/${id}`, body: ended }, [200, 202]);
    await patient.find<Resource & { id: string }>(
      { path: `/fhir/R4/Consent/${id}` },
      'its end',
      ({ status }) => status === 'inactive',
    );
    expect(await asked()).to.equal('refused');
    expect(await amend(2, given.consent, ['patients', 'hospital'])).to.be.oneOf(['CONFLICT', 'INVALID']);
    const again = await patient.send({ method: 'POST', path: '/fhir/R4/Consent', body: given.consent });
    expect(again.status).to.equal(409);
    expect(await asked()).to.equal('refused');
  });

  it('stands in no block, nor does anything that she has signed', async () => {
    const given = await client.give(await client.prepare(permission()), key);
    const { extension } = given.consent as { extension?: { valueSignature: { data: string } }[] };
    const secrets = [key.thumbprint, patientId, extension![0]!.valueSignature.data];
    const { network } = attacker('bank');
    const { block: last } = await patient.receipt((given as { transactionId: string }).transactionId);
    const blocks = await network.getBlockEvents({ startBlock: 0n });
    for await (const block of blocks) {
      const bytes = Buffer.from(block.serializeBinary());
      for (const secret of secrets)
        expect(bytes.includes(secret), String(block.getHeader()?.getNumber())).to.equal(false);
      if ((block.getHeader()?.getNumber() ?? 0) >= last) break;
    }
    blocks.close();
  });
});
