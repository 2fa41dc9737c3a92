/** A request in a 278 as a FHIR Claim that asks for authorization, on the records of this provider. */
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { identifiersOf } from '../claims/matching.ts';
import type { Fault278 } from './answers-278.ts';
import { coveragesNumbered, patientsCovered } from './members.ts';
import type { Asked278, AskedService } from './requests-278.ts';
import { CPT, dotted, HCPCS, ICD10, ITEM_TRACE_NUMBER, LINE_NUMBERS, PLACES, SERVICE_TYPES } from './terms.ts';

const TYPES = 'http://terminology.hl7.org/CodeSystem/claim-type';
const PRIORITIES = 'http://terminology.hl7.org/CodeSystem/processpriority';

/** Of TRN02: what the provider calls what it asks for. */
const EVENT_NUMBERS = 'https://telemed-ledger.example/patient-event-trace-numbers';

const coded = (system: string, code: string): object => ({ coding: [{ system, code }] });

const CERTIFICATION_TYPE = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-certificationType';
const CERTIFICATION_TYPES = 'https://codesystem.x12.org/005010/1322';

/** Why a request means nobody here: no number, or nobody or several of it. */
type Unknown = Extract<Fault278, { at: '22' }>;
const unknown = (code: Unknown['code']): Unknown => ({ code, at: '22' });

export type Index278 = Pick<ReadModel, 'search' | 'findByIdentifier' | 'newest'>;

/** Whose coverage it is: ids of a Coverage and of its Patient here. */
export interface Meant {
  coverage: string;
  patient: string;
}

export async function meantBy(
  asked: Pick<Asked278, 'member' | 'payer'>,
  index: Pick<ReadModel, 'search' | 'findByIdentifier'>,
): Promise<Meant | Unknown> {
  if (asked.member === '') return unknown('72');
  const found = await coveragesNumbered(asked.member, index);
  const [coverage, ...others] = found.filter(({ author }) => found.length === 1 || author === asked.payer);
  if (coverage === undefined || others.length > 0) return unknown('75');
  const [patient, ...more] = await patientsCovered(coverage, index);
  if (patient === undefined || more.length > 0) return unknown('75');
  return { coverage: coverage.resource.id, patient };
}

/** Requests for one coverage that are looked through. */
const MOST = 500;
const isNumbered = ({ resource: { preAuthRef, item, request } }: StoredResource, numbers: readonly string[]): boolean =>
  numbers.some(
    (one) =>
      preAuthRef === one ||
      (request as Reference).reference === `Claim/${one}` ||
      (objectsOf(item).length > 0 && JSON.stringify(item).includes(`"valueString":${JSON.stringify(one)}`)),
  );
const isTraced = ({ resource }: StoredResource, trace: string): boolean =>
  identifiersOf(resource).some(({ system, value }) => system === EVENT_NUMBERS && value === trace);

/** A request as it stands: `Claim/<id>`, and what its sender called it. */
interface Before {
  reference: string;
  identifier: object[];
}

/**
 * The request that another one amends or takes back: by the payer's number or its own id where it is numbered, else by the event's
 * number. Undefined where there is none, or several.
 */
export async function requestBefore(
  { before, trace }: Pick<Asked278, 'before' | 'trace'>,
  { coverage }: Meant,
  index: Index278,
): Promise<Before | undefined> {
  const values = [{ parameter: 'coverage', anyOf: [{ value: `Coverage/${coverage}` }] }];
  const { matches } = await index.search({ type: 'ClaimResponse', values, count: MOST });
  const all = matches.filter(({ resource }) => resource['use'] === 'preauthorization');
  const [found, ...others] = all.filter((one) =>
    before.length > 0 ? isNumbered(one, before) : isTraced(one, trace) && one.resource['status'] === 'active',
  );
  if (found === undefined || others.length > 0) return undefined;
  const { request, identifier } = found.resource;
  return { reference: (request as Reference).reference!, identifier: objectsOf(identifier) };
}

/** What takes a request back: it, as it was asked for. */
export async function cancellationOf({ reference }: Before, index: Index278): Promise<Resource | undefined> {
  const stored = await index.newest('Claim', reference.slice('Claim/'.length));
  if (stored === undefined) return undefined;
  const { id: _, meta: __, ...claim } = stored.resource;
  return { ...claim, status: 'cancelled', related: [{ claim: { reference } }] } as unknown as Resource;
}

/** @param provider name of this organisation @param before what it amends, whose numbers it keeps */
export function authorizationOf(
  asked: Asked278,
  { coverage, patient }: Meant,
  provider: string,
  before: Before | undefined,
): Resource {
  const { trace, created, isInstitutional, isUrgent, diagnoses, services } = asked;
  const own = { system: EVENT_NUMBERS, value: trace };
  const kept = (before?.identifier ?? []).filter((one) => (one as { value?: string }).value !== trace);
  const identifier = [own, ...kept];
  const claim = {
    ...{ resourceType: 'Claim', identifier, status: 'active' },
    ...{ use: 'preauthorization', type: coded(TYPES, isInstitutional ? 'institutional' : 'professional'), created },
    ...{ patient: { reference: `Patient/${patient}` }, priority: coded(PRIORITIES, isUrgent ? 'stat' : 'normal') },
    provider: { identifier: { system: ORGANISATION_SYSTEM, value: provider } },
    insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${coverage}` } }],
    ...(before === undefined ? {} : { related: [{ claim: { reference: before.reference } }] }),
    ...(diagnoses.length === 0
      ? {}
      : {
          diagnosis: diagnoses.map((code, at) => ({
            ...{ sequence: at + 1, diagnosisCodeableConcept: coded(ICD10, dotted(code)) },
          })),
        }),
    item: services.map((service, at) => itemOf(service, at + 1, asked)),
  };
  return claim as unknown as Resource;
}

function itemOf(service: AskedService, sequence: number, { served: ofEvent }: Asked278): object {
  const { trace, code, modifiers, kind, place, quantity, served = ofEvent, isCancelled } = service;
  const numbered = { url: ITEM_TRACE_NUMBER, valueIdentifier: { system: LINE_NUMBERS, value: trace } };
  const cancelled = { url: CERTIFICATION_TYPE, valueCodeableConcept: coded(CERTIFICATION_TYPES, '3') };
  const extension = [...(trace === undefined ? [] : [numbered]), ...(isCancelled ? [cancelled] : [])];
  const system = /^[A-Z]\d{4}$/.test(code ?? '') ? HCPCS : CPT;
  const days =
    served === undefined
      ? {}
      : served.first === served.last
        ? { servicedDate: served.first }
        : { servicedPeriod: { start: served.first, end: served.last } };
  return {
    ...(extension.length === 0 ? {} : { extension }),
    sequence,
    ...(kind === undefined ? {} : { category: coded(SERVICE_TYPES, kind) }),
    productOrService: code === undefined ? coded(SERVICE_TYPES, kind ?? '') : coded(system, code),
    ...(modifiers.length === 0 ? {} : { modifier: modifiers.map((one) => coded(HCPCS, one)) }),
    ...{ ...days, ...(place === undefined ? {} : { locationCodeableConcept: coded(PLACES, place) }) },
    ...(quantity === undefined ? {} : { quantity: { value: quantity } }),
  };
}
