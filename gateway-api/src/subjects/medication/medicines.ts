/** The medicines that the tables of the checks know: what a prescriber chooses from, so that what he prescribes is checked. */
import { tablesOn } from '@telemed-ledger/chaincode/model/medication-checks.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';

const medicineSchema = z
  .object({ system: z.string(), code: z.string(), ingredient: z.string(), class: z.string() })
  .meta({ id: 'Medicine' });

export const medicines = route({
  method: 'get',
  path: '/medicines',
  summary: 'The medicines that the checks of prescriptions know, by their codes.',
  answers: {
    200: {
      description: 'The medicines of the tables that count today, and since when these do.',
      schema: z.object({ effective: z.iso.date().optional(), medicines: z.array(medicineSchema) }),
    },
  },
  handle() {
    const tables = tablesOn(new Date().toISOString().slice(0, 10));
    if (tables === undefined) return { body: { medicines: [] } };
    const { system, effective, ingredients } = tables;
    const medicines = Object.values(ingredients).flatMap(({ name, class: kind, products }) =>
      products.map((code) => ({ system, code, ingredient: name, class: kind })),
    );
    return { body: { effective, medicines } };
  },
});
