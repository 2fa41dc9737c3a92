/** Whether the ports that the network is about to use are free. */
import { createServer } from 'node:net';
import { NATIVE } from './place.ts';

export interface PortUse {
  port: number;
  process: string;
  use: string;
}

/** One line for each that cannot be listened on. */
export async function takenPorts(uses: readonly PortUse[]): Promise<string[]> {
  const lines = await Promise.all(
    uses.map(async ({ port, process, use }) => {
      const error = await listenError(port);
      if (error === undefined) return [];
      const why = error === 'EADDRINUSE' ? 'is taken by another program' : `cannot be listened on (${error})`;
      return [`port ${port} (${process}, ${use}) ${why}: free it, or change the port in the consortium's definition`];
    }),
  );
  return lines.flat();
}

function listenError(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, NATIVE.listenHost, () => server.close(() => resolve(undefined)));
  });
}
