/** One organisation's peer: the height it has reached, the state as of that height, and who listens to its blocks. */
import type { CommittedBlock } from '../seams.ts';
import type { CommittedDefinition } from './definitions/definitions.ts';
import type { View } from './state/store.ts';

export interface PublishedState {
  view: View;
  definitions: ReadonlyMap<string, CommittedDefinition>;
}

export class PeerView {
  #state: PublishedState;
  #lagMs = 0;
  #waiting: { state: PublishedState; block: CommittedBlock }[] = [];
  #timer: NodeJS.Timeout | undefined;
  readonly #listeners = new Set<(block: CommittedBlock) => void>();

  /** Takes over the view given. */
  constructor(state: PublishedState) {
    this.#state = state;
  }

  get state(): PublishedState {
    return this.#state;
  }

  subscribe(listener: (block: CommittedBlock) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** From now on blocks become visible `ms` later; 0 catches up at once. */
  lag(ms: number): void {
    this.#lagMs = ms;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (ms === 0) this.#catchUp();
    else if (this.#waiting.length > 0) this.#wait();
  }

  /** Takes over the view given, now or after the lag. */
  advance(state: PublishedState, block: CommittedBlock): void {
    this.#waiting.push({ state, block });
    if (this.#lagMs === 0) this.#catchUp();
    else if (!this.#timer) this.#wait();
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { state } of this.#waiting.splice(0)) state.view.release();
    this.#listeners.clear();
    this.#state.view.release();
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#next();
      if (this.#waiting.length > 0) this.#wait();
    }, this.#lagMs);
  }

  #catchUp(): void {
    while (this.#waiting.length > 0) this.#next();
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (!next) return;
    this.#state.view.release();
    this.#state = next.state;
    for (const listener of [...this.#listeners]) notify(listener, next.block);
  }
}

/** A listener that fails must not keep the others, or the commit, from going on. */
function notify(listener: (block: CommittedBlock) => void, block: CommittedBlock): void {
  try {
    listener(block);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}
