/** The files by which the others know an organisation (elsewhere.ts): written for them, and taken from them. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** By their names in the organisation's directory. */
const PUBLIC = /^(elsewhere|ca\/(ca|tlsca|crl)\.pem|orderers\/[a-z0-9-]+\/(cert|tls)\.pem)$/;
const AUTHORITIES = ['ca/ca.pem', 'ca/tlsca.pem'];
const PRIVATE_KEY = /PRIVATE KEY/;

/** Texts by file name: certificates and revocation lists, and nothing else. */
export function publicFilesIn(directory: string): Map<string, string> {
  if (!existsSync(directory)) return new Map();
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => PUBLIC.test(file));
  return new Map(files.toSorted().map((file) => [file, readFileSync(join(directory, file), 'utf8')]));
}

/** What is wrong with files that another organisation has sent; undefined where they can be taken. */
export function faultOf(directory: string): string | undefined {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
  const other = files.find((file) => !PUBLIC.test(file));
  if (other !== undefined) return `${other} is none of the files by which an organisation is known`;
  const texts = publicFilesIn(directory);
  const secret = [...texts].find(([, text]) => PRIVATE_KEY.test(text));
  if (secret !== undefined) return `${secret[0]} holds a private key: nobody else may have it`;
  for (const file of AUTHORITIES) if (!isAuthority(texts.get(file))) return `${file} is no authority's certificate`;
  return undefined;
}

function isAuthority(pem: string | undefined): boolean {
  try {
    return pem !== undefined && new X509Certificate(pem).ca;
  } catch {
    return false;
  }
}

/** For operators, who read them to each other. */
export const fingerprintsOf = (files: ReadonlyMap<string, string>): string[] =>
  AUTHORITIES.flatMap((file) => {
    const pem = files.get(file);
    return pem === undefined ? [] : [`${file} ${new X509Certificate(pem).fingerprint256}`];
  });

/** Whether both are known by the same authorities. */
export const areSameAuthorities = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean =>
  AUTHORITIES.every((file) => one.get(file)?.trim() === other.get(file)?.trim());
