/** Applications and launches over HTTP: an operator registers who may ask for tokens, an EHR begins the launch of an app. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { z } from 'zod';
import { route } from '../http/routes.ts';
import type { Services } from '../subjects/services.ts';
import { type Client, newClientSchema } from './clients.ts';
import type { AuthorizationServer } from './server.ts';

const clientSchema = z.looseObject({ id: z.string(), name: z.string(), since: z.string() }).meta({ id: 'Client' });
const ID = /^[A-Za-z0-9.-]{1,64}$/;
const id = z.string().regex(ID);

/** @throws {LedgerError} NOT_FOUND where an identity provider makes this organisation's tokens */
function serverOf({ authorization }: Services): AuthorizationServer {
  if (authorization === undefined)
    throw new LedgerError('NOT_FOUND', 'clients are registered with the identity provider of this organisation');
  return authorization;
}

const shown = ({ secretHash: _, ...client }: Client): object => client;

export const registerClient = route({
  method: 'post',
  path: '/clients',
  summary: 'Registers an application (redirectUris) or a backend service (jwks and a role) that may ask for tokens.',
  roles: ['operator'],
  body: newClientSchema,
  answers: {
    201: {
      description: 'With its id, and its secret where it has one: nobody is told it again.',
      schema: clientSchema,
    },
  },
  handle({ body }, services) {
    try {
      const { client, secret } = serverOf(services).clients.add(body);
      return { status: 201, body: { ...shown(client), ...(secret === undefined ? {} : { secret }) } };
    } catch (error) {
      if (error instanceof LedgerError) throw error;
      throw new LedgerError('INVALID', (error as Error).message, 'role');
    }
  },
});

export const listClients = route({
  method: 'get',
  path: '/clients',
  summary: 'The applications and backend services that may ask for tokens.',
  roles: ['operator'],
  answers: { 200: { description: 'Without secrets.', schema: z.strictObject({ clients: z.array(clientSchema) }) } },
  handle: (_request, services) => ({ body: { clients: serverOf(services).clients.all().map(shown) } }),
});

export const removeClient = route({
  method: 'post',
  path: '/clients/:id/remove',
  summary: 'Ends a registration: it is given no token any more, and those that it has end within minutes.',
  roles: ['operator'],
  parameters: z.object({ id: id.meta({ description: 'Id of the client.' }) }),
  body: z.strictObject({}),
  answers: { 200: { description: 'It is gone.', schema: z.strictObject({ id: z.string() }) } },
  handle({ parameters: { id } }, services) {
    if (!serverOf(services).clients.remove(id)) throw new LedgerError('NOT_FOUND', 'there is no such client');
    return { body: { id } };
  },
});

export const beginLaunch = route({
  method: 'post',
  path: '/launches',
  summary: 'Begins the launch of an app from an EHR: `launch` and `iss` go into its launch URL, for five minutes.',
  roles: ['practitioner', 'system'],
  body: z.strictObject({ patient: id, encounter: id.optional() }).meta({ id: 'LaunchContext' }),
  answers: {
    201: { description: 'For the launch URL.', schema: z.strictObject({ launch: z.string(), iss: z.string() }) },
  },
  handle({ body: { patient, encounter } }, services) {
    const server = serverOf(services);
    const launch = server.launches.begin({ patient, ...(encounter === undefined ? {} : { encounter }) });
    return { status: 201, body: { launch, iss: server.fhirBase } };
  },
});
