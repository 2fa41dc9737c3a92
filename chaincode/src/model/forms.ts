/**
 * Forms with a score, as Questionnaires beside this file: answers weigh what their ordinalValue says, and a readOnly item of type decimal
 * holds the sum. What a QuestionnaireResponse to one of them says is computed from its answers, never typed in.
 * @see https://hl7.org/fhir/R4/questionnaireresponse.html
 * @see https://hl7.org/fhir/R4/extension-ordinalvalue.html
 */
import type { Resource } from './fhir.ts';
import gad7 from './forms/gad-7.json' with { type: 'json' };
import phq9 from './forms/phq-9.json' with { type: 'json' };
import triage from './forms/triage.json' with { type: 'json' };
import { isNumber, numberOf } from './numbers.ts';

interface Question {
  /** By code and system, what an answer weighs. */
  answers: ReadonlyMap<string, number>;
  isRequired: boolean;
}

export interface Form {
  questions: ReadonlyMap<string, Question>;
  /** linkId of the sum. */
  total: string;
}

/** The reasons against a response, and what each means. */
export const FORM_REFUSALS = {
  'unknown-question': 'answers what the form does not ask',
  'answer-not-of-question': 'the answer is none of those that the question offers',
  'answered-twice': 'a question has one answer',
  'question-unanswered': 'a completed form has an answer to every question that needs one',
  'score-not-computed': 'the score is not what the answers come to',
} as const;
export type FormRefusal = keyof typeof FORM_REFUSALS;

interface Coding {
  system?: unknown;
  code?: unknown;
  extension?: { url: string; valueDecimal?: number }[];
}
interface FormItem {
  linkId: string;
  type: string;
  required: boolean;
  readOnly?: boolean;
  answerOption?: { valueCoding: Coding }[];
}

const ORDINAL = 'http://hl7.org/fhir/StructureDefinition/ordinalValue';
const nameOf = ({ system, code }: Coding): string => JSON.stringify([system ?? null, code ?? null]);
const weightOf = ({ extension = [] }: Coding): number =>
  extension.find(({ url }) => url === ORDINAL)?.valueDecimal ?? 0;

function formOf(items: readonly FormItem[]): Form {
  const asked = items.filter(({ type }) => type === 'choice');
  const questions = asked.map(({ linkId, required, answerOption = [] }): [string, Question] => {
    const answers = answerOption.map(({ valueCoding }): [string, number] => [
      nameOf(valueCoding),
      weightOf(valueCoding),
    ]);
    return [linkId, { answers: new Map(answers), isRequired: required }];
  });
  return { questions: new Map(questions), total: items.find(({ readOnly }) => readOnly === true)!.linkId };
}

/** The Questionnaires themselves, to be published. */
export const FORMS = [phq9, gad7, triage] as const;
const BY_URL = new Map(FORMS.map(({ url, version, item }) => [url, { version, form: formOf(item as FormItem[]) }]));

/** The form that a resource answers; undefined where it answers none of these, or another version of it. */
export function formAnswered(resource: Resource): Form | undefined {
  const { questionnaire } = resource;
  if (resource.resourceType !== 'QuestionnaireResponse' || typeof questionnaire !== 'string') return undefined;
  const [url = '', version] = questionnaire.split('|');
  const known = BY_URL.get(url);
  return known === undefined || (version !== undefined && version !== known.version) ? undefined : known.form;
}

interface Item {
  linkId?: unknown;
  answer?: unknown;
  item?: unknown;
}

const answersOf = ({ answer }: Item): Record<string, unknown>[] => [answer ?? []].flat() as Record<string, unknown>[];
/** All items, also those in groups and under answers. */
const itemsOf = (holder: Record<string, unknown>): Item[] =>
  ([holder['item'] ?? []].flat() as Item[]).flatMap((one) => [
    one,
    ...[one, ...answersOf(one)].flatMap((inner) => itemsOf(inner as Record<string, unknown>)),
  ]);

/** The sum of the answers, or the reason against them. */
function scoreOf(form: Form, response: Resource): number | FormRefusal {
  const given = new Map<string, number>();
  for (const item of itemsOf(response)) {
    const linkId = String(item.linkId);
    const answers = answersOf(item);
    if (linkId === form.total) continue;
    const question = form.questions.get(linkId);
    // Groups and headings have no answer.
    if (question === undefined && answers.length === 0) continue;
    if (question === undefined) return 'unknown-question';
    if (answers.length > 1 || (answers.length > 0 && given.has(linkId))) return 'answered-twice';
    for (const { valueCoding } of answers) {
      const weight = question.answers.get(nameOf((valueCoding ?? {}) as Coding));
      if (weight === undefined) return 'answer-not-of-question';
      given.set(linkId, weight);
    }
  }
  const isWhole = [...form.questions].every(([linkId, { isRequired }]) => !isRequired || given.has(linkId));
  if (!isWhole) return 'question-unanswered';
  return [...given.values()].reduce((sum, weight) => sum + weight, 0);
}

const DONE = ['completed', 'amended'];

/** Why a response to one of the forms is not recorded as it is; undefined for anything that may be. */
export function formRefusal(resource: Resource): FormRefusal | undefined {
  const form = formAnswered(resource);
  if (form === undefined) return undefined;
  const score = scoreOf(form, resource);
  const stated = itemsOf(resource)
    .filter(({ linkId }) => linkId === form.total)
    .flatMap(answersOf);
  const isDone = DONE.includes(String(resource['status']));
  if (typeof score === 'string' && (score !== 'question-unanswered' || isDone)) return score;
  if (!isDone) return stated.length === 0 ? undefined : 'score-not-computed';
  const [only, ...more] = stated.map(({ valueDecimal }) => valueDecimal);
  return isNumber(only) && more.length === 0 && numberOf(only) === score ? undefined : 'score-not-computed';
}

/** A completed response with the score that its answers come to, where it states none. */
export function withScore(resource: Resource): Resource {
  const form = formAnswered(resource);
  if (form === undefined || !DONE.includes(String(resource['status']))) return resource;
  const score = scoreOf(form, resource);
  const states = itemsOf(resource).some((item) => item.linkId === form.total && answersOf(item).length > 0);
  if (typeof score === 'string' || states) return resource;
  const others = ([resource['item'] ?? []].flat() as Item[]).filter(({ linkId }) => linkId !== form.total);
  return { ...resource, item: [...others, { linkId: form.total, answer: [{ valueDecimal: score }] }] };
}
