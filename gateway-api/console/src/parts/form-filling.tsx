/** A form to be answered: what is open is named before anything is sent, and what came of it has its score from the ledger. */
import type { Questionnaire, QuestionnaireResponse, Reference } from '@medplum/fhirtypes';
import { useRef, useState } from 'preact/hooks';
import { ask, fhirPath, transactionOf } from '../api.ts';
import { useWords } from '../language.ts';
import { type Answers, isInDanger, openIn, questionsIn, responseTo } from './answers.ts';
import { useDoing } from './doing.ts';
import { Failure } from './failure.tsx';

interface FormFillingProps {
  form: Questionnaire;
  subject: Reference;
  author?: Reference;
  encounter?: Reference;
  onSaved(response: QuestionnaireResponse, transaction: string | undefined): void;
  onLeave(): void;
}

export function FormFilling({ form, subject, author, encounter, onSaved, onLeave }: FormFillingProps) {
  const { t } = useWords();
  const [answers, setAnswers] = useState<Answers>({});
  const [isSent, setSent] = useState(false);
  const doing = useDoing();
  const place = useRef<HTMLFormElement>(null);
  const open = openIn(form, answers);
  const save = (): void =>
    doing.run(async (key, authored) => {
      const about = { subject, ...(author && { author }), ...(encounter && { encounter }) };
      const body = responseTo(form, answers, { ...about, authored });
      const path = fhirPath('QuestionnaireResponse');
      const headers = { 'Idempotency-Key': key, Prefer: 'return=representation' };
      const answer = await ask<QuestionnaireResponse>({ method: 'POST', path, body, headers });
      onSaved(answer.body, transactionOf(answer));
    });
  const send = (): void => {
    setSent(true);
    const [first] = open;
    if (first === undefined) save();
    else place.current?.querySelector<HTMLInputElement>(`[name="${CSS.escape(first)}"]`)?.focus();
  };
  return (
    <form
      ref={place}
      class="steps"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <h2 dir="auto">{form.title}</h2>
      {isSent && open.length > 0 ? (
        <p class="notice bad" role="alert">
          {t('questionsOpen', { count: open.length })}
        </p>
      ) : null}
      {questionsIn(form).map(({ linkId, text, required, answerOption = [] }) => (
        <fieldset key={linkId}>
          <legend dir="auto">
            {text} {required === true ? null : <small>{t('optional')}</small>}
          </legend>
          {isSent && open.includes(linkId) ? <p class="fault">{t('chooseAnswer')}</p> : null}
          {answerOption.map(({ valueCoding }, index) => (
            <label key={valueCoding?.code} class="option">
              <input
                type="radio"
                name={linkId}
                checked={answers[linkId] === index}
                onChange={() => setAnswers({ ...answers, [linkId]: index })}
              />
              <span dir="auto">{valueCoding?.display}</span>
            </label>
          ))}
        </fieldset>
      ))}
      {isInDanger(answers) ? (
        <p class="notice warn" role="alert">
          {t('inDanger')}
        </p>
      ) : null}
      {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite again={save} />}
      <p class="actions">
        <button type="submit" class="main" disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : 'sendForm')}
        </button>
        <button type="button" onClick={onLeave}>
          {t('cancel')}
        </button>
      </p>
    </form>
  );
}
