/**
 * Whether somebody is covered on a day, and on what terms (hl7.org/fhir/R4/coverageeligibilityrequest.html): answered from the coverages
 * and plans that the payer has registered, at its own gateway and at the providers that it shows them to. Writes nothing.
 */
import { covers, type Days, daysOfPeriod, firstDay, lastDay } from '@telemed-ledger/chaincode/model/days.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import { shownOf } from '../reads/read-log.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { coverageFor, coveragesOfPatient } from './coverage-matching.ts';
import { Matching } from './matching.ts';
import { ALL_SERVICES, benefitType, planItems } from './plan-benefits.ts';

type Members = Record<string, unknown>;
const REQUEST = 'CoverageEligibilityRequest';
const COST_TYPES = 'http://terminology.hl7.org/CodeSystem/coverage-copay-type';
/** Coverages that one request asks for. */
const MOST = 50;

function invalid(reason: string, expression: string): never {
  throw new LedgerError('INVALID', reason, expression);
}

/** The days that are asked for; today where none is said. */
function daysAsked(request: Resource): { first: string; last: string } {
  const { start, end } = (request['servicedPeriod'] ?? {}) as { start?: string; end?: string };
  const day = (request['servicedDate'] as string | undefined) ?? start;
  const today = new Date().toISOString().slice(0, 10);
  const first = firstDay(day ?? today);
  return { first, last: lastDay(end ?? day ?? today) };
}

/** The coverages that a request means: those that it names, or all of the patient's where it names none. */
async function coveragesOf(
  request: Resource,
  { index, consortium }: Services,
  baseUrl: string,
): Promise<StoredResource[]> {
  const named = (request['insurance'] ?? []) as { coverage?: Reference }[];
  if (named.length > MOST) invalid('asks for too many', `${REQUEST}.insurance`);
  const submission = { claim: request, fullUrl: undefined, at: REQUEST, entries: [] };
  const search = { index, consortium, matching: new Matching(index, consortium, []), submission };
  if (named.length === 0) return coveragesOfPatient(request, search);
  const found: StoredResource[] = [];
  for (const [position, { coverage }] of named.entries()) {
    const at = `${REQUEST}.insurance[${position}].coverage`;
    const reference = coverage?.reference?.replace(`${baseUrl}/`, '');
    const insurance = [{ focal: true, coverage: { ...coverage, ...(reference && { reference }) } }];
    const { claim } = await coverageFor({ ...request, insurance }, search, at);
    const [one] = claim.insurance as { coverage: Reference }[];
    const id = /^Coverage\/([^/]+)$/.exec(one?.coverage.reference ?? '')?.[1];
    const stored = id === undefined ? undefined : await index.newest('Coverage', id);
    found.push(stored ?? invalid('names no Coverage that is known here', at));
  }
  return found;
}

const codeOf = (cost: Members): string | undefined =>
  ((cost['type'] as { coding?: { system?: string; code?: string }[] } | undefined)?.coding ?? []).find(
    ({ system }) => system === COST_TYPES,
  )?.code;

/** What the patient pays, as far as the Coverage says it. */
function benefitsOf(coverage: Resource): Members[] {
  return ((coverage['costToBeneficiary'] ?? []) as Members[]).flatMap((cost): Members[] => {
    const type = codeOf(cost);
    const { value } = (cost['valueQuantity'] ?? {}) as { value?: unknown };
    if (type === 'copay' && cost['valueMoney'] !== undefined)
      return [{ ...benefitType('copay'), allowedMoney: cost['valueMoney'] }];
    if (type === 'copaypct' && value !== undefined)
      return [{ ...benefitType('copay-percent'), allowedString: `${String(value)} %` }];
    return [];
  });
}

/** What is asked of coverages. */
interface AskedOf {
  /** YYYY-MM-DD, both among them. */
  days: { first: string; last: string };
  purposes: readonly string[];
}

/** What a CoverageEligibilityResponse says of a coverage: by its plan on the first of the days, where one is known here. */
export async function insuranceOf(
  { resource }: StoredResource,
  { days: { first, last }, purposes }: AskedOf,
  asking: Pick<Services, 'index' | 'organisation'>,
): Promise<{ coverage: object; inforce: boolean; item?: object[] }> {
  const period = resource['period'] as { start?: string; end?: string } | undefined;
  const days: Days = daysOfPeriod(period);
  const item = purposes.includes('benefits') ? await itemsOf(resource, first, asking) : [];
  return {
    coverage: { reference: `Coverage/${resource.id}` },
    inforce: resource['status'] === 'active' && covers(days, first, last),
    ...(period === undefined ? {} : { benefitPeriod: period }),
    ...(item.length === 0 ? {} : { item }),
  };
}

async function itemsOf(
  coverage: Resource,
  day: string,
  asking: Pick<Services, 'index' | 'organisation'>,
): Promise<object[]> {
  const items = await planItems(coverage, day, asking);
  if (items !== undefined) return items;
  const benefit = benefitsOf(coverage);
  return benefit.length === 0 ? [] : [{ category: ALL_SERVICES, benefit }];
}

const answer = (kind: 'provider' | 'payer'): SubjectOperation => ({
  kind,
  name: 'submit',
  isQuestion: true,
  type: REQUEST,
  level: 'type',
  summary: 'Whether somebody is covered on a day, and what of it she pays: a CoverageEligibilityResponse.',
  definition: definitionOf('CoverageEligibilityRequest-submit'),
  async handle({ caller, body, baseUrl }, services) {
    compartmentOf(caller);
    if (body?.resourceType !== REQUEST) return invalid(`asks by a ${REQUEST}`, 'resourceType');
    const { organisation, readLog } = services;
    const days = daysAsked(body);
    const coverages = await coveragesOf(body, services, baseUrl);
    await readLog.note(caller, { interaction: 'search', type: 'Coverage', about: shownOf(coverages) });
    const asked = { days, purposes: (body['purpose'] ?? []) as string[] };
    const insurance = await Promise.all(coverages.map((one) => insuranceOf(one, asked, services)));
    const payers = [...new Set(coverages.map(({ author }) => author))];
    const insurer = payers.length === 1 ? payers[0]! : organisation.kind === 'payer' ? organisation.name : undefined;
    const [identifier] = (body['identifier'] ?? []) as object[];
    const isInForce = insurance.some(({ inforce }) => inforce);
    const resource = {
      ...{ resourceType: 'CoverageEligibilityResponse', status: 'active', purpose: body['purpose'] },
      patient: body['patient'],
      ...(days.first === days.last
        ? { servicedDate: days.first }
        : { servicedPeriod: { start: days.first, end: days.last } }),
      created: new Date().toISOString(),
      request:
        identifier === undefined
          ? { type: REQUEST, display: 'the request that this answers' }
          : { type: REQUEST, identifier },
      outcome: 'complete',
      disposition:
        coverages.length === 0 ? 'no coverage is known here' : isInForce ? 'in force' : 'not in force on that day',
      insurer:
        insurer === undefined
          ? body['insurer']
          : { identifier: { system: ORGANISATION_SYSTEM, value: insurer }, display: insurer },
      ...(insurance.length === 0 ? {} : { insurance }),
    };
    return { status: 200, resource };
  },
});

export const checkEligibility: readonly SubjectOperation[] = [answer('provider'), answer('payer')];
