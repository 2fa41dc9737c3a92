/** A repair in a process of its own that may be killed. Its argument is a file with the network's configuration. */
import { readFileSync } from 'node:fs';
import { repairLedger } from './repair.ts';

const [file = ''] = process.argv.slice(2);
await repairLedger({ config: JSON.parse(readFileSync(file, 'utf8')), organisation: undefined });
