/** ASN.1 DER as far as Fabric's signatures and block headers have it: elements of less than 128 bytes, unsigned integers. */
import { fromHex } from './tree.ts';

export const TAG = { integer: 0x02, octetString: 0x04, sequence: 0x30 } as const;

export const element = (tag: number, ...parts: Uint8Array[]): Uint8Array => {
  const content = parts.flatMap((part) => [...part]);
  return Uint8Array.of(tag, content.length, ...content);
};

/** An INTEGER in its shortest form. */
export function unsigned(value: bigint): Uint8Array {
  const hex = value.toString(16);
  const magnitude = fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
  return element(TAG.integer, magnitude[0]! < 0x80 ? new Uint8Array() : new Uint8Array(1), magnitude);
}
