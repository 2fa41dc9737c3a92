/** The environment of a chaincode that runs by itself, in a container, for one organisation. */
import { existsSync, readFileSync } from 'node:fs';
import { consortiumSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import type { ServeOptions } from './server.ts';

export const EXPECTED = `The chaincode expects in its environment:
  CHAINCODE_SERVER_ADDRESS   host:port to listen on
  CHAINCODE_ID               package id of the chaincode, label:hash
  CHAINCODE_ID_FILE          path of a file that holds it, instead
  CHAINCODE_CONSORTIUM       path of the consortium's description, JSON
  CHAINCODE_TAKES_OVER       waits, loaded, until nobody else listens there (optional)
  CHAINCODE_TLS_KEY          path of a PEM key (optional, with CHAINCODE_TLS_CERT)
  CHAINCODE_TLS_CERT         path of a PEM certificate
  CHAINCODE_TLS_CLIENT_CA    path of the PEM certificates that peers must be of (optional)`;

/** A path, read. */
const file = z.string().transform((path, ctx) => {
  try {
    return readFileSync(path);
  } catch {
    ctx.addIssue({ code: 'custom', message: 'cannot be read' });
    return z.NEVER;
  }
});

const consortiumFile = file.transform((bytes, ctx) => {
  try {
    return consortiumSchema.parse(JSON.parse(bytes.toString()));
  } catch {
    ctx.addIssue({ code: 'custom', message: 'is no description of a consortium' });
    return z.NEVER;
  }
});

const environmentSchema = z
  .object({
    CHAINCODE_SERVER_ADDRESS: z.string().regex(/:\d+$/, 'is no host:port'),
    CHAINCODE_ID: z.string().min(1),
    CHAINCODE_ID_FILE: file.optional(),
    CHAINCODE_CONSORTIUM: consortiumFile,
    CHAINCODE_TLS_KEY: file.optional(),
    CHAINCODE_TLS_CERT: file.optional(),
    CHAINCODE_TLS_CLIENT_CA: file.optional(),
  })
  .refine((read) => (read.CHAINCODE_TLS_KEY === undefined) === (read.CHAINCODE_TLS_CERT === undefined), {
    message: 'needs CHAINCODE_TLS_CERT, and the other way round',
    path: ['CHAINCODE_TLS_KEY'],
  });

/** @throws Error with every mistake, and what is expected, in its message */
export function readConfig(environment: NodeJS.ProcessEnv): ServeOptions {
  const parsed = environmentSchema.safeParse({ CHAINCODE_ID: idIn(environment['CHAINCODE_ID_FILE']), ...environment });
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
    throw new Error([...mistakes, EXPECTED].join('\n'));
  }
  const read = parsed.data;
  const options = {
    address: read.CHAINCODE_SERVER_ADDRESS,
    ccid: read.CHAINCODE_ID,
    consortium: read.CHAINCODE_CONSORTIUM,
  };
  if (read.CHAINCODE_TLS_KEY === undefined || read.CHAINCODE_TLS_CERT === undefined) return options;
  const tls = { key: read.CHAINCODE_TLS_KEY, certificate: read.CHAINCODE_TLS_CERT };
  const clients = read.CHAINCODE_TLS_CLIENT_CA;
  return { ...options, tls: clients === undefined ? tls : { ...tls, clientCertificates: clients } };
}

function idIn(path: string | undefined): string | undefined {
  return path === undefined || !existsSync(path) ? undefined : readFileSync(path, 'utf8').trim();
}
