/** When something is answered whose time of work would tell what there was to work on: at whole steps, whatever it took. */
import { setTimeout as sleep } from 'node:timers/promises';

/** The next moment that is a whole number of steps from one; a clock that is ahead puts nothing off by more than a step. */
export const nextMoment = (from: number, now: number, step: number): number =>
  now + step - ((((now - from) % step) + step) % step);

/**
 * At whole steps of so much is answered who looks for a person: what is here for others than the caller is written down as withheld,
 * which takes a moment that a person who is not here does not take.
 */
export const PERSON_STEP_MS = 50;

/** Milliseconds, and how they go by. */
export interface Clock {
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

/** Does something and answers, or fails, a whole number of steps after it was begun. @param stepMs more than it takes, mostly */
export async function evenly<T>(
  stepMs: number,
  work: () => Promise<T>,
  clock: Clock = { now: () => performance.now(), sleep },
): Promise<T> {
  const began = clock.now();
  try {
    return await work();
  } finally {
    const now = clock.now();
    await clock.sleep(nextMoment(began, now, stepMs) - now);
  }
}
