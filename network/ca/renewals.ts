/**
 * New keys and certificates for what has some already. They lie beside the old ones, in `<directory>.renewal`, until
 * whoever must know of them does; then they take the old ones' place. Interrupted anywhere, a directory is the old or the
 * new one whole.
 */
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';

/** Where the new ones lie until they take the place of those in `directory`. */
export const renewalOf = (directory: string): string => `${directory}.renewal`;

const endedOf = (directory: string): string => `${directory}.ended`;

/** Whether new ones wait to take the place of those in `directory`. */
export const isRenewed = (directory: string): boolean => existsSync(renewalOf(directory));

/** The new ones take the old ones' place; the old key is removed. Does nothing where there are none. */
export async function takeRenewed(directory: string): Promise<void> {
  if (isRenewed(directory)) {
    await rm(endedOf(directory), { recursive: true, force: true });
    if (existsSync(directory)) await rename(directory, endedOf(directory));
    await rename(renewalOf(directory), directory).catch((error: unknown) => {
      // Another command that found the place empty was quicker.
      if (!existsSync(directory)) throw error;
    });
  }
  await rm(endedOf(directory), { recursive: true, force: true });
}

/** Finishes what was interrupted between taking the old ones away and putting the new ones there. */
export async function settleRenewal(directory: string): Promise<void> {
  if (existsSync(directory)) await rm(endedOf(directory), { recursive: true, force: true });
  else if (isRenewed(directory)) await takeRenewed(directory);
}
