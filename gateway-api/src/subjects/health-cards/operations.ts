/** `Patient/<id>/$health-cards-issue`: a SMART Health Card of her vaccinations, and the keys that it is checked with. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { route } from '../../http/routes.ts';
import { Records } from '../records/records.ts';
import type { Services, SubjectOperation } from '../services.ts';
import { cardOf, HEALTH_CARD, IDENTITY_CLAIMS, type IdentityClaim, IMMUNIZATION } from './card.ts';

const PAGE = 200;
const MOST = 1_000;

interface Parameter {
  name?: string;
  valueUri?: string;
  valueString?: string;
  valueCode?: string;
  valueDateTime?: string;
  valueInstant?: string;
}

interface Asked {
  types: string[];
  claims: readonly IdentityClaim[];
  since?: string;
}

const NAMES = ['credentialType', 'credentialValueSet', 'includeIdentityClaim', '_since'];
const at = (name: string): string => `Parameters.parameter.where(name='${name}')`;
const textIn = ({ valueUri, valueString, valueCode }: Parameter): string | undefined =>
  valueUri ?? valueString ?? valueCode;

/** @throws {LedgerError} INVALID for what would make it another card than was asked for */
function askedIn(body: Resource | undefined): Asked {
  if (body?.resourceType !== 'Parameters') throw new LedgerError('INVALID', 'is no Parameters', 'resourceType');
  const parameters = (body['parameter'] ?? []) as Parameter[];
  const other = parameters.findIndex(({ name = '' }) => !NAMES.includes(name));
  if (other >= 0)
    throw new LedgerError('INVALID', `is none of ${NAMES.join(', ')}`, `Parameters.parameter[${other}].name`);
  const all = (name: string): string[] => parameters.filter((one) => one.name === name).map((one) => textIn(one) ?? '');
  const types = all('credentialType');
  if (types.length === 0 || types.includes(''))
    throw new LedgerError('INVALID', 'names a kind of card as a uri, at least one', at('credentialType'));
  const named = all('includeIdentityClaim').flatMap((claims) => claims.split(','));
  const claims = IDENTITY_CLAIMS.filter((claim) => named.length === 0 || named.includes(claim));
  const dates = parameters.filter(({ name }) => name === '_since');
  const since = dates[0]?.valueDateTime ?? dates[0]?.valueInstant;
  if (dates.length > 1 || (dates.length === 1 && Number.isNaN(Date.parse(since ?? ''))))
    throw new LedgerError('INVALID', 'is one dateTime', at('_since'));
  if (parameters.some(({ name }) => name === 'credentialValueSet'))
    throw new LedgerError('INVALID', 'value sets are not looked at here: leave it out', at('credentialValueSet'));
  return { types, claims, ...(since === undefined ? {} : { since }) };
}

/** Whether a card of vaccinations is of all the kinds that are asked for. */
const isMeant = (types: readonly string[]): boolean =>
  types.every((type) => ['Immunization', '#immunization', IMMUNIZATION, HEALTH_CARD, 'Patient'].includes(type)) &&
  types.some((type) => type !== 'Patient');

/** Completed ones, the first of them first. */
async function immunizationsOf(patient: string, caller: Caller, records: Records, since = ''): Promise<Resource[]> {
  const found: Resource[] = [];
  let after: string | undefined;
  do {
    const search = {
      type: 'Immunization',
      patients: [patient],
      count: PAGE,
      ...(after === undefined ? {} : { after }),
    };
    const page = await records.search(caller, search);
    found.push(...page.matches.map(({ resource }) => resource));
    after = page.next;
  } while (after !== undefined && found.length < MOST);
  const dateOf = (one: Resource): string => String(one['occurrenceDateTime'] ?? '');
  const isSince = (one: Resource): boolean => since === '' || Date.parse(dateOf(one)) >= Date.parse(since);
  return found
    .filter((one) => one['status'] === 'completed' && isSince(one))
    .sort((one, other) => (dateOf(one) < dateOf(other) ? -1 : 1));
}

const issue = (kind: SubjectOperation['kind']): SubjectOperation => ({
  ...{ kind, type: 'Patient', name: 'health-cards-issue', level: 'instance', isQuestion: true },
  summary: 'A SMART Health Card of a patient’s vaccinations, verifiable offline.',
  definition: 'http://hl7.org/fhir/uv/smart-health-cards-and-links/OperationDefinition/patient-i-health-cards-issue',
  async handle({ caller, body, id = '', baseUrl }, services) {
    const { types, claims, since } = askedIn(body);
    const own = compartmentOf(caller, 'read');
    const records = new Records(services, {});
    const found = own !== undefined && own !== id ? undefined : await records.read(caller, 'Patient', id);
    if (found === undefined) throw new LedgerError('NOT_FOUND', 'there is no such patient');
    const immunizations = isMeant(types) ? await immunizationsOf(id, caller, records, since) : [];
    if (immunizations.length === 0) return { status: 200, resource: { resourceType: 'Parameters' } };
    const options = { issuer: originOf(baseUrl), claims, now: new Date() };
    const card = await cardOf(found.resource, immunizations, services.cardKey, options);
    return { status: 200, resource: answerOf(card, immunizations) };
  },
});

/** Where the gateway's own routes begin. */
const originOf = (baseUrl: string): string => new URL(baseUrl).origin;

function answerOf(card: string, immunizations: readonly Resource[]): object {
  const links = immunizations.map(({ id }, index) => ({
    name: 'resourceLink',
    part: [
      { name: 'vcIndex', valueInteger: 0 },
      { name: 'bundledResource', valueUri: `resource:${index + 1}` },
      { name: 'hostedResource', valueUri: `Immunization/${id}` },
    ],
  }));
  return { resourceType: 'Parameters', parameter: [{ name: 'verifiableCredential', valueString: card }, ...links] };
}

/** At her custodian, and at whoever vaccinated her. */
export const issueHealthCards: readonly SubjectOperation[] = [issue('custodian'), issue('provider')];

export const cardKeys = route({
  method: 'get',
  path: '/.well-known/jwks.json',
  summary: 'The keys that this organisation’s SMART Health Cards are checked with (RFC 7517).',
  open: true,
  anyOrigin: true,
  answers: { 200: { description: 'A set of keys.', schema: z.object({ keys: z.array(z.looseObject({})) }) } },
  async handle(_request, { cardKey }: Services) {
    return { body: { keys: [await cardKey.jwk()] }, headers: { 'Cache-Control': 'public, max-age=3600' } };
  },
});
