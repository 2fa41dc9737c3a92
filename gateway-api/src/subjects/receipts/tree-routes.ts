/** The ledger's tree as this member computes it, for whoever compares members. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';

const treeSchema = z
  .object({
    origin: z.string().meta({ description: 'Names the ledger: its channel, and the hash of its block 0.' }),
    size: z.int().meta({ description: 'Number of leaves: one for every envelope of every block.' }),
    root: z.string().meta({ description: 'RFC 6962, SHA-256, hex.' }),
  })
  .meta({ id: 'LedgerTree' });

export const ledgerTree = route({
  method: 'get',
  path: '/ledger-tree',
  summary: 'Size and root of the tree over everything on the channel, the same at every member.',
  query: z.object({
    size: z.coerce.number().int().min(1).optional().meta({ description: 'An earlier size; else the present one.' }),
  }),
  answers: { 200: { description: 'The tree.', schema: treeSchema } },
  async handle({ query }, { index, witness }) {
    const size = query.size ?? (await index.tree.size());
    const root = await index.tree.root(size);
    const origin = await witness.origin();
    if (root === undefined || origin === undefined)
      throw new LedgerError('NOT_FOUND', 'the tree has not grown so far here');
    return { body: { origin, size, root } };
  },
});
