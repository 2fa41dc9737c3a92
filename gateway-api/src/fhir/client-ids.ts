/**
 * Ids that clients choose for new resources, by an update (hl7.org/fhir/R4/http.html#upsert). Whether a gateway takes them is its
 * setting: an id is part of a key, whose hash every member sees, and so tells whoever guesses it that it exists.
 */
import { isIdOfPlace } from '@telemed-ledger/chaincode/model/sheets.ts';
import { errorIssue, Refusal, UNPROCESSABLE } from './outcomes.ts';

const CLIENT_IDS = ['none', 'uuids', 'any'] as const;
/** Which ids of new resources clients may choose. */
export type ClientIds = (typeof CLIENT_IDS)[number];

/** The setting in an environment; a mistake is added to the list. */
export function clientIdsIn(text: string | undefined, fallback: ClientIds, mistakes: string[]): ClientIds {
  const stated = text === undefined || text === '' ? fallback : CLIENT_IDS.find((one) => one === text);
  if (stated === undefined) mistakes.push(`CLIENT_IDS: none of ${CLIENT_IDS.join(', ')}`);
  return stated ?? fallback;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const WHOSE = {
  none: 'No such resource. Ids are given by this server: create it with POST.',
  uuids: 'No such resource. A new id is a UUID in small letters, or given by this server: create it with POST.',
};

/** Why a new resource is not given a client's id; undefined where it is. */
export function refusalOfId(id: string, allowed: ClientIds, place: string): Refusal | undefined {
  if (allowed === 'none' || (allowed === 'uuids' && !UUID.test(id)))
    return new Refusal(405, errorIssue('not-found', WHOSE[allowed], place));
  if (!isIdOfPlace(id)) return undefined;
  const words = 'UUIDs of version 8 are given by the ledger: take one of version 4.';
  return new Refusal(UNPROCESSABLE, errorIssue('value', words, place));
}
