/** Forms with a score: one is chosen, answered and recorded at once; the ledger computes the score. What was answered before stands below. */
import type { Questionnaire, QuestionnaireResponse, Reference } from '@medplum/fhirtypes';
import { useCallback, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import type { Key } from '../messages/en.ts';
import { scoreIn } from './answers.ts';
import { FormFilling } from './form-filling.tsx';
import { useLoaded } from './loading.ts';
import { Receipt } from './receipt.tsx';
import { WhenLoaded } from './states.tsx';

const PAGE = 10;

/** The forms that the ledger scores. @throws {Problem} */
const forms = async (signal: AbortSignal): Promise<Questionnaire[]> =>
  (await ask<{ forms: Questionnaire[] }>({ path: '/forms', signal })).body.forms;

export interface Answered {
  found: readonly QuestionnaireResponse[];
  isMore: boolean;
}

interface FormsProps {
  subject: Reference;
  author: Reference;
  encounter?: Reference;
  /** What is said once one is recorded. */
  said: Key;
  /** The newest first. The same function as long as it is to ask the same. */
  load(count: number, signal: AbortSignal): Promise<Answered>;
}

export function Forms({ subject, author, encounter, said, load }: FormsProps) {
  const { t, time, number } = useWords();
  const known = useLoaded(forms);
  const [count, setCount] = useState(PAGE);
  const answered = useLoaded(useCallback((signal: AbortSignal) => load(count, signal), [load, count]));
  const [chosen, setChosen] = useState('');
  const [saved, setSaved] = useState<
    { response: QuestionnaireResponse; transaction: string | undefined } | undefined
  >();
  return (
    <WhenLoaded of={known}>
      {(all) => {
        const titleOf = (url = ''): string => all.find((one) => url.split('|')[0] === one.url)?.title ?? url;
        const form = all.find(({ url }) => url === chosen);
        return (
          <>
            <div role="status">
              {saved === undefined ? null : (
                <>
                  <p class="notice good">
                    {t(said, {
                      form: titleOf(saved.response.questionnaire),
                      score: number(scoreIn(saved.response) ?? 0),
                    })}
                  </p>
                  <Receipt of={saved.transaction} />
                </>
              )}
            </div>
            {form === undefined ? (
              <p class="actions">
                {all.map(({ url = '', title }) => (
                  <button key={url} type="button" onClick={() => setChosen(url)}>
                    <bdi>{title}</bdi>
                  </button>
                ))}
              </p>
            ) : (
              <FormFilling
                {...{ form, subject, author }}
                {...(encounter && { encounter })}
                onSaved={(response, transaction) => {
                  setSaved({ response, transaction });
                  setChosen('');
                  answered.again();
                }}
                onLeave={() => setChosen('')}
              />
            )}
            <WhenLoaded of={answered}>
              {({ found, isMore }) => (
                <>
                  <ul class="lines">
                    {found.map((one) => (
                      <li key={one.id}>
                        <span class="what" dir="auto">
                          {titleOf(one.questionnaire)}{' '}
                          {isPatient(one.author) && !isPatient(author) ? <small>{t('byHerself')}</small> : null}
                        </span>
                        {scoreIn(one) === undefined ? null : <span class="tag">{number(scoreIn(one) ?? 0)}</span>}
                        <span class="when">{time(one.authored)}</span>
                      </li>
                    ))}
                  </ul>
                  {isMore ? (
                    <p class="actions">
                      <button type="button" onClick={() => setCount(count + PAGE)}>
                        {t('more')}
                      </button>
                    </p>
                  ) : null}
                </>
              )}
            </WhenLoaded>
          </>
        );
      }}
    </WhenLoaded>
  );
}

const isPatient = (one: Reference | undefined): boolean => one?.reference?.startsWith('Patient/') === true;
