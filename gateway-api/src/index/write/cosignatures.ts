/**
 * What members have signed of the ledger's tree, as the blocks say it. A witness's key counts where the certificate that
 * sent the transaction vouches for it; whether a signature fits is looked at when it is used.
 */
import { X509Certificate } from 'node:crypto';
import { sha256Hex } from '@telemed-ledger/chaincode/model/canonical.ts';
import { events } from '@telemed-ledger/chaincode/model/events.ts';
import { type Cosigned, cosignedSchema } from '@telemed-ledger/chaincode/model/witness-transactions.ts';
import type { Kysely } from 'kysely';
import type { ParsedTransaction } from '../../ledger/block.ts';
import type { IndexTables } from '../schema.ts';
import type { CosignaturesTable, WitnessesTable } from '../tree-tables.ts';
import type { Inserts } from './inserts.ts';
import { objectIn } from './json.ts';

export async function writeCosignatures(
  db: Kysely<IndexTables>,
  transactions: readonly ParsedTransaction[],
  inserts: Pick<Inserts, 'cosignatures' | 'witnesses'>,
): Promise<void> {
  const cosignatures: CosignaturesTable[] = [];
  const witnesses: WitnessesTable[] = [];
  for (const { event, creator: msp_id, transactionId: transaction_id, identity } of transactions) {
    if (event?.name !== events.CheckpointCosigned) continue;
    const { success, data } = cosignedSchema.safeParse(objectIn(event.payload));
    if (!success) continue;
    const { size, root, time, publicKey: public_key, signature, cose = null, vouched } = data;
    cosignatures.push({ size, msp_id, root, time, public_key, signature, cose, transaction_id });
    if (vouched !== undefined && isSender(vouched, identity))
      witnesses.push({ msp_id, public_key, ...vouched, transaction_id });
  }
  await inserts.cosignatures.into(db, cosignatures);
  await inserts.witnesses.into(db, witnesses);
}

/** Whether the certificate is the one that Fabric's peers have found to be the member's. */
function isSender({ certificate }: NonNullable<Cosigned['vouched']>, identity: string | undefined): boolean {
  try {
    return sha256Hex(Buffer.from(certificate, 'base64')) === sha256Hex(new X509Certificate(identity ?? '').raw);
  } catch {
    return false;
  }
}
