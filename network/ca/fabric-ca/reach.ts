/** Where an organisation's Fabric CA is and how it is known: `fabric-ca.json` beside the authorities' certificates. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';

export const FABRIC_CA_FILE = 'fabric-ca.json';

const schema = z.strictObject({
  /** `https://host:port`. */
  url: z.url({ protocol: /^https$/ }),
  /** The CA for identities and the one for TLS certificates, both of the one server. */
  caName: z.string(),
  tlsCaName: z.string(),
  /** Paths from this file's directory. The registrar's secret is read only where something is to be issued with it. */
  tlsRootCertificate: z.string(),
  registrar: z.strictObject({ name: z.string(), secretFile: z.string() }),
});

export type FabricCaFile = z.infer<typeof schema>;

export interface FabricCaReach extends FabricCaFile {
  organisation: string;
  caCertificate: string;
  tlsCaCertificate: string;
}

/** Reads `ca` of an organisation's directory; paths come back absolute. @throws Error naming what is wrong with it. */
export async function readReach(directory: string): Promise<FabricCaReach> {
  const read = (name: string) => readFile(join(directory, name), 'utf8');
  const [file, caCertificate, tlsCaCertificate] = await Promise.all(
    [FABRIC_CA_FILE, 'ca.pem', 'tlsca.pem'].map(read),
  ).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${directory} cannot be read: ${error.message}`);
  });
  const { tlsRootCertificate, registrar, ...rest } = parse(join(directory, FABRIC_CA_FILE), file!);
  return {
    ...rest,
    organisation: resolve(directory, '..').split('/').at(-1)!,
    tlsRootCertificate: resolve(directory, tlsRootCertificate),
    registrar: { ...registrar, secretFile: resolve(directory, registrar.secretFile) },
    caCertificate: caCertificate!,
    tlsCaCertificate: tlsCaCertificate!,
  };
}

function parse(path: string, text: string): FabricCaFile {
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${path} does not say where the Fabric CA is: ${(error as Error).message}`);
  }
}
