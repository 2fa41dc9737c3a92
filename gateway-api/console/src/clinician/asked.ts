/** Asking another member for records: what is sent, and what is known of it afterwards (docs/consents.md). Pure. */
import type { Patient } from '@medplum/fhirtypes';
import { type Kind, typesOf } from '../patient/draft.ts';

const DAY_MS = 86_400_000;
/** HL7 v3 ActReason: breaking the glass. */
export const BREAK_GLASS = 'BTG';

export interface Wanted {
  patient: Patient | undefined;
  /** Name of a member. */
  holder: string;
  kinds: readonly Kind[];
  isEverything: boolean;
  isEmergency: boolean;
  /** Of an emergency: why there is no time to ask. */
  reason: string;
  /** How long the patient may think about it. */
  waitDays: number;
}

export const NOTHING_WANTED: Wanted = {
  ...{ patient: undefined, holder: '', kinds: [], isEverything: false },
  ...{ isEmergency: false, reason: '', waitDays: 7 },
};

/** By which number she is asked for: the first that says whose it is. */
export const numberOf = ({ identifier = [] }: Patient): { system: string; value: string } | undefined => {
  const found = identifier.find(({ system, value }) => system !== undefined && value !== undefined);
  return found && { system: found.system!, value: found.value! };
};

const LEAST_REASON = 10;

/** Names of what is still missing. */
export function missingIn({ patient, holder, kinds, isEverything, isEmergency, reason }: Wanted): string[] {
  return [
    ...(patient === undefined || numberOf(patient) === undefined ? ['patient'] : []),
    ...(holder === '' ? ['holder'] : []),
    ...(kinds.length === 0 && !isEverything ? ['kinds'] : []),
    ...(isEmergency && reason.trim().length < LEAST_REASON ? ['reason'] : []),
  ];
}

/** @param at when it is asked, ISO 8601 UTC */
export function requestOf(wanted: Wanted, at: string): object {
  const { patient, holder, kinds, isEverything, isEmergency, reason, waitDays } = wanted;
  const asked = { holder, patient: numberOf(patient!), types: isEverything ? [] : typesOf(kinds) };
  if (isEmergency) return { ...asked, purpose: BREAK_GLASS, reason: reason.trim() };
  return { ...asked, purpose: 'TREAT', waitUntil: new Date(Date.parse(at) + waitDays * DAY_MS).toISOString() };
}
