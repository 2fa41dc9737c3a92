/** Receipts that travel, as C2SP tlog-proofs or COSE receipts: of transactions, and of what they wrote for those who may read it. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { z } from 'zod';
import { compartmentOf } from '../../auth/entitlement.ts';
import { type Route, type RouteAnswer, route } from '../../http/routes.ts';
import { foundAccess } from '../reads/noting.ts';
import { Records } from '../records/records.ts';
import { formOf, formSchema } from './forms.ts';
import { type Encoding, proofOf } from './proofs.ts';
import { decisionReceipt, versionReceipt } from './what-is-proved.ts';

/** Of a route that gives receipts. */
export const PROOF_ANSWERS: Record<Encoding, Route['answers']> = {
  'tlog-proof': {
    200: { description: 'A C2SP tlog-proof; docs/receipts.md says how it is checked.', schema: z.string() },
  },
  'cose-receipt': {
    200: { description: 'COSE receipts (RFC 9942) of the members on an entry of the tree, CBOR.', schema: z.string() },
  },
};
const TYPES: Record<Encoding, string> = {
  'tlog-proof': 'text/plain; charset=utf-8',
  'cose-receipt': 'application/scitt-statement+cose',
};

export const asProof = (body: Buffer, as: Encoding): RouteAnswer => ({ body, headers: { 'Content-Type': TYPES[as] } });
const none = () => new LedgerError('NOT_FOUND', 'there is nothing here to give a receipt of');
export const ENCODINGS = Object.keys(TYPES) as Encoding[];

const transactionProof = (as: Encoding): Route =>
  route({
    method: 'get',
    path: `/receipts/:transactionId/${as}`,
    summary: 'Proof that a transaction was committed, signed by the members: of hashes alone.',
    parameters: z.object({ transactionId: z.string() }),
    query: formSchema,
    answers: PROOF_ANSWERS[as],
    async handle({ caller, parameters, query }, services) {
      const form = formOf(caller, query, { as, isContent: false });
      return asProof(await proofOf(services, parameters.transactionId, form), as);
    },
  });

const resourceProof = (as: Encoding): Route =>
  route({
    method: 'get',
    path: `/resource-receipts/:type/:id/:version/${as}`,
    summary: 'Proof of one version of a record, consent, claim or payment, with its content, for who may read it.',
    parameters: z.object({ type: z.string(), id: z.string(), version: z.coerce.number().int().min(1) }),
    query: formSchema,
    answers: PROOF_ANSWERS[as],
    async handle({ caller, parameters: { type, id, version }, query }, services) {
      const form = formOf(caller, query, { as, isContent: true });
      const found = await new Records(services, {}).readVersion(caller, type, id, version);
      const receipt = found && (await versionReceipt(services, { type, id, version }, form));
      if (receipt === undefined) throw none();
      return asProof(receipt, as);
    },
  });

const decisionProof = (as: Encoding): Route =>
  route({
    method: 'get',
    path: `/access-requests/:id/${as}`,
    summary: 'Proof of what came of an access request, as its last step says it.',
    parameters: z.object({ id: z.string() }),
    query: formSchema,
    answers: PROOF_ANSWERS[as],
    async handle({ caller, parameters: { id }, query }, services) {
      const form = formOf(caller, query, { as, isContent: true });
      const found = await foundAccess(caller, 'access', id, compartmentOf(caller), services);
      const receipt = found && (await decisionReceipt(services, found.state, form));
      if (receipt === undefined) throw none();
      return asProof(receipt, as);
    },
  });

export const proofs: readonly Route[] = ENCODINGS.flatMap((as) => [
  transactionProof(as),
  resourceProof(as),
  decisionProof(as),
]);

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
