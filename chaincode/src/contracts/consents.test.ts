import { randomUUID } from 'node:crypto';
import { custodianAndAnyOther } from '@telemed-ledger/consortium/policies.ts';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { policyBytes } from '../ledger/policies.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import type { Draft, OutputOf } from '../model/transactions.ts';
import { ExamplePatient, patients } from './example-patient.fixture.ts';

describe('the consents contract', () => {
  let example: ExamplePatient;
  let consent: Draft;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
    consent = example.consent({ type: 'permit' });
  });
  const asPatient = () => ({ role: 'patient', fhirUser: `Patient/${example.patientId}` });
  const amended = (change: object = {}): Draft => ({ ...consent, version: 2, ...change });
  const amend = (draft: Draft, change: object = {}) =>
    example.ledger.submit('AmendConsent', {
      ...patients,
      input: { id: draft.id, provider: 'hospital' },
      private: { consent: draft },
      ...change,
    });
  const revoke = (change: object = {}) =>
    example.ledger.submit('RevokeConsent', { ...patients, input: { id: consent.id }, ...change });

  it('grants: content, directory and owner in private; the state, its policy and its event without the patient', async () => {
    const { reply, writes } = await example.grant(consent, asPatient());
    const { time } = example.ledger;
    const state = canonicalJson(reply);
    expect(reply).to.deep.equal({
      id: consent.id,
      custodian: 'patients',
      provider: 'hospital',
      status: 'active',
      version: 1,
      grantedAt: time,
      updatedAt: time,
    });
    expect(writes).to.deep.equal({
      public: { [`consent/${consent.id}`]: state },
      private: {
        [`consent_hospital directory/${example.patientId}`]: canonicalJson({
          consents: [consent.id],
          salt: sha256Hex(`directory/${consent.salt}`),
        }),
        [`consent_hospital consent/${consent.id}/1`]: canonicalJson({
          ...consent,
          author: 'PatientsMSP',
          recordedAt: time,
        }),
        [`consent_hospital grantor/${consent.id}/${sha256Hex(`Patient/${example.patientId}`)}`]: canonicalJson({
          salt: sha256Hex(`grantor/${consent.salt}`),
        }),
      },
      purged: [],
      policies: {
        [`consent/${consent.id}`]: Buffer.from(policyBytes(custodianAndAnyOther(exampleConsortium))).toString('hex'),
      },
      event: { name: 'ConsentGranted', payload: state },
    });
  });

  it("lists each of a patient's consents in the directory", async () => {
    await example.grant(consent);
    const second = example.consent({ type: 'deny' });
    await example.grant(second);
    const directory = example.ledger.read('consent_hospital', `directory/${example.patientId}`);
    expect(directory).to.have.property('consents').that.deep.equals([consent.id, second.id]);
  });

  it('amends: the next version and the state, nothing else', async () => {
    await example.grant(consent);
    example.ledger.time = '2026-03-02T00:00:00.000Z';
    const { reply, writes } = await amend(amended(), asPatient());
    expect(reply).to.include({ version: 2, status: 'active', grantedAt: '2026-03-01T12:00:00.000Z' });
    expect(Object.keys(writes.private)).to.deep.equal([`consent_hospital consent/${consent.id}/2`]);
    expect(Object.keys(writes.public)).to.deep.equal([`consent/${consent.id}`]);
    expect(writes.policies).to.deep.equal({});
    expect(writes.event?.name).to.equal('ConsentAmended');
  });

  it('revokes with any other organisation, which is shown nothing private', async () => {
    await example.grant(consent);
    const { reply, writes } = await revoke({ ...asPatient(), endorsers: ['patients', 'bank'] });
    expect(reply).to.include({ status: 'revoked', version: 1 });
    expect(writes).to.deep.equal({
      public: { [`consent/${consent.id}`]: canonicalJson(reply) },
      private: {},
      purged: [],
      policies: {},
      event: { name: 'ConsentRevoked', payload: canonicalJson(reply) },
    });
  });

  it('knows a patient whose certificate, which stands in the block, names them by a hash', async () => {
    const hashed = (id: string) => ({ role: 'patient', fhirUser: `sha256:${sha256Hex(`Patient/${id}`)}` });
    expect(await failureOf(example.grant(consent, hashed(randomUUID())))).to.match(/FORBIDDEN/);
    await example.grant(consent, hashed(example.patientId));
    expect(await failureOf(revoke(hashed(randomUUID())))).to.match(/FORBIDDEN at <id>/);
    expect((await revoke(hashed(example.patientId))).reply.status).to.equal('revoked');
  });

  it('answers the state to anyone', async () => {
    await example.grant(consent);
    const request = { from: 'regulator', role: 'auditor', input: { id: consent.id } };
    const state: OutputOf<'GetConsent'> = await example.ledger.evaluate('GetConsent', request);
    expect(state.status).to.equal('active');
    const unknown = { ...request, input: { id: randomUUID() } };
    expect(await failureOf(example.ledger.evaluate('GetConsent', unknown))).to.match(/NOT_FOUND at <id>/);
  });

  const refusedGrants: [string, (draft: Draft) => { draft?: object; resource?: object; caller?: object }, RegExp][] = [
    ['a provider', () => ({ caller: { from: 'hospital' } }), /FORBIDDEN: only a custodian/],
    ['a caretaker', () => ({ caller: { role: 'caretaker' } }), /FORBIDDEN: the role must be patient or system/],
    [
      'a patient who speaks for another',
      () => ({ caller: { role: 'patient', fhirUser: `Patient/${randomUUID()}` } }),
      /FORBIDDEN at <private.consent.resource.patient>: a patient acts only/,
    ],
    [
      'a patient without a name',
      () => ({ caller: { role: 'patient' } }),
      /FORBIDDEN at <private.consent.resource.patient>/,
    ],
    [
      'an organisation that is no provider',
      ({ id }) => ({ caller: { input: { id, provider: 'payer' }, endorsers: ['patients', 'bank'] } }),
      /INVALID at <provider>/,
    ],
    [
      'an unknown organisation',
      ({ id }) => ({ caller: { input: { id, provider: 'nobody' }, endorsers: ['patients', 'bank'] } }),
      /INVALID at <provider>/,
    ],
    ['content of another id', () => ({ draft: { id: randomUUID() } }), /INVALID at <private.consent.id>/],
    [
      'a resource of another id',
      () => ({ resource: { id: randomUUID() } }),
      /INVALID at <private.consent.resource.id>/,
    ],
    [
      'another type',
      () => ({ resource: { resourceType: 'Contract' } }),
      /INVALID at <private.consent.resource.resourceType>/,
    ],
    ['a draft', () => ({ resource: { status: 'draft' } }), /INVALID at <private.consent.resource.status>/],
    ['a second version', () => ({ draft: { version: 2 } }), /CONFLICT at <private.consent.version>/],
    ['no patient', () => ({ resource: { patient: undefined } }), /INVALID at <private.consent.resource.patient>/],
    [
      'a reference to no Patient',
      () => ({ resource: { patient: { reference: 'Group/1' } } }),
      /INVALID at <private.consent.resource.patient>/,
    ],
    [
      'a patient whom the provider does not have',
      () => ({ resource: { patient: { reference: `Patient/${randomUUID()}` } } }),
      /INVALID at <private.consent.resource.patient>: is no Patient of this provider/,
    ],
    [
      "another organisation's data",
      () => ({ resource: { organization: [{ reference: 'Organization/clinic' }] } }),
      /INVALID at <private.consent.resource.organization>/,
    ],
    [
      'a provision of the wrong shape',
      () => ({ resource: { provision: { provision: [{ type: 'permit', actor: { reference: {} } }] } } }),
      /INVALID at <private.consent.resource.provision.provision\[0\].actor>: expected array/,
    ],
    [
      'a text that would be read for every record asked for',
      () => ({ resource: { provision: { class: Array(20_000).fill({ code: 'Observation' }) } } }),
      /INVALID at <private.consent.resource>: is too large/,
    ],
  ];
  for (const [what, change, message] of refusedGrants)
    it(`refuses a grant by or with ${what}, and writes nothing`, async () => {
      const before = example.ledger.private.size;
      const { draft, resource, caller } = change(consent);
      const changed = { ...consent, ...draft, resource: { ...consent.resource, ...resource } };
      const input = { id: consent.id, provider: 'hospital' };
      expect(await failureOf(example.grant(changed, { input, ...caller }))).to.match(message);
      expect(example.ledger.private.size).to.equal(before);
      expect(example.ledger.public.size).to.equal(0);
    });

  it('refuses a patient who has five hundred consents there already', async () => {
    await example.grant(consent);
    const key = `consent_hospital directory/${example.patientId}`;
    const directory = JSON.parse(example.ledger.private.get(key) ?? '') as { consents: string[]; salt: string };
    const consents = Array.from({ length: 500 }, () => randomUUID());
    example.ledger.private.set(key, JSON.stringify({ ...directory, consents }));
    const another = example.consent({ type: 'permit' });
    expect(await failureOf(example.grant(another))).to.match(/CONFLICT: the patient has too many consents/);
  });

  it('refuses a consent for what is a record but no Patient', async () => {
    const observation = await example.observation();
    const resource = { ...consent.resource, patient: { reference: `Patient/${observation}` } };
    expect(await failureOf(example.grant({ ...consent, resource }))).to.match(/is no Patient of this provider/);
  });

  it('refuses a grant of what is granted', async () => {
    await example.grant(consent);
    expect(await failureOf(example.grant(consent))).to.match(/CONFLICT at <id>/);
  });

  it('refuses to amend or revoke what is not there', async () => {
    expect(await failureOf(amend(amended()))).to.match(/NOT_FOUND at <id>/);
    expect(await failureOf(revoke())).to.match(/NOT_FOUND at <id>/);
  });

  it('refuses to amend out of turn, for another patient or for another provider', async () => {
    await example.grant(consent);
    expect(await failureOf(amend(amended({ version: 3 })))).to.match(/CONFLICT at <private.consent.version>/);
    expect(await failureOf(amend(amended({ version: 1 })))).to.match(/CONFLICT at <private.consent.version>/);
    const patient = { reference: `Patient/${randomUUID()}` };
    const moved = amended({ resource: { ...consent.resource, patient } });
    expect(await failureOf(amend(moved))).to.match(/INVALID at <private.consent.resource.patient>: a consent keeps/);
    const { organization: _, ...free } = consent.resource;
    const foreign = { input: { id: consent.id, provider: 'clinic' } };
    expect(await failureOf(amend(amended({ resource: free }), foreign))).to.match(/INVALID at <provider>/);
  });

  it('refuses to amend or revoke what is revoked', async () => {
    await example.grant(consent);
    await revoke();
    expect(await failureOf(amend(amended()))).to.match(/CONFLICT at <id>: the consent is revoked/);
    expect(await failureOf(revoke())).to.match(/CONFLICT at <id>: the consent is revoked/);
  });

  it('refuses a patient who revokes or amends for another, and a provider who revokes', async () => {
    await example.grant(consent);
    const stranger = { role: 'patient', fhirUser: `Patient/${randomUUID()}` };
    expect(await failureOf(revoke(stranger))).to.match(/FORBIDDEN at <id>/);
    expect(await failureOf(revoke({ role: 'patient' }))).to.match(/FORBIDDEN at <id>/);
    expect(await failureOf(amend(amended(), stranger))).to.match(/FORBIDDEN/);
    expect(await failureOf(revoke({ from: 'hospital' }))).to.match(/FORBIDDEN: only a custodian/);
  });
});
