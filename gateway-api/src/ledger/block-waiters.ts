/** Who waits until the read model holds a block. */

interface Waiter {
  block: number;
  wake: (isThere: boolean) => void;
}

export class BlockWaiters {
  readonly #waiting = new Set<Waiter>();

  /** Whether `block` was there before `deadline` (milliseconds since 1970); `position` is the last one that is there now. */
  async until(block: number, position: number, deadline: number): Promise<boolean> {
    if (position >= block) return true;
    let timer: NodeJS.Timeout | undefined;
    let waiter: Waiter | undefined;
    try {
      return await new Promise<boolean>((resolve) => {
        waiter = { block, wake: resolve };
        this.#waiting.add(waiter);
        timer = setTimeout(resolve, Math.max(0, deadline - Date.now()), false);
      });
    } finally {
      clearTimeout(timer);
      if (waiter !== undefined) this.#waiting.delete(waiter);
    }
  }

  /** The read model holds this block, and all before it. */
  holds(block: number): void {
    for (const waiter of this.#waiting) if (waiter.block <= block) waiter.wake(true);
  }
}
