/**
 * For tests of patients' own keys: what a patient does on her side, made with WebCrypto, jose and @peculiar/x509, none of which
 * is code of the ledger.
 */
import 'reflect-metadata';
import { randomBytes, randomUUID, type webcrypto } from 'node:crypto';
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { CompactSign, calculateJwkThumbprint, exportJWK } from 'jose';
import type { Outcome } from '../ledger/memory-ledger.fixture.ts';
import { CARETAKER_KEY, CONSENT_SIGNATURE, SIGNATURE_EXTENSION, signedText } from '../model/consent-signature.ts';
import type { Resource } from '../model/fhir.ts';
import { enrolmentText, KEY_STATEMENT, type KeyStatement } from '../model/patient-keys.ts';
import type { Directory, Draft } from '../model/values.ts';
import type { ExamplePatient } from './example-patient.fixture.ts';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const E1762 = 'urn:iso-astm:E1762-95:2013';
export const newSalt = (): string => randomBytes(32).toString('hex');

export interface ExampleKey {
  pair: webcrypto.CryptoKeyPair;
  thumbprint: string;
  /** DER, base64. */
  request: string;
}

export async function newKey(curve = 'P-256'): Promise<ExampleKey> {
  const algorithm = { ...P256, namedCurve: curve };
  const pair = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=Example',
    keys: pair,
    signingAlgorithm: algorithm,
  });
  const thumbprint = await calculateJwkThumbprint(await exportJWK(pair.publicKey));
  return { pair, thumbprint, request: Buffer.from(request.rawData).toString('base64') };
}

/** A code's key for one use. */
export interface ExampleCode {
  id: string;
  pair: webcrypto.CryptoKeyPair;
  publicKey: string;
}

export async function newCode(): Promise<ExampleCode> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const { x = '' } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  return { id: randomUUID(), pair, publicKey: x };
}

/** What a code's key signs of a request. */
export async function enrolmentSignature(
  { id, pair }: Pick<ExampleCode, 'id' | 'pair'>,
  request: string,
  { patient, provider = 'hospital' }: { patient: string; provider?: string },
): Promise<string> {
  const text = enrolmentText({ id, patient }, provider, Buffer.from(request, 'base64'));
  const signature = await crypto.subtle.sign('Ed25519', pair.privateKey, Buffer.from(text));
  return Buffer.from(signature).toString('base64url');
}

/** What a signature is bound to, where it is not what the draft says. */
export interface Bound {
  version?: number;
  provider?: string;
  consent?: string;
  kid?: string;
  who?: string;
  when?: string;
  typ?: string;
  /** Of a caretaker. */
  delegation?: string;
}

/** The draft with a patient's signature in it. */
export async function signed(draft: Draft, key: ExampleKey, now: string, bound: Bound = {}): Promise<Draft> {
  const patient = (draft.resource['patient'] as { reference: string }).reference;
  const valueSignature = {
    type: [{ system: E1762, code: '1.2.840.10065.1.12.1.7' }],
    when: bound.when ?? now,
    who: { reference: bound.who ?? patient },
    targetFormat: 'application/fhir+json',
    sigFormat: 'application/jose',
  };
  const others = (draft.resource['extension'] ?? []) as object[];
  const resource = { ...draft.resource, extension: [...others, { url: SIGNATURE_EXTENSION, valueSignature }] };
  const header = {
    ...{ alg: 'ES256', kid: bound.kid ?? key.thumbprint, typ: bound.typ ?? CONSENT_SIGNATURE },
    consent: bound.consent ?? draft.id,
    version: bound.version ?? draft.version,
    provider: bound.provider ?? 'hospital',
    ...(bound.delegation === undefined ? {} : { delegation: bound.delegation }),
  };
  const text = signedText(resource, others.length);
  const jws = await new CompactSign(Buffer.from(text)).setProtectedHeader(header).sign(key.pair.privateKey);
  const [head, , tail] = jws.split('.');
  const data = Buffer.from(`${head}..${tail}`).toString('base64');
  return { ...draft, resource: withData(resource, others.length, data) };
}

function withData(resource: Resource, at: number, data: string): Resource {
  const extension = (resource['extension'] as { valueSignature?: object }[]).map((one, index) =>
    index === at ? { ...one, valueSignature: { ...one.valueSignature, data } } : one,
  );
  return { ...resource, extension };
}

/** What names a caretaker's key in a delegation. */
export const caretakerKey = async ({ pair }: ExampleKey): Promise<object> => {
  const { kty, crv, x, y } = await exportJWK(pair.publicKey);
  return { url: CARETAKER_KEY, valueString: JSON.stringify({ kty, crv, x, y }) };
};

/** A statement about keys, signed. */
export const stated = async (
  statement: Omit<KeyStatement, 'provider' | 'when'> & Partial<KeyStatement>,
  key: ExampleKey,
  now: string,
): Promise<string> =>
  new CompactSign(Buffer.from(JSON.stringify({ provider: 'hospital', when: now, ...statement })))
    .setProtectedHeader({ alg: 'ES256', kid: key.thumbprint, typ: KEY_STATEMENT })
    .sign(key.pair.privateKey);

/** A patient at the hospital, and her keys. */
export class KeyedPatient {
  readonly example: ExamplePatient;
  readonly #provider = 'hospital';

  constructor(example: ExamplePatient) {
    this.example = example;
  }

  get now(): string {
    return this.example.ledger.time;
  }

  async issue(code: ExampleCode, change: object = {}): Promise<Outcome<'IssueKeyCode'>> {
    const patient = this.example.evidence(this.example.patientId);
    return this.example.ledger.submit('IssueKeyCode', {
      ...{ from: this.#provider, role: 'practitioner', fhirUser: 'Practitioner/1', input: { id: code.id } },
      private: { patient, publicKey: code.publicKey, salt: newSalt() },
      ...change,
    });
  }

  async enrol(code: ExampleCode, key: ExampleKey, change: object = {}, hidden: object = {}) {
    const patient = this.example.patientId;
    const signature = await enrolmentSignature(code, key.request, { patient });
    return this.example.ledger.submit('EnrolPatientKey', {
      ...{ from: 'patients', role: 'system', input: { id: code.id, provider: this.#provider } },
      private: { patient, directory: 0, request: key.request, signature, salt: newSalt(), ...hidden },
      ...change,
    });
  }

  async change(statement: string, request?: string) {
    return this.example.ledger.submit('ChangePatientKey', {
      ...{ from: 'patients', role: 'system', input: { id: randomUUID(), provider: this.#provider } },
      private: {
        ...{ patient: this.example.patientId, directory: 0, statement, salt: newSalt() },
        ...(request === undefined ? {} : { request }),
      },
    });
  }

  /** With a code of its own. */
  async enrolled(): Promise<ExampleKey> {
    const [code, key] = [await newCode(), await newKey()];
    await this.issue(code);
    await this.enrol(code, key);
    return key;
  }

  /** Her keys as the newest directory has them. */
  ring(): NonNullable<Directory['keys']>[string] {
    const { ledger, patientId } = this.example;
    const newest = [...ledger.private]
      .filter(([name]) => name.startsWith('care_hospital directory/'))
      .map(([name, text]) => ({ generation: Number(name.split('/').at(-1)), directory: JSON.parse(text) as Directory }))
      .sort((one, other) => other.generation - one.generation)
      .find(({ directory }) => directory.keys?.[patientId] !== undefined);
    return newest?.directory.keys?.[patientId] ?? [];
  }
}
