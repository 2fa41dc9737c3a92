/** Fabric CA's own programs: where they are. They come from the Fabric project, never with this one. */
import { delimiter, join } from 'node:path';
import { isExecutable } from '../../executable.ts';

export type Program = 'fabric-ca-client' | 'fabric-ca-server';

const WHERE_TO_GET_THEM = `Get Hyperledger Fabric CA 1.5.21 or newer of the 1.5 series from the Fabric project
(https://github.com/hyperledger/fabric-ca/releases), then set FABRIC_CA_BIN to its bin directory or put that on the PATH.`;

/** FABRIC_CA_CLIENT names the client itself; otherwise a program is in FABRIC_CA_BIN, in FABRIC_BIN or on the PATH. */
export function findProgram(program: Program, environment: NodeJS.ProcessEnv): string | undefined {
  const client = environment['FABRIC_CA_CLIENT'];
  if (program === 'fabric-ca-client' && client) return isExecutable(client) ? client : undefined;
  const directories = [environment['FABRIC_CA_BIN'], environment['FABRIC_BIN']];
  const places = [...directories, ...(environment['PATH'] ?? '').split(delimiter)];
  return places
    .filter((place) => place !== undefined && place !== '')
    .map((place) => join(place!, program))
    .find(isExecutable);
}

/** @throws Error that says where it was looked for and where it comes from. */
export function requireProgram(program: Program, environment: NodeJS.ProcessEnv): string {
  const path = findProgram(program, environment);
  if (path !== undefined) return path;
  const client = program === 'fabric-ca-client' ? environment['FABRIC_CA_CLIENT'] : undefined;
  const looked = client ? `at ${client} (FABRIC_CA_CLIENT)` : 'in FABRIC_CA_BIN, in FABRIC_BIN or on the PATH';
  throw new Error(`${program} is not ${looked}.\n${WHERE_TO_GET_THEM}`);
}
