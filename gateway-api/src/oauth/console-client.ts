/** The gateway's own pages as a client of its authorization server: known without a registration, let in at one address alone. */
import type { Client } from './clients.ts';

const CONSOLE = 'console';

export const isConsole = ({ id }: Pick<Client, 'id'>): boolean => id === CONSOLE;

/** @param origin where clients find this gateway, without a slash at the end */
export const consoleClient = (origin: string): Client => ({
  ...{ id: CONSOLE, name: 'Telemed Ledger', redirectUris: [`${origin}/`], since: '2026-11-30T00:00:00.000Z' },
});
