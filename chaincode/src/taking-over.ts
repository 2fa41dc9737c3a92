/**
 * One chaincode takes the place of another at the same address: it is loaded while the other serves, and listens the moment
 * that one has ended.
 */
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 10;

/** What it says once it is loaded. */
const WAITING = 'the chaincode is loaded and waits for';

/** Says that it waits; answers when nobody listens there. @param address host:port */
export async function untilFree(address: string): Promise<void> {
  process.stdout.write(`${WAITING} ${address}\n`);
  while (!(await isFree(address))) await delay(POLL_MS);
}

/** @throws Error where the address cannot be bound for another reason than that somebody has it */
function isFree(address: string): Promise<boolean> {
  const at = address.lastIndexOf(':');
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen(Number(address.slice(at + 1)), address.slice(0, at), () => server.close(() => resolve(true)));
  });
}
