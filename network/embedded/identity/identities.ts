/**
 * The identities of a channel: parses creators, says whether they are valid members, checks their signatures and
 * principals. All of it is asked several times per transaction, so answers are kept, bounded.
 */
import { hash, verify } from 'node:crypto';
import { msp } from '@hyperledger/fabric-protos';
import { bufferOf, mapKey } from '@telemed-ledger/formats/bytes.ts';
import { hasLowS } from '@telemed-ledger/formats/der/signature.ts';
import { LRUCache } from 'lru-cache';
import type { Identities, Identity } from '../seams.ts';
import { type Certificate, parseCertificate } from './certificate.ts';
import { Msp } from './msp.ts';
import { type PrincipalSubject, type PrincipalTest, principalTest } from './principal.ts';

const PARSED_KEPT = 10_000;
const VERIFICATIONS_KEPT = 16_384;

/** Beside the seam, what the policy layer needs: one person stays one however the PEM or the CA's signature is written. */
export interface ParsedIdentity extends Identity, PrincipalSubject {
  /** Equal for identities that Fabric treats as one signer. */
  signerKey: string;
}

interface KnownIdentity extends ParsedIdentity {
  certificate: Certificate;
}

/**
 * The channel's identities, from its MSP configurations; of two with one id the first counts. `furtherRevocations` are PEM lists by MSP id, besides those
 * of the configurations. @throws Error on an MSP configuration with an unparsable certificate or list.
 */
export function createIdentities(
  configs: readonly msp.FabricMSPConfig[],
  furtherRevocations: ReadonlyMap<string, readonly string[]> = new Map(),
): Identities {
  return new ChannelIdentities(configs.map((config) => new Msp(config, furtherRevocations.get(config.getName()))));
}

/** What `parse` of these identities really answers. */
export function parsed(identity: Identity): ParsedIdentity {
  return identity as ParsedIdentity;
}

class ChannelIdentities implements Identities {
  readonly #msps: ReadonlyMap<string, Msp>;
  readonly #parsed = new LRUCache<string, KnownIdentity>({ max: PARSED_KEPT });
  readonly #verifications = new LRUCache<string, Promise<boolean>>({ max: VERIFICATIONS_KEPT });
  readonly #tests = new WeakMap<msp.MSPPrincipal, PrincipalTest>();

  constructor(msps: readonly Msp[]) {
    this.#msps = new Map(msps.toReversed().map((entry) => [entry.id, entry]));
  }

  parse(creator: Uint8Array): Identity | undefined {
    const key = mapKey(creator);
    const known = this.#parsed.get(key);
    if (known !== undefined) return known;
    const identity = this.#read(creator);
    if (identity !== undefined) this.#parsed.set(key, identity);
    return identity;
  }

  invalidity(identity: Identity): string | undefined {
    return parsed(identity).invalidity;
  }

  remember(identity: Identity, message: Uint8Array, signature: Uint8Array): void {
    this.#verifications.set(verificationKey(identity, message, signature), Promise.resolve(true));
  }

  async verify(identity: Identity, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    const { certificate } = identity as KnownIdentity;
    const key = verificationKey(identity, message, signature);
    const known = this.#verifications.get(key);
    if (known !== undefined) return known;
    const outcome = verifySignature(certificate, message, bufferOf(signature));
    this.#verifications.set(key, outcome);
    return outcome;
  }

  satisfies(identity: Identity, principal: msp.MSPPrincipal): boolean {
    let test = this.#tests.get(principal);
    if (test === undefined) {
      test = principalTest(principal);
      this.#tests.set(principal, test);
    }
    return test(parsed(identity));
  }

  mspIds(): string[] {
    return [...this.#msps.keys()];
  }

  #read(creator: Uint8Array): KnownIdentity | undefined {
    try {
      const serialized = msp.SerializedIdentity.deserializeBinary(creator);
      const mspId = serialized.getMspid();
      const certificate = parseCertificate(Buffer.from(serialized.getIdBytes_asU8()).toString('latin1'));
      const membership = this.#msps.get(mspId)?.membershipOf(certificate);
      if (membership === undefined) return undefined;
      return knownIdentity(creator, mspId, certificate, membership);
    } catch {
      return undefined;
    }
  }
}

function knownIdentity(
  creator: Uint8Array,
  mspId: string,
  certificate: Certificate,
  membership: Pick<ParsedIdentity, 'nodeOu' | 'invalidity'>,
): KnownIdentity {
  return {
    mspId,
    creator: Uint8Array.from(creator),
    ...membership,
    organizationalUnits: certificate.organizationalUnits,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    signerKey: `${mspId}/${certificate.fingerprint}`,
    certificate,
  };
}

function verificationKey(identity: Identity, message: Uint8Array, signature: Uint8Array): string {
  return (identity as KnownIdentity).signerKey + hash('sha256', message, 'binary') + mapKey(signature);
}

/** In the thread pool, so that the event loop stays free and the second core is used. */
function verifySignature(certificate: Certificate, message: Uint8Array, signature: Buffer): Promise<boolean> {
  if (!hasLowS(signature)) return Promise.resolve(false);
  return new Promise((resolve) => {
    verify('sha256', message, certificate.publicKey, signature, (error, valid) => resolve(error === null && valid));
  });
}
