/** What every list that comes in pages takes and says. */
import { z } from 'zod';

const MOST = 500;

/** How many a page holds. */
export const pageCount = z.coerce
  .number()
  .int()
  .min(1)
  .max(MOST)
  .default(100)
  .meta({ description: `At most ${MOST}.` });

/** Where the next page is. */
export const nextPage = z.string().optional().meta({ description: 'The next page; absent on the last one.' });
