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

/** Kinds of keys under which it stands what became of a claim. */
const ANSWERS = new Set(['response', 'payment', 'settlement', 'remittance']);

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
    if (!ANSWERS.has(kind) || claim === undefined) return true;
    const state = await this.#stateOf(claim);
    if (state === undefined) return false;
    const named = kindOf(key)?.payer?.(readObject(value), this.#consortium, segments);
    return named === (JSON.parse(state.value) as ClaimState).payer;
  }

  /** The same rows. @throws {LedgerError} NOT_FOUND where one is another's word */
  async demand<Row extends Pick<VersionRow, 'key' | 'value'>>(rows: readonly Row[]): Promise<readonly Row[]> {
    for (const row of rows)
      if (!(await this.isTold(row)))
        throw new LedgerError('NOT_FOUND', 'what is here of that claim is not from its payer');
    return rows;
  }
}
