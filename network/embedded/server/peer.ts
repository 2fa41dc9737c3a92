/** One organisation's peer as the services see it. */
import type { ChaincodeRuntime } from '../chaincode/runtime.ts';
import type { Endorser } from '../endorser/endorser.ts';
import type { Signer } from '../seams.ts';

/** While it is set, whoever waits for it waits. */
export class Pause {
  #over = Promise.resolve();
  #end: () => void = () => undefined;

  get over(): Promise<void> {
    return this.#over;
  }

  set(paused: boolean): void {
    this.#end();
    if (!paused) return;
    this.#over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }
}

export interface Peer {
  organisation: string;
  mspId: string;
  /** `127.0.0.1:port`, known once the server listens. */
  address: string;
  signer: Signer;
  runtime: ChaincodeRuntime;
  endorser: Endorser;
  /** Fault injection: aborted while the peer answers nobody, and replaced when it does again. */
  reach: AbortController;
  /** Fault injection: set while the peer answers nobody and refuses nobody. */
  pause: Pause;
}
