/** What a payer decides of a line that is asked for, as X12's codes say it (306) in Da Vinci PAS's extension of an adjudication. */
import { objectsOf } from './claim-evidence.ts';

const PAS = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition';
const ACTIONS = 'https://codesystem.x12.org/005010/306';
type Outcome = 'approve' | 'modify' | 'deny' | 'pend';
const ACTION_CODES: Record<Outcome, string> = { approve: 'A1', modify: 'A6', deny: 'A3', pend: 'A4' };

/** As the extension of an adjudication. @param more extensions beside the code */
export const reviewActionOf = (outcome: Outcome, more: readonly object[] = []): object => ({
  url: `${PAS}/extension-reviewAction`,
  extension: [
    {
      url: `${PAS}/extension-reviewActionCode`,
      valueCodeableConcept: { coding: [{ system: ACTIONS, code: ACTION_CODES[outcome] }] },
    },
    ...more,
  ],
});

/** What became of a line, as an item of a ClaimResponse says it; undefined where it does not say so. */
export function actionOf(item: Record<string, unknown>): Outcome | undefined {
  const inside = (element: Record<string, unknown>, name: string): Record<string, unknown>[] =>
    objectsOf(element['extension']).filter(({ url }) => url === `${PAS}/${name}`);
  const [code] = objectsOf(item['adjudication'])
    .flatMap((one) => inside(one, 'extension-reviewAction'))
    .flatMap((one) => inside(one, 'extension-reviewActionCode'))
    .flatMap((one) => objectsOf((one['valueCodeableConcept'] as { coding?: unknown } | undefined)?.coding));
  const outcomes = Object.keys(ACTION_CODES) as Outcome[];
  return outcomes.find((one) => ACTION_CODES[one] === code?.['code']);
}
