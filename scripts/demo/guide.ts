/**
 * `npm run demo -- --browser`: after each step, on which page it shows, as whom, and which button of it would have done the step. The
 * page of an organisation is opened when the story first comes to it, where the machine has something to open it with.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline/promises';
import type { OnPage } from './step.ts';

/** What opens an address in the browser of whoever works here. */
const OPENERS: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', linux: 'xdg-open', win32: 'explorer' };

export class Guide {
  readonly #urls: Record<string, string>;
  readonly #codeOf: (organisation: string) => string;
  readonly #print: (line: string) => void;
  readonly #opened = new Set<string>();

  /** @param codeOf the sign-in code of an organisation's development issuer */
  constructor(urls: Record<string, string>, codeOf: (organisation: string) => string, print: (line: string) => void) {
    this.#urls = urls;
    this.#codeOf = codeOf;
    this.#print = print;
  }

  /** Says where a step shows, and waits for the Enter key where somebody can press it. */
  async show({ at, page, button }: OnPage, person: string): Promise<void> {
    const url = this.#urls[at] ?? '';
    this.#print(`   ▸ ${url}/ (code ${this.#codeOf(at)}), as ${person}: “${page}”. ${button}`);
    this.#open(at, url);
    if (!process.stdin.isTTY) return;
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    await lines.question('     Enter goes on. ');
    lines.close();
  }

  #open(organisation: string, url: string): void {
    const opener = OPENERS[process.platform];
    if (opener === undefined || this.#opened.has(organisation)) return;
    this.#opened.add(organisation);
    // Where there is none, the address stands above.
    spawn(opener, [`${url}/`], { stdio: 'ignore', detached: true })
      .on('error', () => undefined)
      .unref();
  }
}
