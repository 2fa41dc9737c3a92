/**
 * The chaincode's process. Under a parent with an IPC channel it serves the organisations that the parent's
 * first message names and ends with the channel; by itself it serves one organisation, as its environment says.
 */
import { hostRequestSchema, startHost } from './host.ts';
import { untilFree } from './taking-over.ts';

/** Tells the parent how it went: {ready: true, addresses} or {ready: false, error}. */
async function serveParent(message: unknown): Promise<void> {
  try {
    const { addresses } = await startHost(hostRequestSchema.parse(message));
    process.send?.({ ready: true, addresses });
  } catch (error) {
    process.send?.({ ready: false, error: (error as Error).message }, () => process.exit(1));
  }
}

/** Loads the server itself only here: under a parent its workers do, and this thread would hold a copy for nothing. */
async function serveAlone(): Promise<void> {
  const [{ readConfig }, { serve }] = await Promise.all([import('./config.ts'), import('./server.ts')]);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(0));
  const config = readConfig(process.env);
  if (process.env['CHAINCODE_TAKES_OVER'] !== undefined) await untilFree(config.address);
  const server = await serve(config);
  process.stdout.write(`the chaincode listens on ${server.address}\n`);
}

if (process.send !== undefined) {
  process.once('message', (message) => void serveParent(message));
  process.once('disconnect', () => process.exit(0));
  // Ctrl-C reaches the whole group; the parent stops first and then lets go of the channel.
  process.on('SIGINT', () => {});
} else {
  await serveAlone().catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
}
