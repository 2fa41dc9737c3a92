/**
 * Puts a rebuilt directory in the place of a damaged one, so that a process may be killed at any moment: there is always
 * the old one, or the new one, or a new one that is complete and waits to be put in place.
 */
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';

/** Complete, and not yet in place. */
const rebuiltOf = (dir: string): string => `${dir}.rebuilt`;
/** Replaced, and not yet removed. */
const replacedOf = (dir: string): string => `${dir}.replaced`;

/** Moves a complete directory beside the one that it will replace. */
export async function offer(complete: string, dir: string): Promise<void> {
  await rm(rebuiltOf(dir), { recursive: true, force: true });
  await rename(complete, rebuiltOf(dir));
}

/** Puts what was offered in place. What it replaces is removed: it may hold values that are purged later. */
export async function swap(dir: string): Promise<void> {
  await rm(replacedOf(dir), { recursive: true, force: true });
  if (existsSync(dir)) await rename(dir, replacedOf(dir));
  await rename(rebuiltOf(dir), dir);
  await rm(replacedOf(dir), { recursive: true, force: true });
}

/** Brings to an end what a killed process began; something offered while the old one was still in place is begun anew. */
export async function finishSwap(dir: string): Promise<void> {
  if (!existsSync(dir) && existsSync(rebuiltOf(dir))) await rename(rebuiltOf(dir), dir);
  else if (!existsSync(dir) && existsSync(replacedOf(dir))) await rename(replacedOf(dir), dir);
  await rm(rebuiltOf(dir), { recursive: true, force: true });
  await rm(replacedOf(dir), { recursive: true, force: true });
}
