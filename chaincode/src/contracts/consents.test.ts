import { randomUUID } from 'node:crypto';
import { all } from '@telemed-ledger/consortium/policies.ts';
import { expect } from 'chai';
import { exampleConsortium } from '../ledger/example-consortium.fixture.ts';
import { failureOf } from '../ledger/memory-ledger.fixture.ts';
import { policyBytes } from '../ledger/policies.ts';
import { canonicalJson, sha256Hex } from '../model/canonical.ts';
import { bucketOf } from '../model/directories.ts';
import type { Directory, Draft } from '../model/values.ts';

import { ExamplePatient, newSalt, patients } from './example-patient.fixture.ts';

describe('the consents contract', () => {
  let example: ExamplePatient;
  let consent: Draft;
  beforeEach(async () => {
    example = new ExamplePatient();
    await example.arrive();
    consent = example.consent({ type: 'permit' });
  });
  const amended = (change: object = {}): Draft => ({ ...consent, version: 2, ...change });
  const amend = (draft: Draft, change: object = {}) =>
    example.ledger.submit('AmendConsent', {
      ...patients,
      input: { id: draft.id, provider: 'hospital' },
      private: { consent: draft },
      ...change,
    });
  const revoke = (change: object = {}) => example.revoke(consent.id, change);
  const bucket = () => bucketOf(example.patientId);
  const everybody = () =>
    Buffer.from(policyBytes(all(...exampleConsortium.organisations.map(({ mspId }) => mspId)))).toString('hex');

  it('grants: content and directory with the provider, nothing public but the id', async () => {
    const { reply, writes } = await example.grant(consent);
    const { time } = example.ledger;
    const active = { id: consent.id, provider: 'hospital', status: 'active', version: 1 };
    expect(reply).to.deep.equal({ ...active, updatedAt: time });
    expect(writes).to.deep.equal({
      public: {},
      private: {
        [`care_hospital consent/${consent.id}/1`]: canonicalJson({
          schema: 1,
          ...consent,
          author: 'PatientsMSP',
          recordedAt: time,
        }),
        [`care_hospital directory/${bucket()}/1`]: canonicalJson({
          schema: 1,
          consents: { [example.patientId]: [consent.id] },
          salt: sha256Hex(`directory/${consent.salt}`),
        }),
      },
      purged: [],
      policies: {},
      event: { name: 'ConsentGranted', payload: canonicalJson({ id: consent.id }) },
    });
  });

  it("lists each of a patient's consents in the next generation of the directory", async () => {
    await example.grant(consent);
    const second = example.consent({ type: 'deny' });
    await example.grant(second);
    const directory = example.ledger.read('care_hospital', `directory/${bucket()}/2`);
    expect(directory).to.have.deep.property('consents', { [example.patientId]: [consent.id, second.id] });
  });

  it('keeps the consents of the patients of one directory apart', async () => {
    await example.grant(consent);
    const other = '{"00000000-0000-4000-8000-000000000001":["00000000-0000-4000-8000-000000000002"],';
    const name = `care_hospital directory/${bucket()}/1`;
    const text = example.ledger.private.get(name)!;
    example.ledger.private.set(name, text.replace('"consents":{', `"consents":${other}`));
    const second = example.consent({ type: 'deny' });
    await example.grant(second);
    expect(example.ledger.read('care_hospital', `directory/${bucket()}/2`)).to.have.deep.property('consents', {
      '00000000-0000-4000-8000-000000000001': ['00000000-0000-4000-8000-000000000002'],
      [example.patientId]: [consent.id, second.id],
    });
  });

  it('amends: the next version, nothing else', async () => {
    await example.grant(consent);
    example.ledger.time = '2026-03-02T00:00:00.000Z';
    const { reply, writes } = await amend(amended());
    expect(reply).to.include({ version: 2, status: 'active', updatedAt: example.ledger.time });
    expect(Object.keys(writes.private)).to.deep.equal([`care_hospital consent/${consent.id}/2`]);
    expect(writes.public).to.deep.equal({});
    expect(writes.policies).to.deep.equal({});
    expect(writes.event?.name).to.equal('ConsentAmended');
  });

  for (const other of ['hospital', 'clinic', 'payer', 'bank', 'regulator'])
    it(`revokes with ${other}, which is shown nothing private, by a mark that all must endorse from then on`, async () => {
      await example.grant(consent);
      const { reply, writes } = await revoke({ endorsers: ['patients', other], private: { salt: 'ab'.repeat(32) } });
      expect(reply).to.include({ status: 'revoked', version: 1 });
      expect(writes).to.deep.equal({
        public: {},
        private: {
          [`marks revoked/${consent.id}`]: canonicalJson({ schema: 1, at: example.ledger.time, salt: 'ab'.repeat(32) }),
        },
        purged: [],
        policies: { [`marks revoked/${consent.id}`]: everybody() },
        event: { name: 'ConsentRevoked', payload: canonicalJson({ id: consent.id }) },
      });
    });

  it('withdraws one version with any other organisation, and grants the next', async () => {
    await example.grant(consent);
    const input = { id: consent.id, provider: 'hospital', version: 1 };
    const request = { ...patients, input, private: { salt: newSalt() }, endorsers: ['patients', 'regulator'] };
    const { writes } = await example.ledger.submit('WithdrawConsentVersion', request);
    expect(Object.keys(writes.private)).to.deep.equal([`marks withdrawn/${consent.id}/1`]);
    expect(Object.values(writes.policies)).to.deep.equal([everybody()]);
    expect(await failureOf(example.ledger.submit('WithdrawConsentVersion', request))).to.match(/CONFLICT at <id>/);
    await amend(amended());
  });

  const refusedGrants: [string, (draft: Draft) => { draft?: object; resource?: object; caller?: object }, RegExp][] = [
    ['a provider', () => ({ caller: { from: 'hospital' } }), /FORBIDDEN: only a custodian/],
    ['a patient of her own', () => ({ caller: { role: 'patient' } }), /FORBIDDEN: the role must be system/],
    ['a caretaker', () => ({ caller: { role: 'caretaker' } }), /FORBIDDEN: the role must be system/],
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
      "another provider's data as well",
      () => ({
        resource: { organization: [{ reference: 'Organization/hospital' }, { reference: 'Organization/clinic' }] },
      }),
      /INVALID at <private.consent.resource.organization\[1\]>: governs the data of one provider/,
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
    const key = `care_hospital directory/${bucket()}/1`;
    const directory = JSON.parse(example.ledger.private.get(key) ?? '') as Directory;
    const consents = { [example.patientId]: Array.from({ length: 500 }, () => randomUUID()) };
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
    expect(await failureOf(example.grant(consent))).to.match(/CONFLICT at <private.consent.version>/);
  });

  it('refuses to amend or revoke what is not there', async () => {
    expect(await failureOf(amend(amended()))).to.match(/CONFLICT at <private.consent.version>: not the next version/);
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
    expect(await failureOf(amend(amended({ resource: free }), foreign))).to.match(
      /CONFLICT at <private.consent.version>/,
    );
  });

  it('refuses to amend or revoke what is revoked', async () => {
    await example.grant(consent);
    await revoke();
    expect(await failureOf(amend(amended()))).to.match(/CONFLICT at <id>: the consent is revoked/);
    expect(await failureOf(revoke())).to.match(/CONFLICT at <id>: this is already written/);
  });

  it('refuses everybody but the custodian to amend, revoke or withdraw', async () => {
    await example.grant(consent);
    for (const from of ['hospital', 'clinic', 'payer', 'bank', 'regulator']) {
      const endorsers = [from, 'patients'];
      expect(await failureOf(revoke({ from, endorsers }))).to.match(/FORBIDDEN: only a custodian/);
      expect(await failureOf(amend(amended(), { from, endorsers }))).to.match(/FORBIDDEN: only a custodian/);
    }
  });
});
