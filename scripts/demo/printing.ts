/** Prints the story: bold titles and dim receipts on a terminal, plain text elsewhere and under NO_COLOR. */
import type { Parties } from './parties.ts';
import type { Narrator, Step } from './step.ts';

export class Printer implements Narrator {
  readonly #parties: Parties;
  readonly #colour: boolean;
  readonly #print: (line: string) => void;

  constructor(parties: Parties, colour: boolean, print: (line: string) => void) {
    this.#parties = parties;
    this.#colour = colour;
    this.#print = print;
  }

  step(number: number, { title }: Pick<Step, 'title'>): void {
    this.#print(`\n${this.#styled('1', `${number}. ${title}`)}`);
  }

  fact(text: string): void {
    this.#print(`   ${text}`);
  }

  async wrote(what: string, organisation: string, transactionId: string): Promise<void> {
    const { endorsers, block } = await this.#parties.of(organisation, 'system').receipt(transactionId);
    this.#print(`   ${this.#styled('32', '✔')} ${what}`);
    this.#print(this.#styled('2', `     transaction ${transactionId}`));
    this.#print(this.#styled('2', `     block ${block}, endorsed by ${endorsers.join(' and ')}`));
  }

  #styled(code: string, text: string): string {
    return this.#colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

/** https://no-color.org */
export const hasColour = (stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): boolean =>
  stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '';
