/** A claim of an 837 as a FHIR Claim on the records of this provider. X12 names no visits: the patient's of that number or day is meant. */
import { covers, daysOfPeriod } from '@telemed-ledger/chaincode/model/days.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { identifiersOf } from '../claims/matching.ts';
import type { Claim837, Line } from './claims-837.ts';
import type { Served } from './elements.ts';
import { coveragesNumbered, patientsCovered } from './members.ts';
import { placeOf } from './segments.ts';
import {
  CONTROL_NUMBERS,
  CPT,
  FREQUENCY,
  HCPCS,
  ICD10,
  ITEM_TRACE_NUMBER,
  LINE_NUMBERS,
  NPI,
  PLACES,
  REVENUE,
} from './terms.ts';

const TYPES = 'http://terminology.hl7.org/CodeSystem/claim-type';
const RELATIONSHIPS = 'http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship';
const CURRENCY = 'USD';
/** Of one person's. */
const MOST = 1_000;

type Index = Pick<ReadModel, 'search' | 'findByIdentifier'>;

const refused = (reason: string, place: string): never => {
  throw new LedgerError('INVALID', reason, place);
};

/** @param provider name of this organisation @throws LedgerError INVALID with the segment that means nothing, or several things, here */
export async function claimOf(read: Claim837, provider: string, index: Index): Promise<Resource> {
  const { type, controlNumber, created, frequency, original, authorization, rendering, diagnoses } = read;
  const coverage = await coverageOf(read, index);
  const patient = await patientOf(coverage, read, index);
  const visits = (await index.search({ type: 'Encounter', patients: [patient], count: MOST })).matches;
  const careTeam = rendering === undefined ? [] : [await practitionerOf(rendering, read, index)];
  const money = (value: unknown) => ({ value, currency: CURRENCY });
  const claim = {
    ...{ resourceType: 'Claim', identifier: [{ system: CONTROL_NUMBERS, value: controlNumber }], status: 'active' },
    ...{ use: 'claim', type: { coding: [{ system: TYPES, code: type }] }, created },
    ...{ patient: { reference: `Patient/${patient}` }, priority: { coding: [{ code: 'normal' }] } },
    provider: { identifier: { system: ORGANISATION_SYSTEM, value: provider } },
    insurance: [
      {
        ...{ sequence: 1, focal: true, coverage: { reference: `Coverage/${coverage.resource.id}` } },
        ...(authorization === undefined ? {} : { preAuthRef: [authorization] }),
      },
    ],
    ...correctionOf(frequency, original, read),
    ...(careTeam.length === 0
      ? {}
      : { careTeam: careTeam.map((one) => ({ sequence: 1, provider: { reference: one } })) }),
    ...(diagnoses.length === 0 ? {} : { diagnosis: diagnoses.map(diagnosisOf) }),
    item: read.lines.map((line) =>
      itemOf(line, read, { visit: visitOf(line, read, visits), hasTeam: careTeam.length > 0, money }),
    ),
    total: money(read.charge),
  };
  return claim as unknown as Resource;
}

const diagnosisOf = (code: string, index: number): object => ({
  sequence: index + 1,
  diagnosisCodeableConcept: { coding: [{ system: ICD10, code }] },
});

function correctionOf(frequency: string, original: string | undefined, { segment }: Claim837): object {
  if (frequency === '1') return {};
  if (original === undefined) return refused('a correction names the claim that it is of (REF*F8)', placeOf(segment));
  const relationship = { coding: [{ system: RELATIONSHIPS, code: 'prior' }] };
  return {
    extension: [{ url: FREQUENCY, valueCode: frequency }],
    related: [{ claim: { reference: `Claim/${original}` }, relationship }],
  };
}

/** What a payer has registered of a member, by the number that is on her card. */
async function coverageOf(read: Claim837, index: Index): Promise<StoredResource> {
  const place = placeOf(read.segment);
  if (read.member === '') return refused('its subscriber has no member number (NM1*IL 09)', place);
  const found = await coveragesNumbered(read.member, index);
  const served = servedIn(read, read.lines[0]);
  const meant = found.filter(
    ({ resource, author }) =>
      (read.payer === '' || read.payer === author || found.length === 1) &&
      (found.length === 1 || covers(daysOfPeriod(resource['period'] as object), served.first, served.last)),
  );
  const [coverage] = meant;
  if (meant.length !== 1 || coverage === undefined)
    return refused(
      `a payer has registered ${meant.length === 0 ? 'no' : meant.length} coverages of this member number`,
      place,
    );
  return coverage;
}

async function patientOf(coverage: StoredResource, { segment }: Claim837, index: Index): Promise<string> {
  const ids = await patientsCovered(coverage, index);
  return ids.length === 1
    ? ids[0]!
    : refused(`${ids.length === 0 ? 'no' : ids.length} patients here are the subscriber`, placeOf(segment));
}

async function practitionerOf(npi: string, { segment }: Claim837, index: Index): Promise<string> {
  const [ids = []] = await index.findByIdentifier([{ type: 'Practitioner', system: NPI, value: npi }]);
  if (ids.length === 1) return `Practitioner/${ids[0]}`;
  return refused(
    `${ids.length === 0 ? 'no' : ids.length} practitioners here have the number of who rendered it`,
    placeOf(segment),
  );
}

const servedIn = ({ served, segment }: Claim837, line: Line | undefined): Served =>
  line?.served ?? served ?? refused('says no day of service (DTP*472)', placeOf(line?.segment ?? segment));

/** The visit that has the account's number, or else the only one of the patient's that was on that day. */
function visitOf(line: Line, read: Claim837, visits: readonly StoredResource[]): string {
  const { first, last } = servedIn(read, line);
  const named = visits.filter(({ resource }) =>
    identifiersOf(resource).some(({ value }) => value === read.controlNumber),
  );
  const meant =
    named.length > 0
      ? named
      : visits.filter(
          ({ resource }) =>
            resource['status'] === 'finished' && covers(daysOfPeriod(resource['period'] as object), first, last),
        );
  const [visit] = meant;
  if (meant.length === 1 && visit !== undefined) return `Encounter/${visit.resource.id}`;
  const count = meant.length === 0 ? 'no visit' : `${meant.length} visits`;
  return refused(`the patient had ${count} of this number (CLM01) or on this day`, placeOf(line.segment));
}

const traceNumber = (value: string): object => ({
  url: ITEM_TRACE_NUMBER,
  valueIdentifier: { system: LINE_NUMBERS, value },
});

function itemOf(
  line: Line,
  read: Claim837,
  { visit, hasTeam, money }: { visit: string; hasTeam: boolean; money: (value: unknown) => object },
): object {
  const { first, last } = servedIn(read, line);
  const place = line.place ?? (read.type === 'professional' ? read.place : undefined);
  const system = line.code === line.revenue ? REVENUE : /^[A-Z]\d{4}$/.test(line.code) ? HCPCS : CPT;
  return {
    ...(line.number === undefined ? {} : { extension: [traceNumber(line.number)] }),
    ...{ sequence: line.sequence, productOrService: { coding: [{ system, code: line.code }] } },
    ...(line.revenue === undefined ? {} : { revenue: { coding: [{ system: REVENUE, code: line.revenue }] } }),
    ...(line.modifiers.length === 0
      ? {}
      : { modifier: line.modifiers.map((code) => ({ coding: [{ system: HCPCS, code }] })) }),
    ...(first === last ? { servicedDate: first } : { servicedPeriod: { start: first, end: last } }),
    ...(place === undefined ? {} : { locationCodeableConcept: { coding: [{ system: PLACES, code: place }] } }),
    ...(line.quantity === undefined ? {} : { quantity: { value: line.quantity } }),
    ...(line.diagnoses.length === 0 ? {} : { diagnosisSequence: line.diagnoses }),
    ...{ net: money(line.charge), encounter: [{ reference: visit }] },
    ...(hasTeam ? { careTeamSequence: [1] } : {}),
  };
}
