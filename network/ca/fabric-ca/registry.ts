/**
 * Fabric CA's REST interface, for what `fabric-ca-client` cannot do: give an identity a new secret without showing it to
 * every user of the machine in an argument, and tell whether the server answers.
 * https://github.com/hyperledger/fabric-ca/blob/main/swagger/swagger-fabric-ca.json
 */
import { createPrivateKey, sign } from 'node:crypto';
import { existsSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { lowSDer } from '@telemed-ledger/formats/der/signature.ts';
import pRetry from 'p-retry';
import type { KeyPair } from '../authority.ts';
import { together } from '../together.ts';
import { FabricCaError } from './client.ts';
import { FABRIC_CA_FILE, type FabricCaReach, readReach } from './reach.ts';

export interface Registration {
  name: string;
  type: string;
  secret: string;
  attributes: { name: string; value: string; ecert: boolean }[];
}

const TIMEOUT_MS = 30_000;

/** Gives an identity that is registered a new secret, good for one more enrolment. @throws FabricCaError */
export async function renew(
  reach: FabricCaReach,
  caName: string,
  identity: KeyPair,
  { name, type, secret, attributes }: Registration,
): Promise<void> {
  const path = `/api/v1/identities/${encodeURIComponent(name)}?ca=${encodeURIComponent(caName)}`;
  const doing = `renew the registration of ${name}`;
  const known = (await call(reach, doing, { method: 'GET', path, identity })) as { max_enrollments?: number };
  const body = { type, attrs: attributes, secret, max_enrollments: Math.max(known.max_enrollments ?? 0, 0) + 1 };
  await call(reach, doing, { method: 'PUT', path, identity, body: JSON.stringify(body) });
}

/**
 * Waits until every organisation's Fabric CA answers; organisations with a development authority are ready as they are.
 * @throws FabricCaError naming one that does not within `timeoutMs`.
 */
export async function untilAuthoritiesAnswer(
  dataDir: string,
  consortium: ConsortiumDefinition,
  timeoutMs: number,
): Promise<void> {
  const directories = consortium.organisations.map(({ name }) => join(dataDir, 'organisations', name, 'ca'));
  const running = directories.filter((directory) => existsSync(join(directory, FABRIC_CA_FILE)));
  await together(running.map(async (directory) => untilAnswers(await readReach(directory), timeoutMs)));
}

const POLL_MS = 200;

async function untilAnswers(reach: FabricCaReach, timeoutMs: number): Promise<void> {
  const ask = () => call(reach, 'be asked', { method: 'GET', path: `/cainfo?ca=${reach.caName}` });
  const pace = { retries: Number.POSITIVE_INFINITY, minTimeout: POLL_MS, factor: 1 };
  await pRetry(ask, { ...pace, maxRetryTime: timeoutMs });
}

interface Call {
  method: 'GET' | 'PUT' | 'POST';
  path: string;
  body?: string;
  /** Who commands it. */
  identity?: KeyPair;
}

interface Answer {
  success: boolean;
  result: unknown;
  errors?: { code: number; message: string }[];
}

/** One call of the REST interface; answers its result. @throws FabricCaError */
export function call(
  reach: FabricCaReach,
  doing: string,
  { method, path, body = '', identity }: Call,
): Promise<unknown> {
  const failure = (reason: string, code?: number) => new FabricCaError(reach, doing, reason, code);
  const headers = identity === undefined ? {} : { authorization: token(identity, method, path, body) };
  return new Promise((resolve, reject) => {
    const options = { method, headers, ca: reach.tlsCaCertificate, agent: false, timeout: TIMEOUT_MS } as const;
    const sent = request(new URL(path, reach.url), options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => reject(failure(error.message)));
      response.on('end', () => {
        const answer = parsed(Buffer.concat(chunks).toString());
        if (answer?.success) return resolve(answer.result);
        const [error] = answer?.errors ?? [];
        if (error === undefined) return reject(failure(`it answered with status ${response.statusCode}`));
        reject(failure(`${error.message} (error ${error.code})`, error.code));
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    sent.on('error', (error: NodeJS.ErrnoException) =>
      reject(failure(error.message || (error.code ?? 'no connection'))),
    );
    sent.end(body);
  });
}

function parsed(text: string): Answer | undefined {
  try {
    return JSON.parse(text) as Answer;
  } catch {
    return undefined;
  }
}

/** Certificate and signature over the call, as Fabric CA wants it in `authorization`. */
function token({ certificate, privateKey }: KeyPair, method: string, path: string, body: string): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const signed = [method, base64(path), base64(body), base64(certificate)].join('.');
  const key = { key: createPrivateKey(privateKey), dsaEncoding: 'ieee-p1363' } as const;
  const signature = lowSDer(sign('sha256', Buffer.from(signed), key));
  return `${base64(certificate)}.${signature.toString('base64')}`;
}
