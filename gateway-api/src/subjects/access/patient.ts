/**
 * Whom an access is about. Once it is decided, the Patient that it was decided on; before, whoever bore the identifier of the
 * request when that came onto the ledger. Who bears it by now says nothing: identifiers are changed.
 */
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { rootOf } from '@telemed-ledger/chaincode/model/renewals.ts';
import {
  type AccessRequest,
  type AccessState,
  accessRequestSchema,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import type { ReadModel } from '../../index/read/queries.ts';

/** A request as this organisation holds it, with its place in the order of the ledger. */
export interface Asked {
  request: AccessRequest;
  sequence: number;
}

/** What an access began with; undefined where the requestor's inbox is not this organisation's, or it has not arrived. */
export async function askedBy(state: AccessState, index: ReadModel): Promise<Asked | undefined> {
  const row = await index.privateValue(collections.inbox(state.requestor), privateKeys.request(rootOf(state)));
  const { data: request } = accessRequestSchema.safeParse(row && JSON.parse(row.value));
  return row === undefined || request === undefined ? undefined : { request, sequence: row.sequence };
}

/** Id of the holder's Patient that is meant; undefined where nobody is known to be. */
export async function patientMeant(
  { holder, patient, because }: Pick<AccessState, 'holder' | 'patient' | 'because'>,
  asked: Asked | undefined,
  index: ReadModel,
): Promise<string | undefined> {
  const decidedOn = patient ?? because?.patient;
  if (decidedOn !== undefined || asked === undefined) return decidedOn;
  return index.evidence.bearerAt(collections.care(holder), asked.request.patient, asked.sequence);
}

/**
 * The patient whose records may be shown on a request: who is meant, while the holder's record of her bears the identifier of
 * the request. What goes on from a decision is hers whatever identifiers she has.
 */
export async function patientShown(state: AccessState, index: ReadModel): Promise<string | undefined> {
  const asked = await askedBy(state, index);
  const meant = await patientMeant(state, asked, index);
  if (state.patient !== undefined || meant === undefined || asked === undefined) return meant;
  const bearers = await index.findByIdentifier([{ type: 'Patient', ...asked.request.patient }]);
  return bearers.flat().includes(meant) ? meant : undefined;
}
