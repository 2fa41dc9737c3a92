/** HTTP servers that listen and close in order. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The address that a server listens on; port 0 lets the system choose. Rejects where the port is taken. */
export async function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(taken ? new Error(`port ${port} on ${host} is taken`, { cause: error }) : error);
    });
    server.listen(port, host, resolve);
  });
  return server.address() as AddressInfo;
}

/** Takes no more connections and cuts those that there are: what is to be answered must have been (see drain.ts). */
export async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const done = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeAllConnections();
  await done;
}
