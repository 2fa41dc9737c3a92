/** Assessments of the patient whose visit it is: a form is answered with her; what she answered herself stands beside. */
import type { QuestionnaireResponse } from '@medplum/fhirtypes';
import { useCallback } from 'preact/hooks';
import { searchByForm } from '../api.ts';
import { type Answered, Forms } from '../parts/forms.tsx';

export function Assessment({ patient, encounter, me }: { patient: string; encounter: string; me: string }) {
  const subject = `Patient/${patient}`;
  const load = useCallback(
    async (count: number, signal: AbortSignal): Promise<Answered> => {
      const asked = { patient: subject, _sort: '-authored', _count: String(count) };
      const found = await searchByForm<QuestionnaireResponse>('QuestionnaireResponse', asked, signal);
      return { found, isMore: found.length === count };
    },
    [subject],
  );
  return (
    <Forms
      {...{ subject: { reference: subject }, author: { reference: me } }}
      {...{ encounter: { reference: `Encounter/${encounter}` }, said: 'scoreIs', load }}
    />
  );
}
