/** What a browser loads before it shows anything: little, and nothing of another origin. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ASSETS, pages } from './build.ts';

const FIRST_LOAD_BYTES = 90_000;
/** What a desk's first page needs beside: its own part and those that parts share, and the messages of a language. */
const DESK_BYTES = 20_000;
const LICENCES = /^(?:MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD)$/;

describe('The pages', () => {
  it('load at most 90 kB in gzip before anything is shown, and that with the page of a desk', async () => {
    const { first, assets, document } = await pages();
    const bytes = first.reduce((sum, name) => sum + assets.get(name)!.gzip.length, document.gzip.length);
    expect(bytes).to.be.greaterThan(5_000);
    expect(bytes).to.be.lessThan(FIRST_LOAD_BYTES - DESK_BYTES);
    const parts = [...assets].filter(([name]) => name.startsWith('part-') && !first.includes(name));
    const large = parts.filter(([, { gzip }]) => gzip.length > DESK_BYTES / 2);
    // The charts and the verifier alone are large, and come when they are used.
    expect(large.length).to.be.lessThan(3);
  });

  it('stand in a document without scripts, styles or addresses of others', async () => {
    const { document, assets } = await pages();
    const html = document.bytes.toString();
    expect(html).to.not.match(/<script(?![^>]* src=)|<style|style=|\son\w+=|https?:/);
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect(path).to.match(new RegExp(`^${ASSETS}`));
      expect(assets.has(path!.slice(ASSETS.length)), path).to.equal(true);
    }
  });

  it('are made once, and each name holds the hash of what it stands for', async () => {
    expect(await pages()).to.equal(await pages());
    for (const name of (await pages()).assets.keys()) expect(name).to.match(/^[a-z]+-[A-Z0-9]{8}\.(?:js|css|svg)$/);
  });

  it('never put a text into the page as markup', () => {
    const sources = readdirSync(join(import.meta.dirname, 'src'), { recursive: true, encoding: 'utf8' });
    const texts = sources.filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.test.ts'));
    expect(texts.length).to.be.greaterThan(20);
    const risky = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc/;
    const found = texts.filter((name) => risky.test(readFileSync(join(import.meta.dirname, 'src', name), 'utf8')));
    expect(found).to.deep.equal([]);
    expect(
      texts.filter((name) => readFileSync(join(import.meta.dirname, 'src', name), 'utf8').includes('createPolicy(')),
    ).to.deep.equal([join('parts', 'narrative.tsx')]);
  });

  it('are made of packages that may be passed on', () => {
    const { dependencies } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'));
    for (const name of Object.keys(dependencies)) {
      const file = join(import.meta.dirname, '..', '..', 'node_modules', name, 'package.json');
      const { license } = JSON.parse(readFileSync(file, 'utf8'));
      expect(license, name).to.match(LICENCES);
    }
  });
});
