/**
 * What changes after a delivery reaches it: what would not be delivered now goes from the receiver within seconds, a correction
 * takes the place of what it corrects, and the patient's log has all of it. On either network.
 */
import { randomUUID } from 'node:crypto';
import { common, ledger } from '@hyperledger/fabric-protos';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { Attacker } from './forgery.fixture.ts';

const { kvrwset } = ledger.rwset;
const POLICY_FAILURE = 10;

const RESTRICTED = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }];
const MRN = 'https://hospital.example/mrn';

type Shown = AccessState & { renewedBy?: string; pending?: string };
interface Log {
  entry?: { resource: Resource & { outcome?: string; outcomeDesc?: string } }[];
}

/** A patient of the hospital's with a result and a prescription, which the clinic has been delivered. */
class Delivered {
  readonly #scene: Scene;
  patientId = '';
  mrn = randomUUID();
  /** `Observation/<id>` and `MedicationRequest/<id>` */
  result = '';
  prescription = '';
  consentId = '';
  accessId = '';

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  get hospital(): Party {
    return this.#scene.parties.of('hospital', 'system');
  }
  get clinic(): Party {
    return this.#scene.parties.of('clinic', 'system');
  }
  get patient(): Party {
    return this.#scene.parties.of('patients', 'patient', `Patient/${this.patientId}`);
  }

  async recorded(): Promise<void> {
    const create = async (resource: Record<string, unknown> & { resourceType: string }): Promise<string> => {
      const path = `/fhir/R4/${resource.resourceType}`;
      return (await this.hospital.write({ method: 'POST', path, body: resource })).body.id;
    };
    const identifier = [{ system: MRN, value: this.mrn }];
    this.patientId = await create({ resourceType: 'Patient', identifier });
    const subject = { reference: `Patient/${this.patientId}` };
    const code = { text: 'example' };
    const observation = { resourceType: 'Observation', status: 'final', code, subject };
    this.result = `Observation/${await create(observation)}`;
    const asked = { resourceType: 'MedicationRequest', status: 'active', intent: 'order' };
    const prescription = { ...asked, medicationCodeableConcept: code, subject };
    this.prescription = `MedicationRequest/${await create(prescription)}`;
    await this.patient.find({ path: `/fhir/R4/Patient/${this.patientId}` }, 'the patient');
  }

  /** Gives a consent for the hospital's data; its id. It says nothing beyond its provision. */
  async consented(provision: object): Promise<string> {
    const scope = {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }],
    };
    const consent = {
      ...{ resourceType: 'Consent', status: 'active', scope, category: [{ text: 'privacy' }], provision },
      patient: { reference: `Patient/${this.patientId}` },
      organization: [{ identifier: { system: ORGANISATION_SYSTEM, value: 'hospital' } }],
      policy: [{ uri: 'https://telemed-ledger.example/policies/by-provision' }],
    };
    return (await granted(this.patient, consent)).id;
  }

  /** Has the clinic ask for both. */
  async delivered(...provisions: object[]): Promise<void> {
    for (const provision of provisions) this.consentId = await this.consented(provision);
    const patient = { system: MRN, value: this.mrn };
    const body = { holder: 'hospital', patient, types: ['Observation', 'MedicationRequest'], purpose: 'TREAT' };
    const asked = await this.clinic.write<Shown>({ method: 'POST', path: '/access-requests', body }, [201]);
    this.accessId = asked.body.id;
    await this.access('a delivery', ({ status }) => status === 'granted');
    await this.shows(1, 1);
  }

  /** The access as the clinic knows it, once it is so. */
  access(waitedFor: string, isIt: (state: Shown) => boolean, id = this.accessId): Promise<Shown> {
    return this.clinic.find<Shown>({ path: `/access-requests/${id}` }, waitedFor, isIt);
  }

  async versionAtClinic(reference: string): Promise<number> {
    const { status, body } = await this.clinic.send({ path: `/fhir/R4/${reference}` });
    return status === 200 ? Number((body as { meta: { versionId: string } }).meta.versionId) : 0;
  }

  /** Waits until the clinic is shown these versions of the result and the prescription; 0: none. */
  async shows(result: number, prescription: number): Promise<void> {
    const due = `${result} ${prescription}`;
    let came = '';
    for (const end = Date.now() + 30_000; came !== due && Date.now() < end; ) {
      const both = [await this.versionAtClinic(this.result), await this.versionAtClinic(this.prescription)];
      came = both.join(' ');
    }
    expect(came, 'the versions that the clinic is shown').to.equal(due);
  }

  /** The hospital's next version of a record. */
  async changed(reference: string, content: object): Promise<void> {
    const path = `/fhir/R4/${reference}`;
    const current = await this.hospital.ask({ path });
    await this.hospital.write({ method: 'PUT', path, body: { ...current, ...content } });
  }

  async amended(id: string, content: object): Promise<void> {
    const path = `/fhir/R4/Consent/${id}`;
    const current = await this.patient.ask({ path });
    const { status } = await this.patient.send({ method: 'PUT', path, body: { ...current, ...content } });
    expect(status).to.be.oneOf([200, 202]);
  }

  /** What the patient's log says of the accesses, oldest first. */
  async log(): Promise<(string | undefined)[]> {
    const { entry = [] } = await this.patient.ask<Log>({
      path: `/fhir/R4/AuditEvent?patient=${this.patientId}&type=110106,110113`,
    });
    const events = entry.filter(({ resource }) => resource.resourceType === 'AuditEvent');
    return events.map(({ resource: { outcomeDesc } }) => outcomeDesc).reverse();
  }
}

const of = (value: string) => [
  { role: { text: 'recipient' }, reference: { identifier: { system: ORGANISATION_SYSTEM, value } } },
];
const toClinic = { type: 'permit', actor: of('clinic') };
const data = (...references: string[]) =>
  references.map((reference) => ({ meaning: 'instance', reference: { reference } }));

interface Case {
  name: string;
  /** Under what it is delivered; default: one consent for the clinic. */
  under?: (one: Delivered) => object[];
  change: (one: Delivered) => Promise<unknown>;
  /** What the clinic is shown then. */
  shown: [result: number, prescription: number];
  /** Why it was withdrawn. */
  reason: string;
}

const CASES: Case[] = [
  {
    name: 'a denial that is given later',
    change: (one) => one.consented({ type: 'deny', data: data(one.result) }),
    shown: [0, 1],
    reason: 'no-longer-permitted',
  },
  {
    name: 'a denial that is amended to reach further',
    under: (one) => [toClinic, { type: 'deny', actor: of('payer'), data: data(one.result) }],
    change: (one) => one.amended(one.consentId, { provision: { type: 'deny', data: data(one.result) } }),
    shown: [0, 1],
    reason: 'no-longer-permitted',
  },
  {
    name: 'a permission that is amended to less',
    change: (one) => one.amended(one.consentId, { provision: { ...toClinic, data: data(one.prescription) } }),
    shown: [0, 1],
    reason: 'consent-amended',
  },
  {
    name: 'a label that is raised',
    under: () => [{ ...toClinic, provision: [{ type: 'deny', securityLabel: RESTRICTED }] }],
    change: (one) => one.changed(one.result, { meta: { security: RESTRICTED } }),
    shown: [0, 1],
    reason: 'no-longer-permitted',
  },
  {
    name: 'a record that is corrected',
    change: (one) => one.changed(one.result, { code: { text: 'something else' } }),
    shown: [2, 1],
    reason: 'record-changed',
  },
  {
    name: 'a prescription that is cancelled',
    change: (one) => one.changed(one.prescription, { status: 'cancelled' }),
    shown: [1, 2],
    reason: 'record-changed',
  },
  {
    name: 'a record that was entered in error',
    change: (one) => one.changed(one.result, { status: 'entered-in-error' }),
    shown: [2, 1],
    reason: 'record-changed',
  },
  {
    name: 'one of two consents that is revoked',
    under: (one) => [
      { ...toClinic, data: data(one.prescription) },
      { ...toClinic, data: data(one.result) },
    ],
    change: (one) => one.amended(one.consentId, { status: 'inactive' }),
    shown: [0, 1],
    reason: 'consent-revoked',
  },
  {
    name: 'a denial of everything',
    change: (one) => one.consented({ type: 'deny' }),
    shown: [0, 0],
    reason: 'no-longer-permitted',
  },
];

describe('What was delivered is reached by what changes later', function () {
  this.timeout(90_000);
  let scene: Scene;
  let one: Delivered;

  before(async function () {
    this.timeout(START_TIMEOUT_MS);
    scene = await consortium();
  });
  beforeEach(async () => {
    one = new Delivered(scene);
    await one.recorded();
  });

  for (const { name, under = () => [toClinic], change, shown, reason } of CASES)
    it(`by ${name}`, async () => {
      await one.delivered(...under(one));
      await change(one);
      await one.shows(...shown);
      const isOver = shown.every((version) => version === 0);
      const state = await one.access('a withdrawal', ({ renewedBy, status }) =>
        isOver ? status === 'purged' : renewedBy !== undefined,
      );
      expect(state).to.include({ status: 'purged', reason });
      if (state.renewedBy === undefined) return expect(await one.log()).to.deep.equal([reason]);
      const renewal = await one.access('a delivery', ({ status }) => status === 'granted', state.renewedBy);
      expect(renewal).to.include({ renews: state.id, root: state.id, lastsUntil: state.expiresAt });
      expect(await one.log()).to.deep.equal([reason, undefined]);
    });

  it('by a denial that begins, at that moment and without a request', async () => {
    await one.delivered(toClinic);
    const start = new Date(Date.now() + 5_000).toISOString();
    await one.consented({ type: 'deny', period: { start }, data: data(one.result) });
    // The delivery is told its earlier end at once: from then on the clinic needs nobody to hide it.
    const { renewedBy } = await one.access('an earlier end', (state) => state.renewedBy !== undefined);
    expect(await one.access('it', ({ status }) => status !== undefined, renewedBy)).to.include({ expiresAt: start });
    await one.shows(1, 1);
    for (; new Date().toISOString() < start; ) await one.versionAtClinic(one.result);
    expect(await one.versionAtClinic(one.result)).to.equal(0);
    await one.shows(0, 1);
  });

  it('and is neither left at its requestor’s peer nor put back there by it and any other', async () => {
    await one.delivered(toClinic);
    const clinic = new Attacker(scene.dataDir, 'clinic');
    try {
      const key = `copies/${one.accessId}`;
      expect(await keysAt(clinic)).to.include(key);
      await one.consented({ type: 'deny' });
      await one.shows(0, 0);
      await one.access('a purge', ({ status }) => status === 'purged');
      expect(await keysAt(clinic)).to.not.include(key);
      const kept = { private: { inbox_clinic: { [key]: '{}' } } };
      for (const other of ['hospital', 'payer', 'bank', 'regulator'])
        expect(await clinic.forge(['clinic', other], kept), other).to.equal(POLICY_FAILURE);
      await one.shows(0, 0);
    } finally {
      clinic.close();
    }
  });
});

/** The keys of the private values that a peer delivers to its own client, from block 0 on. */
async function keysAt(attacker: Attacker): Promise<Set<string>> {
  const info = await attacker.network.getContract('qscc').evaluateTransaction('GetChainInfo', 'telemed');
  const last = common.BlockchainInfo.deserializeBinary(info).getHeight() - 1;
  const blocks = await attacker.network.getBlockAndPrivateDataEvents({ startBlock: 0n });
  const keys = new Set<string>();
  for await (const block of blocks) {
    block.getPrivateDataMapMap().forEach((set) => {
      for (const collection of set.getNsPvtRwsetList().flatMap((one) => one.getCollectionPvtRwsetList()))
        for (const write of kvrwset.KVRWSet.deserializeBinary(collection.getRwset_asU8()).getWritesList())
          if (!write.getIsDelete()) keys.add(write.getKey());
    });
    if (block.getBlock()?.getHeader()?.getNumber() === last) break;
  }
  blocks.close();
  return keys;
}
