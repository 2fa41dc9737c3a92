/** What a simulation's writes and private reads ask of an endorsement plan (spec 1.3, step 2). */

import { mapKey } from '@telemed-ledger/formats/bytes.ts';
import type { SimulationResult } from '../../seams.ts';

const SYSTEM = new Set(['_lifecycle', 'lscc', 'cscc', 'qscc', 'escc', 'vscc']);

interface NamespaceInterest {
  /** Distinct VALIDATION_PARAMETERs of written keys. */
  keyPolicies: Map<string, Uint8Array>;
  publicPolicyRequired: boolean;
  wrote: boolean;
  collectionsWritten: Set<string>;
  collectionsRead: Set<string>;
}

export class Interest {
  readonly #namespaces = new Map<string, NamespaceInterest>();

  /** A key (or its metadata) was written; `policy` is its committed VALIDATION_PARAMETER. */
  wrote(namespace: string, collection: string, policy: Uint8Array | undefined): void {
    const interest = this.#of(namespace);
    interest.wrote = true;
    if (policy) interest.keyPolicies.set(mapKey(policy), policy);
    else if (collection === '') interest.publicPolicyRequired = true;
    else interest.collectionsWritten.add(collection);
  }

  readPrivate(namespace: string, collection: string): void {
    this.#of(namespace).collectionsRead.add(collection);
  }

  /** For all namespaces that the read/write set names, system ones left out. */
  of(namespaces: string[]): SimulationResult['interest'] {
    return namespaces
      .filter((namespace) => !SYSTEM.has(namespace))
      .map((namespace) => {
        const interest = this.#of(namespace);
        return {
          namespace,
          keyPolicies: [...interest.keyPolicies.values()],
          namespacePolicyRequired: interest.publicPolicyRequired || !interest.wrote,
          collectionsWritten: [...interest.collectionsWritten],
          collectionsRead: [...interest.collectionsRead],
        };
      });
  }

  #of(namespace: string): NamespaceInterest {
    let interest = this.#namespaces.get(namespace);
    if (!interest) {
      interest = {
        keyPolicies: new Map(),
        publicPolicyRequired: false,
        wrote: false,
        collectionsWritten: new Set(),
        collectionsRead: new Set(),
      };
      this.#namespaces.set(namespace, interest);
    }
    return interest;
  }
}
