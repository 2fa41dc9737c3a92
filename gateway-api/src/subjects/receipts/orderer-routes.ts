/** Who orders the channel, for whoever checks the orderers' signatures in a receipt with Fabric's evidence. */
import { z } from 'zod';
import { route } from '../../http/routes.ts';

const pem = z.string().meta({ description: 'PEM.' });

const orderersSchema = z
  .object({
    needed: z.int().meta({ description: 'How many orderers sign a block: one with Raft, a quorum with BFT.' }),
    organisations: z.array(z.object({ mspId: z.string(), authorities: z.array(pem), revocations: z.array(pem) })),
    consenters: z
      .array(z.object({ id: z.int(), mspId: z.string(), certificate: pem }))
      .meta({ description: 'By their numbers in signatures; none where the channel is not ordered by BFT.' }),
  })
  .meta({ id: 'Orderers' });

export const orderers = route({
  method: 'get',
  path: '/orderers',
  summary: "Who orders the channel, by its newest configuration as this member's peer has it.",
  answers: { 200: { description: 'The orderers.', schema: orderersSchema } },
  async handle(_, { index, orderersAt }) {
    return { body: await orderersAt(await index.tree.newestBlock()) };
  },
});
