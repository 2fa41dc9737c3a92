/** Another release of the product: its sources in a directory of their own, the chaincode's changed by a comment. */
import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = new URL('../..', import.meta.url).pathname;
const ROOMS = ['chaincode', 'gateway-api', 'network', 'scripts'];
const OWN_PACKAGES = join('node_modules', '@telemed-ledger');

/** @returns the path of its `npm run network` */
export function releaseIn(directory: string): string {
  for (const room of ROOMS) {
    const isSource = (path: string): boolean => !path.includes('/node_modules');
    cpSync(join(ROOT, room), join(directory, room), { recursive: true, filter: isSource });
    const own = join(ROOT, room, 'node_modules');
    if (existsSync(own)) symlinkSync(own, join(directory, room, 'node_modules'));
  }
  cpSync(join(ROOT, 'package.json'), join(directory, 'package.json'));
  mkdirSync(join(directory, OWN_PACKAGES), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')).filter((one) => one !== '@telemed-ledger'))
    symlinkSync(join(ROOT, 'node_modules', name), join(directory, 'node_modules', name));
  // Relative: they lead to the copies.
  for (const name of readdirSync(join(ROOT, OWN_PACKAGES)))
    symlinkSync(readlinkSync(join(ROOT, OWN_PACKAGES, name)), join(directory, OWN_PACKAGES, name));
  appendFileSync(join(directory, 'chaincode', 'src', 'main.ts'), '\n// Another release.\n');
  return join(directory, 'scripts', 'network.ts');
}
