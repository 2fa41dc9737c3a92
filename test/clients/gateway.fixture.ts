/** A hospital's gateway that public FHIR clients are tried on, with its authorization server and people to be found. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { FixtureConsortium } from '@telemed-ledger/gateway-api/consortium.fixture.ts';
import { signInCode } from '@telemed-ledger/gateway-api/oauth/server.ts';

// biome-ignore lint/suspicious/noExplicitAny: what a client library returns is looked into
export type Any = any;

export class ClientsGateway {
  readonly consortium: FixtureConsortium;
  /** Without a slash at the end. */
  readonly base: string;
  readonly code: string;

  private constructor(consortium: FixtureConsortium, code: string) {
    this.consortium = consortium;
    this.code = code;
    this.base = consortium.urls.get('hospital') ?? '';
  }

  static async start(): Promise<ClientsGateway> {
    const consortium = await FixtureConsortium.start(['patients']);
    const { witnessDir } = await consortium.config('hospital');
    const issuerDir = join(witnessDir, '..', 'issuer');
    await consortium.open('hospital', { issuerDir });
    return new ClientsGateway(consortium, signInCode(issuerDir));
  }

  get fhir(): string {
    return `${this.base}/fhir/R4`;
  }

  token(): Promise<string> {
    return this.consortium.token('hospital', 'practitioner');
  }

  async register(client: object): Promise<Any> {
    const json = { 'content-type': 'application/json' };
    return (await this.consortium.send('hospital operator', 'POST /clients', client, json)).body;
  }

  /** Whether its CapabilityStatement says so of Patient. */
  async does(interaction: string): Promise<boolean> {
    const { body } = await this.consortium.send('hospital', 'GET /fhir/R4/metadata');
    const found = body.rest[0].resource.find(({ type }: Any) => type === 'Patient');
    return found.interaction.some(({ code }: Any) => code === interaction);
  }

  close(): Promise<void> {
    return this.consortium.close();
  }
}

/** Somebody whom nobody else is. */
export const person = (more: object = {}) => ({
  ...{ resourceType: 'Patient' as const, active: true, birthDate: '1980-02-29', gender: 'female' as const },
  identifier: [{ system: 'urn:example:people', value: randomUUID() }],
  name: [{ family: 'Grün', given: ['Ada'] }],
  ...more,
});

export const observation = (patient: string, value = 80) => ({
  ...{ resourceType: 'Observation' as const, status: 'final' as const, subject: { reference: patient } },
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
  effectiveDateTime: '2026-03-01T10:00:00Z',
  valueQuantity: { value, unit: 'beats/min', system: 'http://unitsofmeasure.org', code: '/min' },
});

/** What a program prints, a line each; fails with what it says where it fails. */
export function drive(command: string, parameters: readonly string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const program = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { out: '', error: '' };
    program.stdout.on('data', (text) => {
      said.out += text;
    });
    program.stderr.on('data', (text) => {
      said.error += text;
    });
    program.once('error', reject);
    program.once('close', (code) => {
      const lines = said.out.split('\n').filter((line) => line !== '');
      if (code === 0) resolve(lines);
      else reject(new Error(`${command} ended with ${code} behind “${lines.at(-1)}”\n${said.error.slice(-4_000)}`));
    });
  });
}
