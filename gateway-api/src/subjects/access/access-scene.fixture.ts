/** For tests of accesses across organisations: a consortium, its patients and records, and organisations that fail. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { serve } from '../../../../chaincode/src/server.ts';
import type { GatewayConfig } from '../../config.ts';
import { type Answer, FixtureConsortium, until } from '../../consortium.fixture.ts';

/** Short, so that failures show soon. */
const LIMITS = { inFlightWrites: 100, clientWrites: 100, budgetMs: 3_000, feedWaitMs: 2_000, hedgeMs: 300 };
const SYSTEM = 'urn:example:mrn';
const CONSENT_SCOPES = 'http://terminology.hl7.org/CodeSystem/consentscope';
const ORGANISATIONS = 'https://telemed-ledger.example/organisations';
const LONG_MS = 45_000;

export interface ExamplePatient {
  /** Of the hospital's Patient. */
  id: string;
  /** Its identifier. */
  value: string;
}

export interface Detail {
  type: string;
  valueString: string;
}

/** What an organisation's gateway answers of an access. */
export type Shown = Answer['body'];
/** A transaction of a contract. */
type Method = (...call: never[]) => Promise<string>;
interface Contract {
  prototype: object;
}

export class AccessScene {
  readonly consortium: FixtureConsortium;

  private constructor(consortium: FixtureConsortium) {
    this.consortium = consortium;
  }

  static open(...gateways: string[]): Promise<AccessScene> {
    return AccessScene.#opened(gateways, { limits: LIMITS });
  }

  /** With the limits that gateways have by default. */
  static unhurried(...gateways: string[]): Promise<AccessScene> {
    return AccessScene.#opened(gateways, {});
  }

  static async #opened(gateways: string[], more: Partial<GatewayConfig>): Promise<AccessScene> {
    const scene = new AccessScene(await FixtureConsortium.start([]));
    for (const name of gateways) await scene.consortium.open(name, more);
    return scene;
  }

  close(): Promise<void> {
    return this.consortium.close();
  }

  send(...request: Parameters<FixtureConsortium['send']>): Promise<Answer> {
    return this.consortium.send(...request);
  }

  /** The id of what is created. */
  async created(...request: Parameters<FixtureConsortium['send']>): Promise<string> {
    const answer = await this.send(...request);
    expect(answer.status, JSON.stringify(answer.body)).to.equal(201);
    return answer.body.id;
  }

  /** Recorded at the hospital. */
  async patient(): Promise<ExamplePatient> {
    const value = randomUUID();
    const body = { resourceType: 'Patient', identifier: [{ system: SYSTEM, value }] };
    return { id: await this.created('hospital', 'POST /fhir/R4/Patient', body), value };
  }

  observation({ id }: ExamplePatient): Promise<string> {
    return this.created('hospital', 'POST /fhir/R4/Observation', {
      ...{ resourceType: 'Observation', status: 'final', code: { text: 'example' } },
      subject: { reference: `Patient/${id}` },
    });
  }

  /** A consent for the hospital's data that permits the clinic everything, or with this provision. */
  async consented({ id }: ExamplePatient, provision?: object): Promise<string> {
    const toClinic = { identifier: { system: ORGANISATIONS, value: 'clinic' } };
    const consent = {
      ...{ resourceType: 'Consent', status: 'active', category: [{ text: 'privacy' }] },
      scope: { coding: [{ system: CONSENT_SCOPES, code: 'patient-privacy' }] },
      patient: { reference: `Patient/${id}` },
      organization: [{ identifier: { system: ORGANISATIONS, value: 'hospital' } }],
      policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
      provision: provision ?? { type: 'permit', actor: [{ role: { text: 'recipient' }, reference: toClinic }] },
    };
    await until(async () => (await this.send('patients', `GET /fhir/R4/Patient/${id}`)).status === 200, LONG_MS);
    return this.created(`patients patient Patient/${id}`, 'POST /fhir/R4/Consent', consent);
  }

  /** The clinic's request; its id. */
  ask({ value }: ExamplePatient, change: object = {}, as = 'clinic'): Promise<string> {
    return this.created(as, 'POST /access-requests', { ...this.request(value), ...change });
  }

  request(value: string): object {
    return { holder: 'hospital', patient: { system: SYSTEM, value }, types: ['Observation'], purpose: 'TREAT' };
  }

  async at(organisation: string, id: string): Promise<Shown> {
    return (await this.send(organisation, `GET /access-requests/${id}`)).body;
  }

  /** Waits until an organisation's gateway says so of an access. */
  async becomes(organisation: string, id: string, isIt: (state: Shown) => boolean): Promise<Shown> {
    await until(async () => isIt(await this.at(organisation, id)), LONG_MS);
    return this.at(organisation, id);
  }

  /** What an AuditEvent says under a name. */
  async details(organisation: string, id: string, name: string): Promise<Detail[] | undefined> {
    const { body } = await this.send(organisation, `GET /fhir/R4/AuditEvent/${id}`);
    return body.entity.find((entity: { name?: string }) => entity.name === name)?.detail;
  }

  /** Endorsers as the receipt of the transaction has them. */
  async endorsersOf(transactionId: string): Promise<string[]> {
    return (await this.send('patients', `GET /receipts/${transactionId}`)).body.endorsers;
  }

  async whileFails(organisation: string, fault: 'pause' | 'drop', run: () => Promise<void>): Promise<void> {
    const { network } = this.consortium;
    network[fault](organisation, true);
    try {
      await run();
    } finally {
      network[fault](organisation, false);
      const gateway = this.consortium.gateway(organisation);
      if (gateway !== undefined) await until(async () => (await gateway.readiness()).ready, LONG_MS);
    }
  }

  /**
   * Has an organisation's peer run chaincode with other methods of a contract. It runs in this thread, the others' chaincode
   * in threads of its own.
   */
  async whileRuns<C extends Contract>(
    organisation: string,
    contract: C & (new (consortium: FixtureConsortium['members']) => object),
    names: readonly string[],
    change: (real: Method) => Method,
    run: () => Promise<void>,
  ): Promise<void> {
    const { members } = this.consortium;
    const prototype = contract.prototype as Record<string, Method>;
    const instance = new contract(members);
    const real = new Map(names.map((name) => [name, prototype[name]!]));
    for (const [name, method] of real) prototype[name] = change(method.bind(instance));
    const server = await serve({ consortium: members, ccid: `telemed:${'0'.repeat(64)}`, address: '127.0.0.1:0' });
    try {
      await this.consortium.useChaincode(organisation, server.address);
      await run();
    } finally {
      await this.consortium.useChaincode(organisation);
      server.close();
      for (const [name, method] of real) prototype[name] = method;
    }
  }
}
