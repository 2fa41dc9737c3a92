/** For tests: those of Fabric's programs that nothing of the product uses, where they happen to be beside the others. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Its path, in FABRIC_BIN or on the PATH; undefined where it is missing. */
export const toolAt = (name: string): string | undefined =>
  (process.env['FABRIC_BIN'] ?? process.env['PATH'] ?? '')
    .split(delimiter)
    .map((place) => join(place, name))
    .find(existsSync);
