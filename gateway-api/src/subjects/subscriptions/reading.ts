/** Records as whoever made a subscription may read them at the moment: what is sent is shown to him, and logged as read by him. */
import { failureOf } from '../../fhir/outcomes.ts';
import { withContents } from '../contents/repository.ts';
import { Records } from '../records/records.ts';
import type { Services } from '../services.ts';
import type { ReadAs } from './numbered.ts';

/** What he may not read, or what is gone, is not there; what is not here yet, or cannot be read now, fails. */
const NOT_THERE = [403, 404, 410];

export function readAs(services: Services): ReadAs {
  const records = withContents(new Records(services, {}), services.contents);
  return async (caller, type, id) => {
    try {
      return await records.read(caller, type, id);
    } catch (error) {
      if (NOT_THERE.includes(failureOf(error)?.status ?? 0)) return undefined;
      throw error;
    }
  };
}
