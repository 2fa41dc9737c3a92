/**
 * `npm run -s patient-key -- PATIENT COMMAND`: what a patient's app does with her own key, against the running consortium. Her key is
 * kept in a file here, for development; an app keeps one that nothing takes out.
 */
import type { webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { thumbprintOf } from '@telemed-ledger/chaincode/model/jws.ts';
import { GatewayError, type KeyList, PatientClient } from '@telemed-ledger/patient-client/client.ts';
import type { Resource } from '@telemed-ledger/patient-client/consent.ts';
import type { OwnKey } from '@telemed-ledger/patient-client/key.ts';
import { dataDirectory, gatewayUrl, organisations, runCommand, UsageError } from './command-line.ts';
import { renewedToken } from './credentials.ts';

const USAGE = `Usage: npm run -s patient-key -- PATIENT COMMAND
  PATIENT      id of the Patient, as her provider has it
  show         her keys as the ledger has them, and who gave her consents
  enrol CODE   makes a key, and enrols it by the code of her provider (Patient/<id>/$issue-key-code there)
  give FILE    shows what of a Consent (JSON) will be signed, signs it, has it recorded, and checks what was
  rotate       puts another key in its place
  revoke       ends it: the custodian acts in trust again
  cancel       ends a recovery that she has not asked for
  examine      her consents in force, and which of them this key has signed`;

const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;

interface KeyFile {
  path: string;
  patient: string;
}

const keyFile = (patient: string): KeyFile => ({
  path: join(dataDirectory(), 'patient-keys', `${patient}.json`),
  patient,
});

type Jwk = webcrypto.JsonWebKey;

async function newJwk(): Promise<Jwk> {
  const { privateKey } = await crypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  return crypto.subtle.exportKey('jwk', privateKey);
}

async function keyOf(jwk: Jwk): Promise<OwnKey> {
  const { kty = '', crv = '', x = '', y = '' } = jwk;
  const publicKey = await crypto.subtle.importKey('jwk', { kty, crv, x, y }, P256, true, ['verify']);
  const privateKey = await crypto.subtle.importKey('jwk', { ...jwk, key_ops: ['sign'] }, P256, false, ['sign']);
  return { publicKey, privateKey, thumbprint: thumbprintOf({ x, y }) };
}

function keep({ path }: KeyFile, jwk: Jwk): void {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${JSON.stringify(jwk)}\n`, { mode: 0o600 });
}

function kept({ path, patient }: KeyFile): Promise<OwnKey> {
  if (!existsSync(path)) throw new UsageError(`No key of Patient/${patient} is kept here: enrol one.\n${USAGE}`);
  return keyOf(JSON.parse(readFileSync(path, 'utf8')));
}

function clientOf(patient: string): PatientClient {
  const custodian = organisations().find(({ kind }) => kind === 'custodian');
  if (custodian === undefined) throw new UsageError('The consortium has no custodian.');
  const who = { dataDir: dataDirectory(), organisation: custodian.name, fhirUser: `Patient/${patient}` };
  return new PatientClient({
    baseUrl: gatewayUrl(custodian),
    patient,
    token: renewedToken({ ...who, role: 'patient' }),
  });
}

async function give(client: PatientClient, key: OwnKey, file: string): Promise<object> {
  const shown = await client.prepare(JSON.parse(readFileSync(file, 'utf8')) as Resource);
  for (const { path, value } of shown.shown) console.error(`  ${path}: ${value}`);
  const given = await client.give(shown, key);
  return given.kept ? { kept: given.location } : { consent: `Consent/${given.consent.id}/_history/${given.version}` };
}

/** A key is kept before it is sent, so that it is not lost with an answer; it takes the other's place when it is in force. */
async function withNewKey(file: KeyFile, send: (key: OwnKey) => Promise<KeyList>): Promise<KeyList> {
  const [jwk, next] = [await newJwk(), `${file.path}.next`];
  keep({ ...file, path: next }, jwk);
  const key = await keyOf(jwk);
  const list = await send(key);
  if (list.inForce === key.thumbprint) renameSync(next, file.path);
  return list;
}

const COMMANDS: Record<string, (client: PatientClient, file: KeyFile, operand: string) => Promise<unknown>> = {
  show: (client) => client.keys(),
  enrol: (client, file, code) => withNewKey(file, (key) => client.enrol(code, key)),
  give: async (client, file, consent) => give(client, await kept(file), consent),
  rotate: async (client, file) => {
    const key = await kept(file);
    return withNewKey(file, (next) => client.rotate(key, next));
  },
  revoke: async (client, file) => client.revoke(await kept(file)),
  cancel: async (client, file) => client.cancel(await kept(file)),
  examine: async (client, file) =>
    (await client.examine([await kept(file)])).map(({ consent, by }) => ({ consent: `Consent/${consent.id}`, by })),
};
const WITH_OPERAND = ['enrol', 'give'];

await runCommand(async () => {
  const { positionals } = parseArgs({ allowPositionals: true, options: {} });
  const [patient, name = '', operand = '', ...more] = positionals;
  const command = COMMANDS[name];
  const isWhole = WITH_OPERAND.includes(name) === (operand !== '') && more.length === 0;
  if (patient === undefined || command === undefined || !isWhole) throw new UsageError(USAGE);
  try {
    console.log(JSON.stringify(await command(clientOf(patient), keyFile(patient), operand), null, 2));
    return 0;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    console.error(`${error.message}: ${JSON.stringify(error.outcome)}`);
    return 1;
  }
});
