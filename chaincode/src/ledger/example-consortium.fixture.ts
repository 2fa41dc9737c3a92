/** The default organisations, for tests that need a consortium and no network. */
import { membersOf } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import type { Consortium } from '@telemed-ledger/consortium/members.ts';

export const exampleConsortium: Consortium = membersOf(loadConsortium());
