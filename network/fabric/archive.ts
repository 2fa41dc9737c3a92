/**
 * tar.gz archives whose bytes depend on their content alone: no dates, owners or machine in them, files in the order of
 * their names, and stored rather than compressed, because deflate's output differs between builds of zlib.
 * See https://www.gnu.org/software/tar/manual/html_node/Standard.html
 */
import { gzipSync } from 'node:zlib';

const BLOCK = 512;
const NAME_BYTES = 100;
const UNKNOWN_SYSTEM = 255;
const SYSTEM_BYTE = 9;

export function tarGz(files: Record<string, string | Uint8Array>): Buffer {
  const entries = Object.keys(files)
    .sort()
    .flatMap((name) => entry(name, Buffer.from(files[name]!)));
  const archive = gzipSync(Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]), { level: 0 });
  archive[SYSTEM_BYTE] = UNKNOWN_SYSTEM;
  return archive;
}

function entry(name: string, content: Buffer): Buffer[] {
  if (Buffer.byteLength(name) > NAME_BYTES) throw new Error(`the name ${name} is too long for the archive`);
  return [header(name, content.length), content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
}

/** The ustar header: name, mode, owner, group, size, time, checksum, type, …, magic. */
function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0);
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\u000000', 257);
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
