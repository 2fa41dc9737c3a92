/** What a patient signs of her claims, in the Parameters of the operations that take it: `statement`, a compact JWS. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { keyNow } from '@telemed-ledger/chaincode/model/patient-keys.ts';
import {
  type PatientStatement,
  type Signed,
  signedIn,
  signerOf,
} from '@telemed-ledger/chaincode/model/patient-statements.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { enteredOf } from './ring.ts';

const AT = "Parameters.parameter.where(name='statement')";

/**
 * Time and signature of a statement, as a transaction takes them; undefined where she has no key, and nothing is signed.
 * @param text as it was sent @throws {LedgerError} FORBIDDEN where she has a key that has not signed this, INVALID where she has none
 */
export async function signedBy(
  index: ReadModel,
  statement: PatientStatement,
  text: string | undefined,
): Promise<Signed | undefined> {
  const { provider, patient } = statement;
  const { ring } = await enteredOf(index, { provider, id: patient });
  const now = new Date().toISOString();
  const key = keyNow(ring, now);
  if (key === undefined && text === undefined) return undefined;
  if (key === undefined) throw new LedgerError('INVALID', 'the patient has no key in force', AT);
  const signed = text === undefined ? undefined : signedIn(text, statement);
  if (text !== undefined && signed === undefined) throw new LedgerError('INVALID', 'says something else than this', AT);
  if (signerOf(statement, signed, ring, now) === key) return signed;
  throw new LedgerError('FORBIDDEN', 'the patient has a key of her own: she signs this with it', AT);
}
