import { expect } from 'chai';
import type { Resource } from './fhir.ts';
import { FORM_REFUSALS, FORMS, formAnswered, formRefusal, withScore } from './forms.ts';
import { parseExact } from './numbers.ts';
import { asRecorded, unrecordable } from './record-types.ts';

const LOINC = 'http://loinc.org';
const FREQUENCY = ['LA6568-5', 'LA6569-3', 'LA6570-1', 'LA6571-9'];
const [PHQ9, GAD7, TRIAGE] = FORMS.map(({ url }) => url) as [string, string, string];
const scored = (url: string): string[] =>
  (FORMS.find((form) => form.url === url)?.item ?? []).flatMap(({ linkId, required }) => (required ? [linkId] : []));
const answer = (linkId: string, weight: number): object => ({
  linkId,
  answer: [{ valueCoding: { system: LOINC, code: FREQUENCY[weight] } }],
});
const response = (questionnaire: string, item: object[], status = 'completed'): Resource => ({
  ...{ resourceType: 'QuestionnaireResponse', id: 'r', status, questionnaire, item },
});
const all = (url: string, weight: number): object[] => scored(url).map((linkId) => answer(linkId, weight));
const total = (linkId: string, valueDecimal: unknown): object => ({ linkId, answer: [{ valueDecimal }] });
const totalIn = (resource: Resource, linkId: string): unknown =>
  (resource['item'] as { linkId: string; answer: { valueDecimal: unknown }[] }[]).find((one) => one.linkId === linkId)
    ?.answer[0]?.valueDecimal;

describe('a form with a score', () => {
  it('is PHQ-9 of nine questions to 27, GAD-7 of seven to 21, and a triage', () => {
    for (const [url, linkId, highest, count] of [
      [PHQ9, '44261-6', 27, 9],
      [GAD7, '70274-6', 21, 7],
    ] as const) {
      expect(scored(url)).to.have.length(count);
      for (const weight of [0, 1, 2, 3])
        expect(totalIn(withScore(response(url, all(url, weight))), linkId)).to.equal((highest / 3) * weight);
    }
    const yes = scored(TRIAGE).map((linkId) => ({
      linkId,
      answer: [{ valueCoding: { system: 'https://telemed-ledger.example/fhir/CodeSystem/triage', code: 'yes' } }],
    }));
    expect(totalIn(withScore(response(`${TRIAGE}|1`, yes)), 'score')).to.equal(71);
  });

  it('is recorded with the score that its answers come to, and with no other', () => {
    const whole = all(PHQ9, 1);
    const recorded = asRecorded(response(PHQ9, whole));
    expect(unrecordable(recorded)).to.equal(undefined);
    expect(asRecorded(recorded)).to.equal(recorded);
    for (const typed of [8, 10, -9, '9', null, undefined, parseExact('9.5')])
      expect(formRefusal(response(PHQ9, [...whole, total('44261-6', typed)])), String(typed)).to.equal(
        'score-not-computed',
      );
    expect(formRefusal(response(PHQ9, [...whole, total('44261-6', parseExact('9.0'))]))).to.equal(undefined);
    expect(formRefusal(response(PHQ9, whole))).to.equal('score-not-computed');
    const twice = [...whole, total('44261-6', 9), total('44261-6', 9)];
    expect(formRefusal(response(PHQ9, twice))).to.equal('score-not-computed');
  });

  const [first = ''] = scored(PHQ9);
  const rest = all(PHQ9, 0).slice(1);
  const cases: [keyof typeof FORM_REFUSALS, object[]][] = [
    ['unknown-question', [...all(PHQ9, 0), answer('44250-0', 1)]],
    [
      'answer-not-of-question',
      [{ linkId: first, answer: [{ valueCoding: { system: LOINC, code: 'LA6572-7' } }] }, ...rest],
    ],
    ['answer-not-of-question', [{ linkId: first, answer: [{ valueCoding: { code: 'LA6568-5' } }] }, ...rest]],
    ['answer-not-of-question', [{ linkId: first, answer: [{ valueInteger: 3 }] }, ...rest]],
    ['answered-twice', [...all(PHQ9, 0), answer(first, 3)]],
    [
      'answered-twice',
      [{ linkId: first, answer: [0, 0].map(() => ({ valueCoding: { system: LOINC, code: FREQUENCY[0] } })) }, ...rest],
    ],
    ['question-unanswered', rest],
    ['question-unanswered', []],
  ];
  for (const [reason, items] of cases)
    it(`is refused as ${reason}`, () => {
      const resource = response(PHQ9, items);
      expect(formRefusal(asRecorded(resource))).to.equal(reason);
      expect(unrecordable(asRecorded(resource))).to.equal(`${reason}: ${FORM_REFUSALS[reason]}`);
    });

  it('counts answers in groups, and is not scored before it is done', () => {
    const grouped = [{ linkId: 'g', item: all(PHQ9, 2) }];
    expect(totalIn(asRecorded(response(PHQ9, grouped)), '44261-6')).to.equal(18);
    const begun = response(PHQ9, rest, 'in-progress');
    expect(asRecorded(begun)).to.equal(begun);
    expect(formRefusal(begun)).to.equal(undefined);
    expect(formRefusal(response(PHQ9, [...rest, total('44261-6', 27)], 'in-progress'))).to.equal('score-not-computed');
    expect(formRefusal(response(PHQ9, [answer('x', 1)], 'in-progress'))).to.equal('unknown-question');
  });

  it('is no other form, and no other version of it', () => {
    for (const questionnaire of ['https://elsewhere.example/phq-9', `${PHQ9}|2`, `${PHQ9}-x`])
      expect(formAnswered(response(questionnaire, []))).to.equal(undefined);
    expect(formAnswered({ resourceType: 'Observation', id: 'o' })).to.equal(undefined);
  });
});
