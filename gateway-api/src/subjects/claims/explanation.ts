/**
 * An ExplanationOfBenefit for the patient, made of the claim, the payer's decision and its payment (CARIN Blue Button,
 * hl7.org/fhir/us/carin-bb). Pure: it says what these say and nothing that anybody posted.
 */

import { firstDay, lastDay } from '@telemed-ledger/chaincode/model/days.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { carinCode, inCarinTerms } from './carin.ts';

const HL7 = 'http://terminology.hl7.org/CodeSystem';
const CLAIMS = 'https://telemed-ledger.example/claims';

export interface ExplainedPayment {
  /** The transfer has been made. */
  isPaid: boolean;
  /** YYYY-MM-DD, once it is known. */
  day: string | undefined;
}

export interface Explained {
  /** As it was billed. */
  claim: Resource;
  /** The payer's decision. */
  response: Resource;
  payment: ExplainedPayment;
  /** ISO 8601 UTC: when the claim came to the payer, and when it last went on. */
  receivedAt: string;
  updatedAt: string;
  /** The claim counts no more: another one has taken its place, or it was voided. */
  isCancelled: boolean;
}

type Members = Record<string, unknown>;

const membersOf = (value: unknown): Members[] => (Array.isArray(value) ? (value as Members[]) : []);

/** These elements of a resource, as far as it has them. */
const taken = (from: Members, ...names: string[]): Members =>
  Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]));

/** From the first to the last day of what is billed. */
function periodOf(claim: Resource): { start: string; end: string } | undefined {
  const spans = [claim['billablePeriod'], ...membersOf(claim['item']).map(servicedOf)].filter(
    (one) => one !== undefined,
  );
  const days = spans.flatMap((span) => {
    const { start, end = start } = (typeof span === 'string' ? { start: span } : span) as {
      start?: string;
      end?: string;
    };
    return start === undefined ? [] : [firstDay(start), lastDay(end ?? start)];
  });
  const sorted = days.sort();
  const [start] = sorted;
  return start === undefined ? undefined : { start, end: sorted.at(-1)! };
}

const servicedOf = (item: Members): unknown => item['servicedDate'] ?? item['servicedPeriod'];

const OF_ITEM = [
  ...['sequence', 'careTeamSequence', 'diagnosisSequence', 'procedureSequence', 'informationSequence'],
  ...['revenue', 'category', 'productOrService', 'modifier', 'programCode', 'servicedDate', 'servicedPeriod'],
  ...[
    'locationCodeableConcept',
    'locationAddress',
    'locationReference',
    'quantity',
    'unitPrice',
    'factor',
    'net',
    'udi',
  ],
  ...['bodySite', 'subSite', 'encounter'],
];
const OF_DETAIL = [
  ...['sequence', 'revenue', 'category', 'productOrService', 'modifier', 'programCode', 'quantity', 'unitPrice'],
  ...['factor', 'net', 'udi'],
];

const submitted = (amount: unknown): Members[] =>
  amount === undefined
    ? []
    : [{ category: { coding: [{ system: `${HL7}/adjudication`, code: 'submitted' }] }, amount }];

/** What a line that is not decided bills. */
const billedOf = ({ net }: Members): Members[] => submitted(net);

/** The part of a decision about a line, a detail or a detail's detail. */
const decidedFor = (decisions: unknown, name: string, sequence: unknown): Members | undefined =>
  membersOf(decisions).find((one) => one[name] === sequence);

function itemOf(item: Members, { claim, response }: Explained): Members {
  const decided = decidedFor(response['item'], 'itemSequence', item['sequence']);
  const detail = membersOf(item['detail']).map((one) => detailOf(one, decided));
  const isDated = servicedOf(item) !== undefined;
  return {
    ...taken(item, ...OF_ITEM),
    ...(isDated || claim['billablePeriod'] === undefined ? {} : { servicedPeriod: claim['billablePeriod'] }),
    adjudication: decided === undefined ? billedOf(item) : membersOf(decided['adjudication']),
    ...(detail.length === 0 ? {} : { detail }),
  };
}

function detailOf(detail: Members, item: Members | undefined): Members {
  const decided = decidedFor(item?.['detail'], 'detailSequence', detail['sequence']);
  const subDetail = membersOf(detail['subDetail']).map((one) => ({
    ...taken(one, ...OF_DETAIL),
    ...adjudicated(decidedFor(decided?.['subDetail'], 'subDetailSequence', one['sequence'])),
  }));
  return {
    ...taken(detail, ...OF_DETAIL),
    ...adjudicated(decided),
    ...(subDetail.length === 0 ? {} : { subDetail }),
  };
}

function adjudicated(decided: Members | undefined): Members {
  const adjudication = membersOf(decided?.['adjudication']);
  return adjudication.length === 0 ? {} : { adjudication };
}

const isReceipt = (category: unknown): boolean =>
  membersOf((category as { coding?: unknown } | undefined)?.coding).some(({ code }) => code === 'clmrecvddate');

/** What the claim came with, and the day on which the payer had it. */
function supportingInfo({ claim, receivedAt }: Explained): Members[] {
  const all = membersOf(claim['supportingInfo']).filter(({ category }) => !isReceipt(category));
  const last = Math.max(0, ...all.map(({ sequence }) => Number(sequence)));
  const category = carinCode('C4BBSupportingInfoType', 'clmrecvddate');
  return [...all, { sequence: last + 1, category, timingDate: receivedAt.slice(0, 10) }];
}

function paymentOf({ response, payment: { isPaid, day } }: Explained): Members {
  const { type, amount } = (response['payment'] ?? {}) as { type?: { coding?: Members[] }; amount?: unknown };
  if (amount === undefined)
    return isDenied(response) ? { payment: { type: carinCode('C4BBPayerAdjudicationStatus', 'denied') } } : {};
  const isWhole = type?.coding?.[0]?.['code'] === 'complete';
  const status = carinCode('C4BBPayerAdjudicationStatus', isWhole ? 'paid' : 'partiallypaid');
  return { payment: { type: status, amount, ...(isPaid && day !== undefined ? { date: day } : {}) } };
}

/** Nothing is owed; where it waits, or the patient owes all of it, nobody has denied to pay. */
const isDenied = ({ outcome, disposition }: Resource): boolean =>
  outcome !== 'queued' && /(?:^|: )denied$/.test(String(disposition));

/** What the payer has paid so far is one total more. */
function totalsOf({ claim, response, payment }: Explained): unknown[] {
  const { amount } = (response['payment'] ?? {}) as { amount?: unknown };
  const paid = { category: carinCode('C4BBAdjudication', 'paidtoprovider'), amount };
  const total = membersOf(response['total']);
  return [
    ...(total.length === 0 ? submitted(claim['total']) : total),
    ...(payment.isPaid && amount !== undefined ? [paid] : []),
  ];
}

/** A note for each reason that the decision gives, in its own words or by its name. */
function notesOf(response: Resource): Members {
  const names = membersOf(response['error']).map((one) => {
    const { coding, text } = (one['code'] ?? {}) as { coding?: Members[]; text?: string };
    return String(text ?? coding?.[0]?.['code']);
  });
  const texts = [...new Set([...membersOf(response['processNote']).map((one) => String(one['text'])), ...names])];
  if (texts.length === 0) return {};
  return { processNote: texts.map((text, index) => ({ number: index + 1, type: 'display', text })) };
}

/** The ExplanationOfBenefit of a decided claim; its id is the ClaimResponse's. */
export function explanationOf(explained: Explained): Resource {
  const { claim, response, updatedAt, isCancelled } = explained;
  const period = periodOf(claim);
  const total = totalsOf(explained);
  return inCarinTerms({
    resourceType: 'ExplanationOfBenefit',
    id: response.id,
    meta: { lastUpdated: updatedAt },
    ...taken(claim, 'contained'),
    identifier: [{ type: carinCode('C4BBIdentifierType', 'uc'), system: CLAIMS, value: claim.id }],
    status: isCancelled ? 'cancelled' : 'active',
    ...taken(claim, 'type', 'subType'),
    use: 'claim',
    patient: claim['patient'],
    ...(period === undefined ? {} : { billablePeriod: period }),
    created: response['created'],
    insurer: response['insurer'],
    provider: claim['provider'],
    ...taken(claim, 'priority', 'related', 'facility', 'referral', 'prescription'),
    payee: { type: { coding: [{ system: `${HL7}/payeetype`, code: 'provider' }] } },
    claim: { reference: `Claim/${claim.id}` },
    claimResponse: { reference: `ClaimResponse/${response.id}` },
    outcome: response['outcome'],
    ...taken(response, 'disposition'),
    ...(response['preAuthRef'] === undefined ? {} : { preAuthRef: [response['preAuthRef']] }),
    ...taken(claim, 'careTeam', 'diagnosis', 'procedure'),
    supportingInfo: supportingInfo(explained),
    insurance: membersOf(claim['insurance']).map((one) => taken(one, 'focal', 'coverage', 'preAuthRef')),
    item: membersOf(claim['item']).map((item) => itemOf(item, explained)),
    ...(total.length === 0 ? {} : { total }),
    ...paymentOf(explained),
    ...notesOf(response),
  });
}
