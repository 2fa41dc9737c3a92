/** The loader's progress: one line that is written over on a terminal, and a line every few seconds elsewhere. */
const TERMINAL_MS = 200;
const PLAIN_MS = 2_000;

export interface Progress {
  done: number;
  total: number;
}

/** `1,200 of 3,407 resources, 640/s, 2,207 remaining (4 s)` */
function progressText({ done, total }: Progress, elapsedMs: number): string {
  const count = (n: number) => n.toLocaleString('en');
  const rate = elapsedMs > 0 ? (done * 1000) / elapsedMs : 0;
  const remaining = total - done;
  const time = rate > 0 && remaining > 0 ? ` (${Math.ceil(remaining / rate)} s)` : '';
  return `${count(done)} of ${count(total)} resources, ${count(Math.round(rate))}/s, ${count(remaining)} remaining${time}`;
}

export class ProgressLine {
  readonly #out: NodeJS.WriteStream;
  readonly #timer: NodeJS.Timeout;
  readonly #started = performance.now();
  readonly #progress: () => Progress;
  #shown = '';

  constructor(out: NodeJS.WriteStream, progress: () => Progress) {
    this.#out = out;
    this.#progress = progress;
    this.#timer = setInterval(() => this.#show(), out.isTTY ? TERMINAL_MS : PLAIN_MS);
    this.#timer.unref();
  }

  /** Writes a line of its own. */
  note(text: string): void {
    this.#out.write(this.#out.isTTY ? `\r\x1b[K${text}\n${this.#shown}` : `${text}\n`);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#show();
    if (this.#out.isTTY) this.#out.write('\n');
  }

  #show(): void {
    const text = progressText(this.#progress(), performance.now() - this.#started);
    if (text === this.#shown) return;
    this.#shown = text;
    this.#out.write(this.#out.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
  }
}
