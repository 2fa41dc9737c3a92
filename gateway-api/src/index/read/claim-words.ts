/**
 * Whose word counts about a claim: that of the payer it was submitted to. Another payer can write about any claim into its own
 * collection and, with anybody, into the copies' of a provider or a bank; that is its own word, and nobody's answer.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { parsePrivateKey } from '@telemed-ledger/chaincode/model/keys.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { StatesTable } from '../schema.ts';
import { kindOf } from '../write/kinds.ts';
import { readObject } from '../write/values.ts';
import type { VersionRow } from './stored.ts';

/** Kinds of keys under which it stands what became of a claim, and what of several by one payment. */
const ANSWERS = new Set(['authorization', 'response', 'claim-task', 'offset', 'payment', 'settlement', 'remittance']);
const REMITTED = new Set(['remitted', 'remitted-notice']);

export class ClaimWords {
  readonly #consortium: Consortium;
  readonly #stateOf: (claim: string) => Promise<StatesTable | undefined>;

  constructor(consortium: Consortium, stateOf: (claim: string) => Promise<StatesTable | undefined>) {
    this.#consortium = consortium;
    this.#stateOf = stateOf;
  }

  /** Whether a row is no answer to a claim, or its payer's. */
  async isTold({ key, value }: Pick<VersionRow, 'key' | 'value'>): Promise<boolean> {
    const { kind, segments } = parsePrivateKey(key);
    const [claim] = segments;
    if (claim === undefined || !(ANSWERS.has(kind) || REMITTED.has(kind))) return true;
    const content = readObject(value);
    const named = kindOf(key)?.payer?.(content, this.#consortium, segments);
    const claims = ANSWERS.has(kind) ? [claim] : claimsIn(content);
    for (const one of claims) {
      const state = await this.#stateOf(one);
      if (state === undefined || named !== (JSON.parse(state.value) as ClaimState).payer) return false;
    }
    return true;
  }

  /** The same rows. @throws {LedgerError} NOT_FOUND where one is another's word */
  async demand<Row extends Pick<VersionRow, 'key' | 'value'>>(rows: readonly Row[]): Promise<readonly Row[]> {
    for (const row of rows)
      if (!(await this.isTold(row)))
        throw new LedgerError('NOT_FOUND', 'what is here of that claim is not from its payer');
    return rows;
  }
}

/** The claims that a remittance, or the notice of one claim's payment, names. */
function claimsIn({ resource }: Readonly<Record<string, unknown>>): string[] {
  type Named = { request?: { reference?: string } };
  const { detail = [], ...notice } = resource as Named & { detail?: Named[] };
  return [notice, ...detail].flatMap(({ request }) => request?.reference?.replace(/^Claim\//, '') ?? []);
}
