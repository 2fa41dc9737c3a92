/** The forms whose score the ledger computes, as anybody who shows one to a person needs them. */
import { FORMS } from '@telemed-ledger/chaincode/model/forms.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';

const formSchema = z
  .looseObject({ resourceType: z.literal('Questionnaire'), url: z.string(), version: z.string(), title: z.string() })
  .meta({ id: 'Form' });

export const forms = route({
  method: 'get',
  path: '/forms',
  summary: 'The forms whose score is computed from their answers, as FHIR Questionnaires.',
  answers: { 200: { description: 'The forms.', schema: z.object({ forms: z.array(formSchema) }) } },
  handle: () => ({ body: { forms: FORMS } }),
});
