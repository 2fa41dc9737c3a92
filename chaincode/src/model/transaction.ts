/** What a transaction of the ledger is: a row of the table in transactions.ts, and what several rows are made of. */
import type { Endorsers } from '@telemed-ledger/consortium/endorsers.ts';
import type { Consortium, Kind, Role } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { instantSchema } from './texts.ts';

/** A generation or version that the caller knows of; the contract goes on from there to the current one. */
export const hintSchema = z.int().min(0).max(999_999_999);
/** The reply of what writes and has nothing else to say: when. */
export const done = z.strictObject({ time: instantSchema });

export interface Transaction<
  Input extends z.ZodType = z.ZodType,
  Private extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
> {
  contract: string;
  kind: 'submit' | 'evaluate';
  /** Kinds of organisation and roles that may call it; empty means any. */
  callers: readonly Kind[];
  roles: readonly Role[];
  /** Roles at whose request their gateway sends it as `system`: a certificate of their own would name them in every block. */
  onBehalfOf?: readonly Role[];
  input: Input;
  /** JSON under the transient key `private`; undefined where there is none. */
  private?: Private;
  output: Output;
  /** The organisations that endorse it, and the others that may where one of several is enough. */
  endorsers: (consortium: Consortium, caller: string, input: z.infer<Input>) => Endorsers;
  /**
   * The collections that it writes into, of one that writes. The frame holds it to that, and a test holds the policies of
   * those collections to `endorsers`.
   */
  writes?: (told: Told<z.infer<Input>, z.infer<Private>>) => Writes;
}

/** What tells where a transaction writes. */
export interface Told<Input, Private> {
  consortium: Consortium;
  caller: string;
  input: Input;
  private: Private;
}

/** Names of collections. */
export interface Writes {
  always: readonly string[];
  /** As it may turn out: copies for those whom it concerns. */
  copies?: readonly string[];
}

/** A row with its types inferred. */
export const transaction = <I extends z.ZodType, P extends z.ZodType, O extends z.ZodType>(
  definition: Transaction<I, P, O>,
): Transaction<I, P, O> => definition;
