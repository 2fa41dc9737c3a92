/** What is answered to a request for authorization: its ClaimResponse, in PAS's Bundle where a Bundle was sent. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { type Issue, outcomeOf } from '../../fhir/outcomes.ts';

interface Answering {
  claim: Resource;
  response: Resource;
  /** The Bundle that was sent, whose identifier the answer repeats. */
  bundle: Resource | undefined;
  told: readonly Issue[];
  baseUrl: string;
  /** ISO 8601 UTC. */
  now: string;
}

/** hl7.org/fhir/us/davinci-pas/StructureDefinition-profile-pas-response-bundle.html */
export function responseBundle({ claim, response, bundle, told, baseUrl, now }: Answering): object {
  const entry = (resource: Resource) => ({
    fullUrl: `${baseUrl}/${resource.resourceType}/${resource.id}`,
    resource,
  });
  const identifier = bundle?.['identifier'];
  return {
    resourceType: 'Bundle',
    ...(identifier === undefined ? {} : { identifier }),
    type: 'collection',
    timestamp: now,
    entry: [
      entry(response),
      entry(claim),
      ...(told.length === 0
        ? []
        : [{ fullUrl: `${baseUrl}/OperationOutcome/${response.id}`, resource: outcomeOf([...told]) }]),
    ],
  };
}
