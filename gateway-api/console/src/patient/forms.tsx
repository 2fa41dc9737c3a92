/** Forms for my clinician: I answer one, and it lies with my records. */
import type { QuestionnaireResponse } from '@medplum/fhirtypes';
import { author, patientShown } from '../acting.ts';
import { search } from '../api.ts';
import { useWords } from '../language.ts';
import { type Answered, Forms } from '../parts/forms.tsx';

async function load(count: number, signal: AbortSignal): Promise<Answered> {
  const path = `QuestionnaireResponse?_sort=-authored&_count=${count}`;
  const { found, next } = await search<QuestionnaireResponse>(path, signal);
  return { found, isMore: next !== undefined };
}

export function MyForms() {
  const { t } = useWords();
  return (
    <>
      <p class="lead">{t('formsLead')}</p>
      <Forms {...{ subject: { reference: patientShown() }, author: { reference: author() }, said: 'formSent', load }} />
    </>
  );
}
