/**
 * `npm run client -- add hospital --name "Growth chart" --redirect https://app.example/callback`: registers an application or a backend
 * service with an organisation's development issuer; `list`, `remove`, and `code`, which whoever signs in there must know.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Clients, newClientSchema } from '@telemed-ledger/gateway-api/oauth/clients.ts';
import { signInCode } from '@telemed-ledger/gateway-api/oauth/server.ts';
import { dataDirectory, issuerDirectory, organisations, runCommand, UsageError } from './command-line.ts';

const USAGE = `usage: npm run -s client -- COMMAND ORGANISATION
  add ORGANISATION --name NAME --redirect URL… [--confidential | --jwks FILE | --jwks-uri URL] [--scope SCOPES]
                                        an application, which has users
  add ORGANISATION --name NAME --role ROLE --scope SCOPES (--jwks FILE | --jwks-uri URL)
                                        a backend service, which has none
  list ORGANISATION
  remove ORGANISATION ID
  code ORGANISATION                     what whoever signs in at its gateway must know`;

const text = { type: 'string' } as const;
const options = {
  name: text,
  redirect: { type: 'string', multiple: true },
  confidential: { type: 'boolean' },
  jwks: text,
  'jwks-uri': text,
  role: text,
  scope: text,
} as const;

await runCommand(async () => {
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const [command, name, id] = positionals;
  const organisation = organisations().find((one) => one.name === name);
  if (organisation === undefined) throw new UsageError(USAGE);
  const directory = issuerDirectory(dataDirectory(), organisation.name);
  const clients = new Clients(directory, organisation.kind);
  if (command === 'code') console.log(signInCode(directory));
  else if (command === 'list')
    console.log(
      JSON.stringify(
        clients.all().map(({ secretHash: _, ...one }) => one),
        undefined,
        2,
      ),
    );
  else if (command === 'remove' && id !== undefined) {
    if (!clients.remove(id)) throw new UsageError(`There is no client ${id}.`);
  } else if (command === 'add') console.log(JSON.stringify(added(clients, values), undefined, 2));
  else throw new UsageError(USAGE);
  return 0;
});

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

function added(clients: Clients, { name, redirect, confidential, jwks, role, scope, ...more }: Values): object {
  const jwksUri = more['jwks-uri'];
  const asked = newClientSchema.safeParse({
    ...{ name, redirectUris: redirect, confidential, jwksUri, role, scope },
    ...(jwks === undefined ? {} : { jwks: JSON.parse(readFileSync(jwks, 'utf8')) }),
  });
  if (!asked.success)
    throw new UsageError(asked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'));
  const { client, secret } = clients.add(asked.data);
  return { id: client.id, ...(secret === undefined ? {} : { secret }) };
}
