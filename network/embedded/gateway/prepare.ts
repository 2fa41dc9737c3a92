/** The envelope a client signs after endorsement (spec 1.4): parts of the proposal verbatim around the common payload. */
import { encode, repeated } from '@telemed-ledger/formats/protobuf/encode.ts';
import type { Endorsement } from '../endorser/endorser.ts';
import type { Proposal } from '../endorser/proposal.ts';

/** A serialised Envelope without a signature; endorsements of the same endorser count once. */
export function prepareEnvelope(proposal: Proposal, responsePayload: Uint8Array, endorsements: Endorsement[]): Buffer {
  const endorsed = encode(
    [1, responsePayload],
    ...repeated(
      2,
      unique(endorsements).map(({ endorser, signature }) => encode([1, endorser], [2, signature])),
    ),
  );
  const action = encode([1, proposal.signatureHeader], [2, encode([1, proposal.payloadForTransaction], [2, endorsed])]);
  const header = encode([1, proposal.channelHeader], [2, proposal.signatureHeader]);
  return encode([1, encode([1, header, true], [2, encode([1, action, true])])]);
}

function unique(endorsements: Endorsement[]): Endorsement[] {
  const byEndorser = new Map<string, Endorsement>();
  for (const endorsement of endorsements) {
    const key = Buffer.from(endorsement.endorser).toString('latin1');
    if (!byEndorser.has(key)) byEndorser.set(key, endorsement);
  }
  return [...byEndorser.values()];
}
