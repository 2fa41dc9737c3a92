/** Receipts that travel: C2SP tlog-proofs of transactions, and of what they wrote for those who may read it. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { ACCESS_STEPS } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { type RouteAnswer, route } from '../../http/routes.ts';
import { foundAccess } from '../reads/noting.ts';
import { Records } from '../records/records.ts';
import type { Services } from '../services.ts';
import { proofOf, type Shown } from './proofs.ts';

const answers = {
  200: { description: 'A C2SP tlog-proof; docs/receipts.md says how it is checked.', schema: z.string() },
};

const asProof = (body: string): RouteAnswer => ({ body, headers: { 'Content-Type': 'text/plain; charset=utf-8' } });
const none = () => new LedgerError('NOT_FOUND', 'there is nothing here to give a receipt of');

/** A receipt of a value, from the transaction that wrote it first. */
async function receiptOf(services: Services, shown: Shown): Promise<RouteAnswer> {
  const transactionId = await services.index.evidence.writtenBy(shown.collection, shown.key);
  if (transactionId === undefined) throw none();
  return asProof(await proofOf(services, transactionId, shown));
}

export const transactionProof = route({
  method: 'get',
  path: '/receipts/:transactionId/tlog-proof',
  summary: 'Proof that a transaction was committed, signed by the members: of hashes alone.',
  parameters: z.object({ transactionId: z.string() }),
  answers,
  async handle({ parameters }, services) {
    return asProof(await proofOf(services, parameters.transactionId));
  },
});

export const resourceProof = route({
  method: 'get',
  path: '/resource-receipts/:type/:id/:version/tlog-proof',
  summary: 'Proof of one version of a record, consent, claim or payment, with its content, for who may read it.',
  parameters: z.object({ type: z.string(), id: z.string(), version: z.coerce.number().int().min(1) }),
  answers,
  async handle({ caller, parameters: { type, id, version } }, services) {
    const { index } = services;
    const found = await new Records(services, {}).readVersion(caller, type, id, version);
    const row = found && (await index.evidence.rowOf(type, id, version));
    // Of a copy the holder and the custodian have the original.
    if (row === undefined || row.source !== null) throw none();
    const { collection, key, value } = row;
    if (row.leaf === null) return receiptOf(services, { collection, key, value });
    const { sheet, tree, text, index: place, path } = await index.evidence.ofRecord(row);
    const record = { text, index: place, path: [...path] };
    return receiptOf(services, { collection, key: privateKeys.sheet(sheet), value: tree, record });
  },
});

export const decisionProof = route({
  method: 'get',
  path: '/access-requests/:id/tlog-proof',
  summary: 'Proof of what came of an access request, as its last step says it.',
  parameters: z.object({ id: z.string() }),
  answers,
  async handle({ caller, parameters: { id } }, services) {
    const found = await foundAccess(caller, 'access', id, compartmentOf(caller), services);
    if (found === undefined) throw none();
    const { requestor, holder } = found.state;
    for (const step of Object.values(ACCESS_STEPS).toReversed()) {
      for (const collection of [collections.inbox(requestor), collections.care(holder)]) {
        const key = privateKeys.access(id, step);
        const value = await services.index.evidence.text(collection, key);
        if (value !== undefined) return receiptOf(services, { collection, key, value });
      }
    }
    throw none();
  },
});

const witnessSchema = z
  .object({
    mspId: z.string(),
    size: z.int(),
    time: z.iso.datetime(),
    agrees: z.boolean().meta({ description: 'Whether it has signed the tree that this member has.' }),
  })
  .meta({ id: 'WitnessView' });

export const witnesses = route({
  method: 'get',
  path: '/witnesses',
  summary: 'What the members have signed of the tree lately, and who has signed another than this member has.',
  answers: { 200: { description: 'The newest first.', schema: z.object({ witnesses: z.array(witnessSchema) }) } },
  async handle(_request, { index }) {
    const shown = [];
    for (const { msp_id: mspId, size, root, time } of await index.cosignatures.newest(100)) {
      const own = await index.tree.root(size);
      if (own === undefined) continue;
      shown.push({ mspId, size, time: new Date(time * 1000).toISOString(), agrees: own === root });
    }
    return { body: { witnesses: shown } };
  },
});
