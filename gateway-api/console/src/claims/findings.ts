/** What the payer's rules said of a claim (Claim/$findings), by rule: with its version, and the facts that it rests on. */
import type { ParametersParameter } from '@medplum/fhirtypes';

const OUTCOMES = ['deny', 'signal', 'not-evaluated', 'pass'] as const;
type Outcome = (typeof OUTCOMES)[number];

export interface Finding {
  step: number;
  rule: string;
  version: string;
  outcome: Outcome;
  weight: number | undefined;
  /** Names and values, as the rule has them. */
  facts: { name: string; value: string }[];
  isWithheld: boolean;
}

const saidIn = ({ valueString, valueInteger, valueBoolean }: ParametersParameter): string =>
  String(valueString ?? valueInteger ?? valueBoolean ?? '');

/** Of the last step, what decided first: a denial before a signal before what was passed. */
export function findingsIn(parameters: readonly ParametersParameter[]): Finding[] {
  const found = parameters
    .filter(({ name }) => name === 'finding')
    .map(({ part = [] }) => {
      const named = (name: string): ParametersParameter | undefined => part.find((one) => one.name === name);
      return {
        step: named('step')?.valueInteger ?? 0,
        rule: named('edit')?.valueCode ?? '',
        version: named('version')?.valueString ?? '',
        outcome: OUTCOMES.find((one) => one === named('outcome')?.valueCode) ?? 'not-evaluated',
        weight: named('weight')?.valueInteger,
        facts: (named('facts')?.part ?? []).map((one) => ({ name: one.name ?? '', value: saidIn(one) })),
        isWithheld: named('withheld')?.valueBoolean === true,
      };
    });
  const rank = ({ outcome }: Finding): number => OUTCOMES.indexOf(outcome);
  return found.sort((one, other) => other.step - one.step || rank(one) - rank(other));
}
