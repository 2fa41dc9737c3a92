/** How the queries of lists name a patient. */
import { z } from 'zod';

/** `<id>` or `Patient/<id>`, as references have it; a handler is given the id. Anything else is 400: an empty list would look complete. */
export const patientNamed = z
  .string()
  .regex(/^(?:Patient\/)?[A-Za-z0-9.-]{1,64}$/)
  .overwrite((text) => text.replace(/^Patient\//, ''))
  .optional()
  .meta({ description: 'Id of the Patient, or Patient/<id>; a patient may leave out her own.' });
