/** `.well-known/smart-configuration` (hl7.org/fhir/smart-app-launch/STU2.2/conformance.html): where applications get tokens for this gateway. */
import { LAUNCHING } from './clients.ts';

export interface Endpoints {
  issuer: string;
  jwks: string;
  authorize: string;
  token: string;
  introspect?: string;
  revoke?: string;
}

/** Those of the server at an issuer's own URL. */
export const endpointsAt = (issuer: string): Endpoints => ({
  ...{ issuer, jwks: `${issuer}/jwks`, authorize: `${issuer}/authorize`, token: `${issuer}/token` },
  ...{ introspect: `${issuer}/introspect`, revoke: `${issuer}/revoke` },
});

const CAPABILITIES = [
  ...[
    'launch-ehr',
    'launch-standalone',
    'client-public',
    'client-confidential-symmetric',
    'client-confidential-asymmetric',
  ],
  ...[
    'sso-openid-connect',
    'context-banner',
    'context-ehr-patient',
    'context-ehr-encounter',
    'context-standalone-patient',
  ],
  ...[
    'permission-offline',
    'permission-online',
    'permission-patient',
    'permission-user',
    'permission-v1',
    'permission-v2',
  ],
];

export const smartConfiguration = ({ issuer, jwks, authorize, token, introspect, revoke }: Endpoints): object => ({
  ...{ issuer, jwks_uri: jwks, authorization_endpoint: authorize, token_endpoint: token },
  ...(introspect === undefined ? {} : { introspection_endpoint: introspect }),
  ...(revoke === undefined ? {} : { revocation_endpoint: revoke }),
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
  grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials'],
  response_types_supported: ['code'],
  code_challenge_methods_supported: ['S256'],
  scopes_supported: [
    ...LAUNCHING,
    'patient/*.cruds',
    'user/*.cruds',
    'system/*.cruds',
    'patient/*.read',
    'user/*.read',
    'system/*.read',
  ],
  capabilities: CAPABILITIES,
});
