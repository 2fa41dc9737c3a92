/** What the consortium's law leaves open: read by everybody, set by a regulator. */
import {
  DEFAULT_RULES,
  type RulesInput,
  rulesInputSchema,
  rulesSchema,
} from '@telemed-ledger/chaincode/model/consortium-rules.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { notHereYet } from '../../http/failures.ts';
import { route } from '../../http/routes.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { newSalt } from '../../ledger/sender.ts';
import { upToDate } from '../up-to-date.ts';

const rulesBody = rulesInputSchema.meta({ id: 'Rules' });
const answerSchema = rulesInputSchema.extend({ updatedAt: rulesSchema.shape.updatedAt.optional() });
const answers = { 200: { description: 'The rules as they stand.', schema: answerSchema } };

/** @throws {Failure} 503 where their newest generation has not arrived */
export async function rulesNow({ evidence }: Pick<ReadModel, 'evidence'>): Promise<RulesInput> {
  const generation = await evidence.newest(collections.registers, 'rules/');
  if (generation === 0) return DEFAULT_RULES;
  const text = await evidence.text(collections.registers, privateKeys.rules(generation));
  if (text === undefined) throw notHereYet(1);
  const { schema: _, salt: __, ...rules } = rulesSchema.parse(JSON.parse(text));
  return rules;
}

export const getRules = route({
  method: 'get',
  path: '/consortium-rules',
  summary: 'How long an emergency shows records, whether a denial stops it, and who may record.',
  answers,
  handle: async (_, { index }) => ({ body: await rulesNow(index) }),
});

export const setRules = route({
  method: 'put',
  path: '/consortium-rules',
  summary: 'Sets what the consortium’s law leaves open (regulator).',
  body: rulesBody,
  transaction: 'SetRules',
  answers,
  async handle({ caller, body, idempotency }, { index, ledger, idempotent }) {
    const { outcome } = await idempotent.write(caller, idempotency, () => ({
      answer: {},
      submit: (sending) => upToDate(() => ledger.submit('SetRules', body, { salt: newSalt() }, sending)),
    }));
    return { body: (await afterCommit(() => rulesNow(index))) ?? body, transactionId: outcome.transactionId };
  },
});
