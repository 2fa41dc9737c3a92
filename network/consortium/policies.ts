/**
 * Who must endorse, as rules over MSP ids: whoever asks Fabric for a policy writes one of these in Fabric's form (text
 * for a definition, bytes for a key).
 */
import { type Consortium, custodianOf } from './members.ts';

/** An MSP id whose peer must sign, or `need` of several rules. */
export type PolicyRule = string | { need: number; of: readonly PolicyRule[] };

/** Every one of these rules. */
export const all = (...rules: PolicyRule[]): PolicyRule => ({ need: rules.length, of: rules });

/** Any one of these rules. */
export const anyOf = (rules: readonly PolicyRule[]): PolicyRule => ({ need: 1, of: rules });

/** One organisation and any one of others (MSP ids). */
const withOneOf = (mspId: string, others: readonly string[]): PolicyRule => all(mspId, anyOf(others));

/** One organisation and any one other of the consortium (MSP ids). */
export const withAnyOther = ({ organisations }: Pick<Consortium, 'organisations'>, mspId: string): PolicyRule =>
  withOneOf(
    mspId,
    organisations.map((organisation) => organisation.mspId).filter((other) => other !== mspId),
  );

/** The custodian and any one other of the consortium. */
export const custodianAndAnyOther = (consortium: Pick<Consortium, 'organisations'>): PolicyRule =>
  withAnyOther(consortium, custodianOf(consortium).mspId);

/** Whether peers of these organisations (MSP ids) are enough for a rule. */
export const isSatisfied = (rule: PolicyRule, mspIds: readonly string[]): boolean =>
  typeof rule === 'string'
    ? mspIds.includes(rule)
    : rule.of.filter((part) => isSatisfied(part, mspIds)).length >= rule.need;
