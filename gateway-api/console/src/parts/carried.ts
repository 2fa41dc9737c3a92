/** What one page hands to the next: in memory, since it names a person, and taken once, so that whoever comes again begins anew. */
import { session } from '../sign-in.ts';

export class Carried<T> {
  #value: T | undefined;

  constructor() {
    session.watch(() => {
      if (session.now === undefined) this.#value = undefined;
    });
  }

  set(value: T): void {
    this.#value = value;
  }

  take(): T | undefined {
    const found = this.#value;
    this.#value = undefined;
    return found;
  }
}
