/**
 * _lifecycle's questions about one peer: the packages that it runs and the definitions that its organisation approved.
 * Here a definition is committed as a whole, so every organisation has approved what is committed.
 */
import { peer } from '@hyperledger/fabric-protos';
import type { ChaincodeRuntime } from '../chaincode/runtime.ts';
import { encodeDefinition } from '../ledger/definitions/definitions.ts';
import type { Channel, Definition, Ledger } from '../seams.ts';

const protos = peer.lifecycle;

/** A package on this peer and the committed definitions that it runs for. */
interface Installed {
  label: string;
  packageId: string;
  chaincodes: { name: string; version: string }[];
}

export class InstalledChaincodes {
  readonly #parts: { channel: Channel; ledger: Ledger; runtime: ChaincodeRuntime };

  constructor(parts: { channel: Channel; ledger: Ledger; runtime: ChaincodeRuntime }) {
    this.#parts = parts;
  }

  get channel(): Channel {
    return this.#parts.channel;
  }

  /** By package id, in its order. */
  list(): Installed[] {
    const found = new Map<string, Installed>();
    for (const [name, packageId] of this.#parts.runtime.packageIds()) {
      const installed = found.get(packageId) ?? { label: packageId.split(':')[0] ?? '', packageId, chaincodes: [] };
      const definition = this.definition(name);
      if (definition) installed.chaincodes.push({ name, version: definition.version });
      found.set(packageId, installed);
    }
    return [...found.values()].sort((one, other) => (one.packageId < other.packageId ? -1 : 1));
  }

  definition(name: string): Definition | undefined {
    return this.#parts.ledger.definition(name);
  }

  packageIdOf(chaincode: string): string | undefined {
    return this.#parts.runtime.packageIds().get(chaincode);
  }
}

type Query = (installed: InstalledChaincodes, argument: Uint8Array, channel: string) => Uint8Array;

/** From the bytes of a function's arguments to those of its result. */
export const installedQueries: Record<string, Query> = {
  QueryInstalledChaincodes: (installed) => {
    const result = new protos.QueryInstalledChaincodesResult();
    for (const { label, packageId, chaincodes } of installed.list()) {
      const entry = new protos.QueryInstalledChaincodesResult.InstalledChaincode();
      entry.setLabel(label);
      entry.setPackageId(packageId);
      const references = new protos.QueryInstalledChaincodesResult.References();
      for (const { name, version } of chaincodes) {
        const chaincode = new protos.QueryInstalledChaincodesResult.Chaincode();
        chaincode.setName(name);
        chaincode.setVersion(version);
        references.addChaincodes(chaincode);
      }
      if (chaincodes.length > 0) entry.getReferencesMap().set(installed.channel.name, references);
      result.addInstalledChaincodes(entry);
    }
    return result.serializeBinary();
  },
  QueryInstalledChaincode: (installed, argument) => {
    const packageId = protos.QueryInstalledChaincodeArgs.deserializeBinary(argument).getPackageId();
    const found = installed.list().find((each) => each.packageId === packageId);
    if (!found) fail('QueryInstalledChaincode', `could not find chaincode with package id '${packageId}'`);
    const result = new protos.QueryInstalledChaincodeResult();
    result.setLabel(found.label);
    result.setPackageId(packageId);
    const references = new protos.QueryInstalledChaincodeResult.References();
    for (const { name, version } of found.chaincodes) {
      const chaincode = new protos.QueryInstalledChaincodeResult.Chaincode();
      chaincode.setName(name);
      chaincode.setVersion(version);
      references.addChaincodes(chaincode);
    }
    if (found.chaincodes.length > 0) result.getReferencesMap().set(installed.channel.name, references);
    return result.serializeBinary();
  },
  GetInstalledChaincodePackage: (_, argument) => {
    // Chaincode runs as a service that was started elsewhere: the peer never had its package.
    const packageId = protos.GetInstalledChaincodePackageArgs.deserializeBinary(argument).getPackageId();
    const reason = `could not load cc install package: chaincode install package '${packageId}' not found`;
    return fail('GetInstalledChaincodePackage', reason);
  },
  QueryApprovedChaincodeDefinition: (installed, argument, channel) => {
    const asked = protos.QueryApprovedChaincodeDefinitionArgs.deserializeBinary(argument);
    const [name, sequence] = [asked.getName(), asked.getSequence()];
    const definition = installed.definition(name);
    if (!definition || (sequence !== 0 && sequence !== definition.sequence)) {
      const reason = `(name: '${name}', sequence: '${sequence}') on channel '${channel}'`;
      fail('QueryApprovedChaincodeDefinition', `could not fetch approved chaincode definition ${reason}`);
    }
    const result = new protos.QueryApprovedChaincodeDefinitionResult();
    result.setSequence(definition.sequence);
    result.setVersion(definition.version);
    result.setEndorsementPlugin('escc');
    result.setValidationPlugin('vscc');
    result.setValidationParameter(definition.endorsementPolicy);
    result.setCollections(collectionsOf(definition, installed.channel));
    result.setSource(sourceOf(installed.packageIdOf(name)));
    return result.serializeBinary();
  },
};

function collectionsOf(definition: Definition, { policies }: Channel): peer.CollectionConfigPackage {
  const data = encodeDefinition(definition, policies).fields.get('Collections') ?? new Uint8Array();
  return peer.CollectionConfigPackage.deserializeBinary(protos.StateData.deserializeBinary(data).getBytes_asU8());
}

function sourceOf(packageId: string | undefined): InstanceType<typeof protos.ChaincodeSource> {
  const source = new protos.ChaincodeSource();
  if (packageId === undefined) {
    source.setUnavailable(new protos.ChaincodeSource.Unavailable());
    return source;
  }
  const local = new protos.ChaincodeSource.Local();
  local.setPackageId(packageId);
  source.setLocalPackage(local);
  return source;
}

function fail(fn: string, reason: string): never {
  throw new Error(`failed to invoke backing implementation of '${fn}': ${reason}`);
}
