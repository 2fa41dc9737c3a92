/** Whether ports of this machine are free, found out before anything is started on them. */
import { createServer } from 'node:net';

function portError(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
}

/** One line for each port (by organisation name) that cannot be listened on; 0 means any free one and is skipped. */
export async function takenPorts(ports: Record<string, number>): Promise<string[]> {
  const lines = await Promise.all(
    Object.entries(ports).map(async ([organisation, port]) => {
      const error = port === 0 ? undefined : await portError(port);
      if (error === undefined) return [];
      const why = error === 'EADDRINUSE' ? 'is taken by another program' : `cannot be listened on (${error})`;
      return [`port ${port} of ${organisation}'s gateway ${why}; free it or set ${portVariable(organisation)}`];
    }),
  );
  return lines.flat();
}

/** The environment variable that changes an organisation's gateway port. */
export const portVariable = (organisation: string): string => `GATEWAY_PORT_${inVariable(organisation)}`;

/** The environment variable that says where an organisation's gateway is, for those who call it. */
export const urlVariable = (organisation: string): string => `GATEWAY_URL_${inVariable(organisation)}`;

const inVariable = (organisation: string): string => organisation.toUpperCase().replaceAll('-', '_');
