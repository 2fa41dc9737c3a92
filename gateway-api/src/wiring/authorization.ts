/** Where the gateway is found, and the authorization server that needs to know it. */
import type { GatewayConfig } from '../config.ts';
import { FHIR_BASE } from '../http/gateway-app.ts';
import type { Person } from '../oauth/people.ts';
import { AuthorizationServer } from '../oauth/server.ts';

/** What is known of a gateway once it is wired: where it listens, and its people. */
export interface Place {
  url?: string;
  people?: () => Promise<readonly Person[]>;
}

/** The organisation’s development issuer as an authorization server, where this gateway is that. */
export function authorizationOf({ issuerDir, organisation, publicUrl }: GatewayConfig, place: Place) {
  if (issuerDir === undefined) return undefined;
  const origin = (): string => {
    const known = publicUrl ?? place.url;
    if (known === undefined) throw new Error('the gateway does not listen yet');
    return known;
  };
  const people = async (): Promise<readonly Person[]> => (await place.people?.()) ?? [];
  return new AuthorizationServer({ directory: issuerDir, organisation, origin, fhirPath: FHIR_BASE, people });
}
