/** Answers to a form (hl7.org/fhir/R4/questionnaireresponse.html): what is asked, what is still open, and what is sent. No score: the ledger computes it. */
import type { Questionnaire, QuestionnaireItem, QuestionnaireResponse, Reference } from '@medplum/fhirtypes';

/** By linkId, the number of the option that was chosen. */
export type Answers = Readonly<Record<string, number>>;

/** One chooses among answers; other items hold what is computed. */
export const questionsIn = ({ item = [] }: Questionnaire): QuestionnaireItem[] =>
  item.filter(({ type }) => type === 'choice');

/** linkIds of what needs an answer and has none, in the form's order. */
export const openIn = (form: Questionnaire, answers: Answers): string[] =>
  questionsIn(form).flatMap(({ linkId, required }) =>
    required === true && answers[linkId] === undefined ? [linkId] : [],
  );

interface About {
  subject: Reference;
  author?: Reference;
  encounter?: Reference;
  /** ISO 8601 UTC. */
  authored: string;
}

export function responseTo(form: Questionnaire, answers: Answers, about: About): QuestionnaireResponse {
  const item = questionsIn(form).flatMap(({ linkId, text, answerOption = [] }) => {
    const { system, code, display } = answerOption[answers[linkId] ?? -1]?.valueCoding ?? {};
    return code === undefined ? [] : [{ linkId, text: text!, answer: [{ valueCoding: { system, code, display } }] }];
  });
  return {
    ...{ resourceType: 'QuestionnaireResponse', status: 'completed', questionnaire: form.url! },
    ...about,
    item: item as never,
  } as QuestionnaireResponse;
}

/** The sum, as it was computed; undefined where the form has none. */
export const scoreIn = ({ item = [] }: QuestionnaireResponse): number | undefined => {
  const score = item.flatMap(({ answer = [] }) => answer).find(({ valueDecimal }) => valueDecimal !== undefined);
  return score === undefined ? undefined : Number(score.valueDecimal);
};

/** Whether somebody says that he thinks of harming himself: whoever shows the form says where help is. */
export const isInDanger = (answers: Answers): boolean =>
  ['44260-8', 'self-harm'].some((linkId) => (answers[linkId] ?? 0) > 0);
