/**
 * One token for all of a person's records: a patient's token of one of her Patient records counts for those that are linked with
 * it. What she reads without more is of all of them; in `X-Patient` she names the one for which she acts.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { RequestHandler } from 'express';
import { callerIn, ownPatient, setCaller } from '../../auth/caller.ts';
import type { Services } from '../services.ts';

const HEADER = 'X-Patient';

/** Puts on a patient's request which other records are hers. To be mounted behind what says who is calling. */
export const persons =
  ({ index, organisation }: Pick<Services, 'index' | 'organisation'>): RequestHandler =>
  async (request, response, next) => {
    const caller = callerIn(response);
    const own = caller && ownPatient(caller);
    if (caller === undefined || own === undefined || organisation.kind !== 'custodian') return next();
    const all = [own, ...(await index.links.of(own))];
    const stated = request.get(HEADER);
    const acting = stated === undefined ? own : /^Patient\/(.+)$/.exec(stated)?.[1];
    // Whether there is such a patient is not said.
    if (acting === undefined || !all.includes(acting))
      throw new LedgerError('FORBIDDEN', 'no link makes this record hers', HEADER);
    setCaller(response, { ...caller, fhirUser: `Patient/${acting}`, linked: all.filter((one) => one !== acting) });
    next();
  };
