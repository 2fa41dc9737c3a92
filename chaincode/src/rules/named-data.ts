/** Whether a record is what the `data` of a consent names. */
import { referenceTo } from '../model/organisations.ts';
import { type RecordFacts, relative } from '../model/record-facts.ts';

/** What a consent's `data` names. */
export interface NamedData {
  meaning: string | undefined;
  target: string;
  /** Name of the provider whose record it is. */
  holder: string;
  denies: boolean;
}

/**
 * Whom or what records belong to by being recorded for it: of these IHE PCF reads `related` as the records that refer to
 * them, as R4's own definition would hardly have it (the instances that they refer to).
 */
const EPISODES = /^(?:Encounter|EpisodeOfCare|CarePlan)\//;

/** Whether a record is what a consent's `data` names. @see https://hl7.org/fhir/R4/valueset-consent-data-meaning.html */
export function isAbout(record: RecordFacts, { meaning, target: stated, holder, denies }: NamedData): boolean {
  const local = (text: string): string => relative(text).replace(referenceTo(holder, ''), '');
  const target = local(stated);
  const refersToIt = record.refersTo.map(local).includes(target);
  if (meaning === 'authoredby')
    return target === `Organization/${holder}` || record.authors.map(local).includes(target);
  if (record.reference === target) return true;
  if (meaning === 'dependents') return refersToIt;
  if (meaning === 'related') {
    if (record.referredBy.includes(target)) return true;
    return denies ? refersToIt || !record.considered.has(target) : EPISODES.test(target) && refersToIt;
  }
  return denies && meaning !== 'instance';
}
