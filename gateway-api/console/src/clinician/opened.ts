/** The visit that is open, and what is written of each: in memory alone, and gone with whoever signs out. */
import type { Patient } from '@medplum/fhirtypes';
import { Carried } from '../parts/carried.ts';
import { session } from '../sign-in.ts';
import { Value } from '../value.ts';
import { type Draft, EMPTY } from './draft.ts';
import type { Visit } from './visits.ts';

export const opened = new Value<Visit | undefined>(undefined);

/** Whose records others are to be asked for, on the way to the page where that is done. */
export const sought = new Carried<Patient>();

/** By id of the Encounter. */
export const drafts = new Value<ReadonlyMap<string, Draft>>(new Map());

export const draftOf = (encounter: string): Draft => drafts.now.get(encounter) ?? EMPTY;

export function write(encounter: string, some: Partial<Draft>): void {
  drafts.set(new Map(drafts.now).set(encounter, { ...draftOf(encounter), ...some }));
}

export function forget(encounter: string): void {
  drafts.set(new Map([...drafts.now].filter(([id]) => id !== encounter)));
}

session.watch(() => {
  if (session.now !== undefined) return;
  opened.set(undefined);
  drafts.set(new Map());
});
