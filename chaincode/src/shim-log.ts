/**
 * Silences fabric-shim. At its debug level it logs every argument and reply, and its logger keeps a process
 * alive that an exception should end; so its two logger modules are replaced, before anything loads them, by one
 * that says nothing. To be imported before all else.
 */
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);
const silence = (): void => {};
const silentLogger = { debug: silence, info: silence, warn: silence, error: silence };

for (const name of ['fabric-shim/lib/logger.js', 'fabric-contract-api/lib/logger.js']) {
  const path = load.resolve(name);
  const exports = { getLogger: () => silentLogger, setLevel: silence };
  load.cache[path] ??= { exports, id: path, filename: path, loaded: true } as NodeJS.Module;
}
