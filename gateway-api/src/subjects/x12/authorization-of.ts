/** A request in a 278 as a FHIR Claim that asks for authorization, on the records of this provider. */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Fault278 } from './answers-278.ts';
import { coveragesNumbered, patientsCovered } from './members.ts';
import type { Asked278, AskedService } from './requests-278.ts';
import { CPT, dotted, HCPCS, ICD10, ITEM_TRACE_NUMBER, LINE_NUMBERS, PLACES } from './terms.ts';

const TYPES = 'http://terminology.hl7.org/CodeSystem/claim-type';
const PRIORITIES = 'http://terminology.hl7.org/CodeSystem/processpriority';
/** X12's service types, as Da Vinci PAS has them. */
const SERVICE_TYPES = 'https://codesystem.x12.org/005010/1365';
/** Of TRN02: what the provider calls what it asks for. */
const EVENT_NUMBERS = 'https://telemed-ledger.example/patient-event-trace-numbers';

const coded = (system: string, code: string): object => ({ coding: [{ system, code }] });

/** Why a request means nobody here: no number, or nobody or several of it. */
type Unknown = Extract<Fault278, { at: '22' }>;
const unknown = (code: Unknown['code']): Unknown => ({ code, at: '22' });

/** @param provider name of this organisation */
export async function authorizationOf(
  asked: Asked278,
  provider: string,
  index: Pick<ReadModel, 'search' | 'findByIdentifier'>,
): Promise<Resource | Unknown> {
  if (asked.member === '') return unknown('72');
  const found = await coveragesNumbered(asked.member, index);
  const [coverage, ...others] = found.filter(({ author }) => found.length === 1 || author === asked.payer);
  if (coverage === undefined || others.length > 0) return unknown('75');
  const [patient, ...more] = await patientsCovered(coverage, index);
  if (patient === undefined || more.length > 0) return unknown('75');
  const { trace, created, isInstitutional, isUrgent, diagnoses, services } = asked;
  const claim = {
    ...{ resourceType: 'Claim', identifier: [{ system: EVENT_NUMBERS, value: trace }], status: 'active' },
    ...{ use: 'preauthorization', type: coded(TYPES, isInstitutional ? 'institutional' : 'professional'), created },
    ...{ patient: { reference: `Patient/${patient}` }, priority: coded(PRIORITIES, isUrgent ? 'stat' : 'normal') },
    provider: { identifier: { system: ORGANISATION_SYSTEM, value: provider } },
    insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${coverage.resource.id}` } }],
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
  const { trace, code, modifiers, kind, place, quantity, served = ofEvent } = service;
  const numbered = { url: ITEM_TRACE_NUMBER, valueIdentifier: { system: LINE_NUMBERS, value: trace } };
  const system = /^[A-Z]\d{4}$/.test(code ?? '') ? HCPCS : CPT;
  const days =
    served === undefined
      ? {}
      : served.first === served.last
        ? { servicedDate: served.first }
        : { servicedPeriod: { start: served.first, end: served.last } };
  return {
    ...(trace === undefined ? {} : { extension: [numbered] }),
    sequence,
    ...(kind === undefined ? {} : { category: coded(SERVICE_TYPES, kind) }),
    productOrService: code === undefined ? coded(SERVICE_TYPES, kind ?? '') : coded(system, code),
    ...(modifiers.length === 0 ? {} : { modifier: modifiers.map((one) => coded(HCPCS, one)) }),
    ...{ ...days, ...(place === undefined ? {} : { locationCodeableConcept: coded(PLACES, place) }) },
    ...(quantity === undefined ? {} : { quantity: { value: quantity } }),
  };
}
