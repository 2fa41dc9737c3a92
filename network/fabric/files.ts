/** Files of the running network: written whole or not at all, and only when they differ, so that every start may repeat it. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { stringify } from 'yaml';

const OWNER_ONLY = 0o600;

/** @returns whether the file was new or other than before. */
export function writeIfDifferent(path: string, content: string | Uint8Array): boolean {
  const bytes = Buffer.from(content);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return false;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, bytes, { mode: OWNER_ONLY, flush: true });
  renameSync(`${path}.new`, path);
  return true;
}

export const writeYaml = (path: string, value: object): boolean =>
  writeIfDifferent(path, stringify(value, { aliasDuplicateObjects: false }));
