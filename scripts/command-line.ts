/** What the commands of this room share: how they end, and where the consortium is that they call. */
import { join, resolve } from 'node:path';
import type { ConsortiumDefinition, OrganisationDefinition } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { portVariable, urlVariable } from '@telemed-ledger/consortium/variables.ts';
import { NoAnswer } from './http.ts';

/** The command was called wrongly; the message shows its usage. Exit code 2. */
export class UsageError extends Error {}

/** Runs a command and ends the process with its exit code; failures are one line, without a stack. */
export async function runCommand(command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    const isUsage =
      error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
    const hint = error instanceof NoAnswer && error.isRefused ? '. Is the consortium running (npm start)?' : '';
    process.stderr.write(`${(error as Error).message}${hint}\n`);
    process.exitCode = isUsage ? 2 : 1;
  }
}

/** Where the consortium keeps its state: DATA_DIR, by default .data, as for `npm start`. */
export const dataDirectory = (): string => resolve(process.env['DATA_DIR'] || '.data');

/** Where an organisation's development issuer keeps its keys. */
export const issuerDirectory = (dataDir: string, organisation: string): string =>
  join(dataDir, 'organisations', organisation, 'issuer');

/** The definition in network/consortium.yaml, or in the file CONSORTIUM names. @throws ConsortiumError */
export const definedConsortium = (): ConsortiumDefinition => loadConsortium(process.env['CONSORTIUM'] || undefined);

/** The organisations of that definition. */
export const organisations = (): OrganisationDefinition[] => definedConsortium().organisations;

/** Throws UsageError that lists those there are. */
export function organisationNamed(name: string | undefined): OrganisationDefinition {
  const all = organisations();
  const found = all.find((organisation) => organisation.name === name);
  if (found !== undefined) return found;
  const list = all.map((organisation) => organisation.name).join(', ');
  throw new UsageError(`${name === undefined ? 'name an organisation' : `there is no organisation ${name}`}: ${list}`);
}

/**
 * `http://127.0.0.1:port` of an organisation's gateway; GATEWAY_PORT_<ORGANISATION> changes the port as for `npm start`,
 * GATEWAY_URL_<ORGANISATION> the whole of it.
 */
export function gatewayUrl(organisation: Pick<OrganisationDefinition, 'name' | 'gatewayPort'>): string {
  const url = process.env[urlVariable(organisation.name)];
  if (url !== undefined) return url;
  const port = process.env[portVariable(organisation.name)] ?? organisation.gatewayPort;
  return `http://127.0.0.1:${port}`;
}

/** Base URL of every organisation's gateway, by name. */
export const gatewayUrls = (): Record<string, string> =>
  Object.fromEntries(organisations().map((organisation) => [organisation.name, gatewayUrl(organisation)]));

/** A whole number at least 1; throws UsageError. */
export function positive(option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new UsageError(`${option} takes a whole number from 1 on`);
}
