/** An archive holds what was put in, for those who may read it; a changed, cut or foreign one is refused whole. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { expect } from 'chai';
import { readArchive, writeArchive } from './archive.ts';

const ABOUT = {
  organisation: 'clinic',
  network: 'fabric' as const,
  channel: 'telemed',
  genesis: '00',
  height: 3,
  lastBlock: '01',
  madeAt: '2026-01-01T00:00:00.000Z',
};
const SECRET = 'a private key';

describe("A backup's archive", () => {
  let directory: string;
  let source: string;
  const at = (name: string): string => join(directory, name);

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'archive-'));
    source = at('source');
    mkdirSync(join(source, 'keys', 'of', 'a-long-name-'.repeat(12)), { recursive: true });
    writeFileSync(join(source, 'keys', 'of', 'a-long-name-'.repeat(12), 'key.pem'), SECRET);
    writeFileSync(join(source, 'empty'), '');
    writeFileSync(join(source, 'large'), Buffer.alloc(300_000, 'x'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const refusal = async (file: string, identities: string[] = []): Promise<string> => {
    const message = await readArchive(file, at('refused'), identities).then(
      () => 'not refused',
      (error: Error) => error.message,
    );
    expect(existsSync(at('refused')), 'nothing is left').to.equal(false);
    return message;
  };

  it('is what was put in, encrypted or not, and written under its name when it is whole', async () => {
    const identity = await generateX25519Identity();
    const recipients = [await identityToRecipient(identity)];
    for (const [name, to] of Object.entries({ plain: [], encrypted: recipients })) {
      const written = await writeArchive(source, ABOUT, at(name), to);
      const read = await readArchive(at(name), at(`${name}.read`), [identity]);
      expect(read).to.deep.equal(written);
      expect(read.files.map(({ path }) => path)).to.have.length(3);
      for (const { path } of read.files)
        expect(readFileSync(join(at(`${name}.read`), path)).equals(readFileSync(join(source, path))), path).to.equal(
          true,
        );
    }
    expect(readdirSync(directory).filter((name) => name.endsWith('.partial'))).to.deep.equal([]);
    expect(readFileSync(at('encrypted'), 'latin1')).to.match(/^age-encryption\.org\/v1\n/);
  });

  it('overwrites nothing', async () => {
    writeFileSync(at('there'), 'of before');
    const message = await writeArchive(source, ABOUT, at('there'), []).catch((error: Error) => error.message);
    expect(message).to.contain('was not overwritten');
    expect(readFileSync(at('there'), 'utf8')).to.equal('of before');
    expect(readdirSync(directory).sort()).to.deep.equal(['source', 'there']);
  });

  it('names a recipient that is none', async () => {
    const message = await writeArchive(source, ABOUT, at('new'), ['age1nobody']).catch((error: Error) => error.message);
    expect(message).to.equal('age1nobody is no age recipient (age1…)');
  });

  it('is refused without its key, and with another', async () => {
    const identity = await generateX25519Identity();
    await writeArchive(source, ABOUT, at('encrypted'), [await identityToRecipient(identity)]);
    expect(await refusal(at('encrypted'))).to.contain('--identity');
    expect(await refusal(at('encrypted'), [await generateX25519Identity()])).to.contain('is not used');
  });

  it('is refused wherever it was changed or cut off', async () => {
    const identity = await generateX25519Identity();
    await writeArchive(source, ABOUT, at('encrypted'), [await identityToRecipient(identity)]);
    const whole = readFileSync(at('encrypted'));
    for (let turn = 1; turn <= 8; turn += 1) {
      const place = Math.floor((whole.length * turn) / 9);
      const changed = Buffer.from(whole);
      changed[place]! ^= 1;
      writeFileSync(at('changed'), changed);
      expect(await refusal(at('changed'), [identity]), `byte ${place}`).to.contain('is not used');
      writeFileSync(at('cut'), whole.subarray(0, place));
      expect(await refusal(at('cut'), [identity]), `${place} bytes`).to.contain('is not used');
    }
  });

  it('is refused where a file is another than its manifest says, though nothing encrypts it', async () => {
    await writeArchive(source, ABOUT, at('plain'), []);
    const tar = gunzipSync(readFileSync(at('plain')));
    const place = tar.lastIndexOf(SECRET);
    tar[place]! ^= 1;
    writeFileSync(at('changed'), gzipSync(tar));
    expect(await refusal(at('changed'))).to.contain('key.pem is not what its manifest says');
  });

  it('is refused where it would write outside, has no manifest, or is no archive', async () => {
    await writeArchive(source, ABOUT, at('plain'), []);
    const tar = gunzipSync(readFileSync(at('plain')));
    const outside = Buffer.from(tar.toString('latin1').replace('"path":"empty"', '"path":"../mp"'), 'latin1');
    writeFileSync(at('outside'), gzipSync(outside));
    expect(await refusal(at('outside'))).to.contain('../mp would lie outside');
    writeFileSync(at('other'), gzipSync(Buffer.alloc(1024)));
    expect(await refusal(at('other'))).to.contain('it ends before manifest.json');
    writeFileSync(at('text'), 'no archive');
    expect(await refusal(at('text'))).to.contain('is not used');
  });
});
