/**
 * The applications that an organisation lets ask its users, or its gateway, for tokens: in one file beside the issuer's keys, written by the
 * API or by `npm run client`, read anew when it has changed.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Kind, Role } from '@telemed-ledger/consortium/members.ts';
import { ROLES, ROLES_OF_KIND } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { grantOf } from '../auth/grants.ts';

const FILE = 'clients.json';
const MOST = 1_000;

/** https, or this machine: what is sent there are codes that become tokens. */
const isSafe = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, hash } = new URL(text);
  return (
    hash === '' &&
    (protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname)))
  );
};
const url = z.string().max(2_000).refine(isSafe, 'must be https, or http on this machine, without a fragment');
/** A client's public keys: a private one here has been given away. */
const key = z
  .looseObject({ kty: z.enum(['RSA', 'EC']), kid: z.string().min(1).max(200) })
  .refine((one) => !('d' in one), 'is a private key: register the public one');
const scope = z
  .string()
  .max(4_000)
  .refine(
    (text) => text.split(' ').every((one) => grantOf(one) !== undefined || LAUNCHING.has(one)),
    'has what is no scope here',
  );

export const LAUNCHING: ReadonlySet<string> = new Set([
  ...['openid', 'fhirUser', 'profile', 'offline_access', 'online_access'],
  ...['launch', 'launch/patient', 'launch/encounter'],
]);

export const newClientSchema = z
  .strictObject({
    name: z.string().min(1).max(200).meta({ description: 'Shown to whoever lets it in.' }),
    redirectUris: z
      .array(url)
      .min(1)
      .max(20)
      .optional()
      .meta({ description: 'Of an app: where codes are sent, as they stand.' }),
    confidential: z.boolean().optional().meta({ description: 'An app that keeps a secret: it is answered once.' }),
    jwks: z
      .strictObject({ keys: z.array(key).min(1).max(20) })
      .optional()
      .meta({ description: 'Its public keys (RS384, ES384).' }),
    jwksUri: url.optional().meta({ description: 'Where its public keys are, instead.' }),
    role: z.enum(ROLES).optional().meta({ description: 'Of a backend service, which has no user: as what it calls.' }),
    scope: scope
      .optional()
      .meta({ description: 'The most it is granted; anything its user or role may where it is left out.' }),
  })
  .refine(({ redirectUris, role }) => (redirectUris === undefined) !== (role === undefined), {
    message: 'is either an app with redirectUris or a backend service with a role',
  })
  .refine(({ role, jwks, jwksUri }) => role === undefined || (jwks === undefined) !== (jwksUri === undefined), {
    message: 'a backend service has either jwks or jwksUri',
  })
  .refine(({ role, scope }) => role === undefined || scope !== undefined, {
    message: 'a backend service states its scope',
    path: ['scope'],
  })
  .meta({ id: 'NewClient' });
export type NewClient = z.infer<typeof newClientSchema>;

/** As it is kept: a secret by its hash alone. */
export interface Client extends NewClient {
  id: string;
  secretHash?: string;
  /** ISO 8601 UTC. */
  since: string;
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export class Clients {
  readonly #file: string;
  readonly #kind: Kind;
  readonly #own: () => readonly Client[];
  #known: { stamp: string; clients: readonly Client[] } | undefined;

  /**
   * @param directory of the organisation's issuer
   * @param own those that are known without having been registered
   */
  constructor(directory: string, kind: Kind, own: () => readonly Client[] = () => []) {
    this.#own = own;
    this.#file = join(directory, FILE);
    this.#kind = kind;
  }

  all(): readonly Client[] {
    const stat = statSync(this.#file, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    const { mtimeMs, size, ino } = stat;
    const stamp = `${mtimeMs} ${size} ${ino}`;
    if (this.#known?.stamp !== stamp)
      this.#known = { stamp, clients: JSON.parse(readFileSync(this.#file, 'utf8')) as Client[] };
    return this.#known.clients;
  }

  find(id: string): Client | undefined {
    return [...this.#own(), ...this.all()].find((one) => one.id === id);
  }

  /** Origins of the pages that apps run on. */
  origins(): ReadonlySet<string> {
    return new Set(
      [...this.#own(), ...this.all()].flatMap(({ redirectUris = [] }) =>
        redirectUris.map((one) => new URL(one).origin),
      ),
    );
  }

  /**
   * Registers one. @returns it, with its secret where it has one: nobody is told it again
   * @throws Error for a role that this kind of organisation has not, or where there are too many
   */
  add(wanted: NewClient): { client: Client; secret?: string } {
    const { role } = wanted;
    if (role !== undefined && !ROLES_OF_KIND[this.#kind].includes(role as Role))
      throw new Error(`a ${this.#kind} organisation has no callers in the role ${role}`);
    if (this.all().length >= MOST) throw new Error(`there are ${MOST} clients already`);
    const secret =
      wanted.confidential === true && wanted.jwks === undefined && wanted.jwksUri === undefined
        ? randomBytes(32).toString('base64url')
        : undefined;
    const client: Client = {
      ...{ id: randomUUID(), ...wanted, since: new Date().toISOString() },
      ...(secret === undefined ? {} : { secretHash: hashOf(secret) }),
    };
    this.#write([...this.all(), client]);
    return { client, ...(secret === undefined ? {} : { secret }) };
  }

  /** Whether there was such a client; it is given no token any more. */
  remove(id: string): boolean {
    const left = this.all().filter((one) => one.id !== id);
    if (left.length === this.all().length) return false;
    this.#write(left);
    return true;
  }

  #write(clients: readonly Client[]): void {
    const aside = `${this.#file}.${process.pid}`;
    writeFileSync(aside, JSON.stringify(clients, undefined, 1), { mode: 0o600 });
    renameSync(aside, this.#file);
  }
}
