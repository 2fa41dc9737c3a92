/** What the payer's desk knows of a claim beside FHIR (GET /claims/[id]/desk): how it stands, who works on it, what was noted. */
import { ask } from '../api.ts';
import type { Status } from './statuses.ts';

export interface Desk {
  status: Status;
  /** `Practitioner/ID` */
  assignee?: string;
  notes: { id: string; author: string; at: string; text: string }[];
}

/** @throws {Problem} */
export const deskOf = async (id: string, signal: AbortSignal): Promise<Desk> =>
  (await ask<Desk>({ path: `/claims/${id}/desk`, signal })).body;

/** A person by the end of her reference. */
export const shortName = (person: string): string => person.split('/').at(-1) ?? person;
