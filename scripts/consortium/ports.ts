/** Whether ports of this machine are free, found out before anything is started on them. */
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type PortOwner, portVariable } from '@telemed-ledger/consortium/variables.ts';

const LAST_PORT = 65_535;

/** A port as a variable of the environment has it, 0 for any free one; undefined for what is none. */
export const portIn = (text: string): number | undefined =>
  /^\d{1,5}$/.test(text) && Number(text) <= LAST_PORT ? Number(text) : undefined;

function portError(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}

/**
 * One line for each port (by organisation name) that cannot be listened on; 0 means any free one and is skipped.
 * @param patienceMs how long a port may stay taken, by a process that is about to end
 */
export async function takenPorts(
  ports: Record<string, number>,
  owner: PortOwner = 'gateway',
  patienceMs = 0,
): Promise<string[]> {
  const deadline = Date.now() + patienceMs;
  const lines = await Promise.all(
    Object.entries(ports).map(async ([organisation, port]) => {
      const error = port === 0 ? undefined : await lastingError(port, deadline);
      if (error === undefined) return [];
      const why = error === 'EADDRINUSE' ? 'is taken by another program' : `cannot be listened on (${error})`;
      return [`port ${port} of ${organisation}'s ${owner} ${why}; free it or set ${portVariable(organisation, owner)}`];
    }),
  );
  return lines.flat();
}

const POLL_MS = 100;

async function lastingError(port: number, deadline: number): Promise<string | undefined> {
  for (;;) {
    const error = await portError(port);
    if (error === undefined || Date.now() >= deadline) return error;
    await delay(POLL_MS);
  }
}
