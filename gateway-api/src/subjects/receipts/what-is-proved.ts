/** Which value of the ledger a receipt shows: of a version of a resource, and of what came of an access. */
import { CORRECTION_STEPS, restrictionHandle } from '@telemed-ledger/chaincode/model/corrections.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { ACCESS_STEPS, type AccessState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { Services } from '../services.ts';
import { type Form, proofOf, type Shown } from './proofs.ts';

/** A receipt of a value, from the transaction that wrote it first. */
async function receiptOf(services: Services, shown: Shown, form: Form): Promise<Buffer | undefined> {
  const transactionId = await services.index.evidence.writtenBy(shown.collection, shown.key);
  return transactionId === undefined ? undefined : proofOf(services, transactionId, { shown, ...form });
}

/** Of one version, for whoever may read it; undefined where no transaction wrote it, or it is a copy. @throws as proofOf */
export async function versionReceipt(
  services: Services,
  { type, id, version }: { type: string; id: string; version: number },
  form: Form = { as: 'tlog-proof' },
): Promise<Buffer | undefined> {
  const { evidence } = services.index;
  const row = await evidence.rowOf(type, id, version);
  // Of a copy the holder and the custodian have the original.
  if (row === undefined || row.source !== null) return undefined;
  const { collection, key, value } = row;
  if (row.leaf === null) return receiptOf(services, { collection, key, value }, form);
  const { sheet, tree, text, index: place, path } = await evidence.ofRecord(row);
  const record = { text, index: place, path: [...path] };
  return receiptOf(services, { collection, key: privateKeys.sheet(sheet), value: tree, record }, form);
}

/** Of the last step of an access; undefined where nothing of it is here. @throws as proofOf */
export async function decisionReceipt(
  services: Services,
  { id, requestor, holder }: Pick<AccessState, 'id' | 'requestor' | 'holder'>,
  form: Form = { as: 'tlog-proof' },
): Promise<Buffer | undefined> {
  for (const step of Object.values(ACCESS_STEPS).toReversed()) {
    for (const collection of [collections.inbox(requestor), collections.care(holder)]) {
      const key = privateKeys.access(id, step);
      const value = await services.index.evidence.text(collection, key);
      if (value !== undefined) return receiptOf(services, { collection, key, value }, form);
    }
  }
  return undefined;
}

/** Of a correction: the holder's answer, or what was asked where there is none yet. @throws as proofOf */
export async function correctionReceipt(
  services: Services,
  { asked, answered }: { asked: { id: string; provider: string }; answered?: object },
  form: Form,
): Promise<Buffer | undefined> {
  const step = answered === undefined ? CORRECTION_STEPS.asked : CORRECTION_STEPS.answered;
  return valueReceipt(services, collections.care(asked.provider), privateKeys.correction(asked.id, step), form);
}

/** Of the mark that restricts a record, or lifts that. @throws as proofOf */
export const restrictionReceipt = (
  services: Services,
  { provider, record, n }: { provider: string; record: string; n: number },
  form: Form,
): Promise<Buffer | undefined> =>
  valueReceipt(services, collections.marks, privateKeys.restricted(restrictionHandle(provider, record), n), form);

async function valueReceipt(
  services: Services,
  collection: string,
  key: string,
  form: Form,
): Promise<Buffer | undefined> {
  const value = await services.index.evidence.text(collection, key);
  return value === undefined ? undefined : receiptOf(services, { collection, key, value }, form);
}

/** Of an anchor of a log of reads, by the transaction that wrote its mark. @throws as proofOf */
export function anchorReceipt(
  services: Services,
  { organisation, n, text, transactionId }: { organisation: string; n: number; text: string; transactionId: string },
): Promise<Buffer> {
  const shown = { collection: collections.marks, key: privateKeys.log(organisation, n), value: text };
  return proofOf(services, transactionId, { shown, as: 'tlog-proof' });
}
