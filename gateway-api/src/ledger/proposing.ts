/** A proposal that is signed once and can be sent to one organisation's peer after the other: the same bytes each time. */
import type { Gateway } from '@hyperledger/fabric-gateway';
import { DECOYS_KEY, type Decoy } from '@telemed-ledger/chaincode/model/decoys.ts';
import { TRANSIENT_KEY } from '@telemed-ledger/chaincode/model/transactions.ts';
import { encode } from '@telemed-ledger/formats/protobuf/encode.ts';
import { Message } from '@telemed-ledger/formats/protobuf/message.ts';
import type { Enrolled, LedgerConnection } from './connect.ts';
import { readEndorsement } from './endorsing/endorsement.ts';
import type { Ask } from './endorsing/stand-ins.ts';

import { verdictOf } from './verdict.ts';

/** What is proposed, whoever endorses it. */
export interface Proposed {
  /** `contract:Transaction` */
  name: string;
  /** JSON. */
  argument: string;
  /** JSON; undefined where there is no private input. */
  transient: string | undefined;
  /** Keys that are read beside those that matter. */
  decoys: readonly Decoy[];
}

/** A new proposal, as a way to ask organisations for their endorsements of it. */
export async function propose(connection: LedgerConnection, identity: Enrolled, proposed: Proposed): Promise<Ask> {
  const { name, argument, transient, decoys } = proposed;
  const transientData = {
    ...(transient === undefined ? {} : { [TRANSIENT_KEY]: transient }),
    ...(decoys.length === 0 ? {} : { [DECOYS_KEY]: JSON.stringify(decoys) }),
  };
  const proposal = connection.contract(identity).newProposal(name, {
    arguments: [argument],
    ...(Object.keys(transientData).length === 0 ? {} : { transientData }),
  });
  const signature = await connection.signer(identity)(proposal.getDigest());
  const gateway = connection.gateway(identity);
  const signedProposal = new Message(proposal.getBytes()).bytes(2);
  const transactionId = proposal.getTransactionId();
  return async (organisation, deadline) => {
    const bytes = encode([1, transactionId], [2, signedProposal], [3, organisation]);
    return endorsedBy(gateway, organisation, { bytes, signature, deadline, own: connection.settings.mspId });
  };
}

async function endorsedBy(
  gateway: Gateway,
  organisation: string,
  { bytes, signature, deadline, own }: { bytes: Uint8Array; signature: Uint8Array; deadline: number; own: string },
) {
  try {
    const endorsed = await gateway.newSignedProposal(bytes, signature).endorse({ deadline });
    return readEndorsement(organisation, endorsed.getBytes());
  } catch (error) {
    throw verdictOf(error, { organisation, own });
  }
}
