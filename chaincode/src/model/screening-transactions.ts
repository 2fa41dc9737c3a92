/** The rows of the transaction table by which payers screen claims for what was billed elsewhere. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { every, withOneOf } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { MAX_STATE_LENGTH } from './decision-shape.ts';
import { MAX_KEYS } from './screenings.ts';
import { listsShown } from './service-lists.ts';
import { anchoredText, idSchema, saltSchema } from './texts.ts';
import { done, hintSchema, transaction } from './transaction.ts';
import { MAX_VALUE_LENGTH } from './values.ts';

/** A value of a series as it was anchored. */
const generationShown = (longest: number) => z.strictObject({ generation: hintSchema, text: anchoredText(longest) });

/** What a claim holds by now; left out where it was not screened yet. */
export const screeningShown = generationShown(MAX_VALUE_LENGTH).optional();

/** The claims that one transaction submits, screens or decides. */
export const MAX_CLAIMS_AT_ONCE = 64;

/** A claim as it stands, and what it is looked for by. */
const screenedShape = {
  salt: saltSchema,
  claim: anchoredText(MAX_VALUE_LENGTH),
  state: anchoredText(MAX_STATE_LENGTH),
  coverage: anchoredText(MAX_STATE_LENGTH),
  keys: z.array(generationShown(1_024)).min(1).max(MAX_KEYS),
  screening: screeningShown,
  services: listsShown,
};

export const screeningTransactions = {
  /** The next key. Those who may read it endorse: payers and regulators. `before` is the newest, where there is one. */
  ChangeScreeningKey: transaction({
    contract: 'screenings',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system'],
    input: z.strictObject({}),
    private: z.strictObject({ secret: saltSchema, before: generationShown(1_024).optional() }),
    output: done,
    endorsers: (consortium, caller) =>
      withOneOf(
        caller,
        ...(['regulator', 'payer'] as const).flatMap((kind) =>
          organisationsOfKind(consortium, kind).map(({ name }) => name),
        ),
      ),
    writes: () => ({ always: [collections.payers] }),
  }),
  /**
   * Has a claim hold what it bills across providers and payers, and finds what others hold. The custodian endorses: it holds the
   * payers' claims already, so that the keys, which it is shown, tell it nothing. `keys` are the newest and those before it, ascending.
   */
  ScreenClaim: transaction({
    contract: 'screenings',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject(screenedShape),
    output: done,
    endorsers: (consortium, caller) => every(caller, custodianOf(consortium).name),
    writes: ({ caller, input: { provider } }) => ({
      always: [collections.billing(caller)],
      copies: [collections.payers, collections.billing(provider)],
    }),
  }),
  /** The same of several, all or nothing, each once and as it would be by itself. */
  ScreenClaims: transaction({
    contract: 'screenings',
    kind: 'submit',
    callers: ['payer'],
    roles: ['system', 'adjudicator'],
    input: z.strictObject({}),
    private: z.strictObject({
      claims: z
        .array(z.strictObject({ id: idSchema, provider: nameSchema, ...screenedShape }))
        .min(1)
        .max(MAX_CLAIMS_AT_ONCE),
    }),
    output: done,
    endorsers: (consortium, caller) => every(caller, custodianOf(consortium).name),
    writes: ({ caller, private: { claims } }) => ({
      always: [collections.billing(caller)],
      copies: [collections.payers, ...new Set(claims.map(({ provider }) => collections.billing(provider)))],
    }),
  }),
} as const;
