/** The CapabilityStatement (hl7.org/fhir/R4/capabilitystatement.html), made from the tables that the routes run on. */
import type { Kind, Organisation } from '@telemed-ledger/consortium/members.ts';
import { BUILT_IN } from './built-in.ts';
import type { ClientIds } from './client-ids.ts';
import { refusalOfDelete } from './deletions.ts';
import type { Operation } from './operations.ts';
import type { Profiles } from './profiles/profiles.ts';
import { COMPARTMENTS } from './search/compartments.ts';
import { parametersOf } from './search-parameters.ts';
import { identifierParameter, isWrittenBy, type SupportedType, supportedTypes } from './types.ts';
import { FHIR_VERSION } from './validation/schema.ts';

export interface CapabilityOptions {
  organisation: Organisation;
  clientIds: ClientIds;
  profiles: Profiles;
  operations: readonly Operation[];
  /** `rest.resource` of types that other rooms serve under the same base. */
  besides?: readonly object[] | undefined;
  /** Version of this software. */
  version: string;
  baseUrl: string;
  /** Where applications get tokens. */
  oauth?: OAuthAddresses | undefined;
  /** When this server was configured so: ISO 8601 UTC. */
  date: string;
}

const READS = ['read', 'vread', 'history-instance', 'search-type'];
const codes = (all: readonly string[]): object[] => all.map((code) => ({ code }));

const searchParameters = (type: string): object[] =>
  parametersOf(type).map(({ name, type: kind, definition, documentation }) => ({
    name,
    type: kind,
    ...(definition === undefined ? {} : { definition }),
    ...(documentation === undefined ? {} : { documentation }),
  }));

/** hl7.org/fhir/R4/search.html#include: each reference that a type has. */
const references = (type: string): string[] => [
  '*',
  ...parametersOf(type)
    .filter((parameter) => parameter.type === 'reference' && parameter.column !== 'event')
    .map(({ name }) => `${type}:${name}`),
];

/** What other rooms serve under the same base, everywhere or at organisations of one kind. */
const SERVED_BESIDE: readonly (Pick<Operation, 'type' | 'name' | 'definition'> & { kind?: Kind })[] = [
  { type: 'Patient', name: 'export', definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export' },
  { type: 'Group', name: 'export', definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export' },
  {
    ...{ type: 'Patient', name: 'export-record', kind: 'custodian' },
    definition: 'https://telemed-ledger.example/fhir/OperationDefinition/export-record',
  },
];
/** Of what is patched. */
const META_CHANGES: readonly { type?: string; name: string; definition: string }[] = ['meta-add', 'meta-delete'].map(
  (name) => ({
    name,
    definition: `http://hl7.org/fhir/OperationDefinition/Resource-${name}`,
  }),
);
const OF_THE_SYSTEM = [{ name: 'export', definition: 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export' }];
/** Where resources are written. */
const IMPORT = { name: 'import', definition: 'https://telemed-ledger.example/fhir/OperationDefinition/import' };

function resourceOf(type: SupportedType, { organisation, operations, clientIds, profiles }: CapabilityOptions): object {
  const isWritten = isWrittenBy(type, organisation.kind);
  const isRecord = isWritten && type.writer === 'provider';
  const isDeleted = isRecord && refusalOfDelete(type, type.name) === undefined;
  const beside = SERVED_BESIDE.filter(({ kind = organisation.kind }) => kind === organisation.kind);
  const mounted = [...BUILT_IN, ...(isDeleted ? META_CHANGES : []), ...beside, ...operations].filter(
    (one) => (one.type ?? type.name) === type.name,
  );
  const supported = profiles.of(type.name);
  return {
    type: type.name,
    ...(supported.length === 0 ? {} : { supportedProfile: supported }),
    interaction: codes([
      ...(isWritten ? ['create', 'update'] : []),
      ...(isDeleted ? ['patch', 'delete'] : []),
      ...READS,
    ]),
    versioning: 'versioned',
    readHistory: true,
    updateCreate: isRecord && clientIds !== 'none',
    conditionalCreate: isWritten && identifierParameter(type.name) !== undefined,
    conditionalRead: 'full-support',
    conditionalUpdate: isWritten && identifierParameter(type.name) !== undefined,
    conditionalDelete: isDeleted && identifierParameter(type.name) !== undefined ? 'single' : 'not-supported',
    referencePolicy: ['literal', 'logical', 'enforced'],
    searchInclude: references(type.name),
    searchParam: searchParameters(type.name),
    ...(mounted.length === 0 ? {} : { operation: mounted.map(({ name, definition }) => ({ name, definition })) }),
  };
}

export interface OAuthAddresses {
  authorize: string;
  token: string;
  introspect?: string;
  revoke?: string;
}

/** hl7.org/fhir/smart-app-launch/STU2.2/conformance.html; the extension is what clients of its first version read. */
function securityOf(oauth: OAuthAddresses | undefined): object {
  const description = 'A bearer token of the organisation on every request but this one.';
  if (oauth === undefined) return { cors: true, description };
  const { authorize, token, introspect, revoke } = oauth;
  const known = Object.entries({ authorize, token, introspect, revoke }).filter(([, uri]) => uri !== undefined);
  return {
    extension: [
      {
        url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
        extension: known.map(([url, valueUri]) => ({ url, valueUri })),
      },
    ],
    cors: true,
    service: [
      {
        coding: [{ system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' }],
        text: 'OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)',
      },
    ],
    description,
  };
}

const COMPARTMENT_DEFINITION = 'http://hl7.org/fhir/CompartmentDefinition';

const DOCUMENTATION =
  'Every write is one transaction of the consortium ledger; its id is answered in X-Transaction-Id. Ids are given by the ' +
  'server; a Consent that its patient has signed keeps the one that it was signed with. What R4 does not define, a code outside a required value set and a reference to nothing are refused. ' +
  'An Idempotency-Key makes a write safe to repeat. Conditions are identifier=system|value.';

export function capabilityStatement(options: CapabilityOptions): object {
  const { organisation, version, baseUrl, date, besides = [] } = options;
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date,
    publisher: organisation.name,
    kind: 'instance',
    software: { name: 'Telemed Ledger', version },
    implementation: { description: `Gateway of ${organisation.name} (${organisation.kind})`, url: baseUrl },
    fhirVersion: FHIR_VERSION,
    format: ['application/fhir+json', 'application/json'],
    patchFormat: ['application/json-patch+json', 'application/fhir+json'],
    rest: [
      {
        mode: 'server',
        documentation: DOCUMENTATION,
        security: securityOf(options.oauth),
        resource: [...supportedTypes.map((type) => resourceOf(type, options)), ...besides],
        interaction: codes(['transaction', 'batch', 'history-system']),
        compartment: COMPARTMENTS.map(
          (name) => `${COMPARTMENT_DEFINITION}/${name.charAt(0).toLowerCase()}${name.slice(1)}`,
        ),
        operation: [
          ...OF_THE_SYSTEM,
          ...(supportedTypes.some((type) => isWrittenBy(type, organisation.kind)) ? [IMPORT] : []),
        ],
        searchParam: [{ name: '_count', type: 'number', documentation: 'Size of a page; 0 counts only.' }],
      },
    ],
  };
}
