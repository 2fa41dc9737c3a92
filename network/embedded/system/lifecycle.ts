/** _lifecycle: the two queries an application makes; definitions are written when the network starts (spec 5). */
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import { encodeDefinition } from '../ledger/definitions/definitions.ts';
import type { Channel, Definition, Ledger } from '../seams.ts';

const ENDORSEMENT_PLUGIN = 'escc';
const VALIDATION_PLUGIN = 'vscc';

/** A definition that is not there: answered with this message and status 404. */
export class UndefinedChaincode extends Error {}

/** QueryChaincodeDefinition: a serialised QueryChaincodeDefinitionArgs to its result. */
export function queryDefinition(ledger: Ledger, channel: Channel, argument: Buffer): Buffer {
  const name = new Message(argument).text(1);
  const definition = ledger.definition(name);
  if (!definition) throw new UndefinedChaincode(`namespace ${name} is not defined`);
  const approvals = channel.identities
    .mspIds()
    .filter((mspId) => isApplicationMember(channel, mspId))
    .sort()
    .map((mspId) => encode([1, mspId], [2, true]));
  return encode(
    [1, definition.sequence],
    [2, definition.version],
    [3, ENDORSEMENT_PLUGIN],
    [4, VALIDATION_PLUGIN],
    [5, definition.endorsementPolicy],
    [6, collectionPackage(definition, channel), true],
    ...repeated(8, approvals),
  );
}

/** QueryChaincodeDefinitions: all of them. */
export function queryDefinitions(ledger: Ledger, channel: Channel): Buffer {
  const definitions = ledger
    .definitions()
    .map((definition: Definition) =>
      encode(
        [1, definition.name],
        [2, definition.sequence],
        [3, definition.version],
        [4, ENDORSEMENT_PLUGIN],
        [5, VALIDATION_PLUGIN],
        [6, definition.endorsementPolicy],
        [7, collectionPackage(definition, channel), true],
      ),
    );
  return encode(...repeated(1, definitions));
}

function isApplicationMember(channel: Channel, mspId: string): boolean {
  return channel.policies.named(`/Channel/Application/${mspId}/Endorsement`) !== undefined;
}

/** A CollectionConfigPackage, as it is in state. */
function collectionPackage(definition: Definition, { policies }: Channel): Buffer {
  const collections = encodeDefinition(definition, policies).fields.get('Collections') ?? Buffer.alloc(0);
  return new Message(collections).bytes(2);
}
