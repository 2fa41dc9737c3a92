/** Who is in the consortium, for whoever asks one of its members for something. */
import { z } from 'zod';
import { route } from '../../http/routes.ts';

const memberSchema = z
  .object({ name: z.string(), kind: z.string(), self: z.boolean().meta({ description: 'It is the one asked here.' }) })
  .meta({ id: 'Member' });

export const members = route({
  method: 'get',
  path: '/members',
  summary: 'The members of the consortium, by name and kind.',
  answers: { 200: { description: 'Members.', schema: z.object({ members: z.array(memberSchema) }) } },
  handle: (_, { consortium, organisation }) => ({
    body: {
      members: consortium.organisations.map(({ name, kind }) => ({ name, kind, self: name === organisation.name })),
    },
  }),
});
