/**
 * The code that a provider hands to a patient: 128 random bits in Crockford's base32 with his check symbol
 * (crockford.com/base32.html), from which the id of the code and a key for one use (Ed25519) are derived by HKDF (RFC 5869). Whoever
 * passes on what is signed with that key learns nothing of the code.
 */
import canonicalize from 'canonicalize';
import { type Bytes, type Key, sha256, toBase64Url, toHex, utf8 } from './bytes.ts';

const SYMBOLS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CHECKS = `${SYMBOLS}*~$=U`;
const SEED_BYTES = 16;
const DIGITS = 26;
const GROUPS = /^(.{5})(.{5})(.{5})(.{5})(.{7})$/;

export interface Code {
  /** Random UUID in lower case: under which the ledger has it. */
  id: string;
  /** base64url of 32 bytes. */
  publicKey: string;
  privateKey: Key;
}

/** A code as a patient reads it: `7ZZZZ-ZZZZZ-…`. @param seed 16 bytes; random ones where nothing is said */
export function newCode(seed: Bytes = crypto.getRandomValues(new Uint8Array(SEED_BYTES))): string {
  let left = BigInt(`0x${toHex(seed)}`);
  const check = CHECKS[Number(left % 37n)];
  let text = '';
  for (let digit = 0; digit < DIGITS; digit += 1, left /= 32n) text = `${SYMBOLS[Number(left % 32n)]}${text}`;
  return `${text}${check}`.replace(GROUPS, '$1-$2-$3-$4-$5');
}

/**
 * What a code stands for. Upper and lower case, spaces and dashes make no difference; O is 0, I and L are 1.
 * @throws {Error} where it is mistyped
 */
export async function readCode(text: string): Promise<Code> {
  const seed = seedOf(text);
  const id = (await derived(seed, 'id')).slice(0, SEED_BYTES);
  id[6] = (id[6]! & 0x0f) | 0x80;
  id[8] = (id[8]! & 0x3f) | 0x80;
  return { id: toHex(id).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'), ...(await keyOf(seed)) };
}

function seedOf(text: string): Bytes {
  const symbols = text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  const digits = symbols.slice(0, DIGITS);
  let value = 0n;
  for (const digit of digits) {
    const found = SYMBOLS.indexOf(digit);
    if (found < 0) throw new Error('the code has a symbol that no code has');
    value = value * 32n + BigInt(found);
  }
  const isWhole = symbols.length === DIGITS + 1 && value < 1n << 128n;
  if (!isWhole || CHECKS[Number(value % 37n)] !== symbols[DIGITS]) throw new Error('the code is mistyped');
  const hex = value.toString(16).padStart(2 * SEED_BYTES, '0');
  return Uint8Array.from({ length: SEED_BYTES }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}

async function derived(seed: Bytes, info: string): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', seed, 'HKDF', false, ['deriveBits']);
  const algorithm = {
    name: 'HKDF',
    hash: 'SHA-256',
    salt: new Uint8Array(),
    info: utf8(`telemed-ledger key code v1 ${info}`),
  };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, 256));
}

/** A private key on Ed25519 (RFC 8410), before its 32 bytes. */
const PKCS8 = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

async function keyOf(seed: Bytes): Promise<Pick<Code, 'publicKey' | 'privateKey'>> {
  const pkcs8 = Uint8Array.from([...PKCS8, ...(await derived(seed, 'key'))]);
  const imported = (extractable: boolean) => crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', extractable, ['sign']);
  const { x = '' } = await crypto.subtle.exportKey('jwk', await imported(true));
  return { publicKey: x, privateKey: await imported(false) };
}

/** Whose key it is to be, and where. */
export interface Enrolment {
  /** Name of the provider that has handed out the code. */
  provider: string;
  /** Id of the Patient. */
  patient: string;
  /** The request for her key, DER. */
  request: Bytes;
}

/** The code's signature of a request: base64url. */
export async function signedWithCode(
  { id, privateKey }: Code,
  { provider, patient, request }: Enrolment,
): Promise<string> {
  const said = {
    act: 'enrol',
    code: id,
    patient,
    provider,
    request: toHex(await sha256(request)),
    typ: 'telemed-key-code',
  };
  const signature = await crypto.subtle.sign('Ed25519', privateKey, utf8(canonicalize(said) ?? ''));
  return toBase64Url(new Uint8Array(signature));
}
