/**
 * What a payer has authorized, as a claim is held against it: line by line of each request, on the days on which that decision was in
 * force. Read off the request and the payer's answer to it, as both stand on the ledger.
 */
import { type AuthorizationStatus, isCancelledItem } from '../model/authorizations.ts';
import type { BillItem, BillPart } from '../model/bill.ts';
import { objectsOf } from '../model/claim-evidence.ts';
import { addDays, covers, type Days, firstDay, lastDay } from '../model/days.ts';
import type { Resource } from '../model/fhir.ts';
import { type Decimal, decimalOf } from '../model/money.ts';
import { serviceNameOf } from '../model/plans.ts';
import { actionOf } from '../model/review-actions.ts';

const PAS = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition';
/** X12's service types: each is a kind of services, of which the plan says which these are. */
const SERVICE_TYPES = 'https://codesystem.x12.org/005010/1365';

interface Code {
  system: string;
  code: string;
}

/** One line of what was decided. */
export interface AuthorizedLine {
  /** Id of the request. */
  authorization: string;
  /** The claim's own provider asked for it: somebody else's is not referred to. */
  isOwn: boolean;
  sequence: number;
  /** The payer's number of it; absent of what was denied, and of a predetermination, which authorizes nothing. */
  number?: string;
  isDenied: boolean;
  codes: readonly Code[];
  /** The last code of a range that begins at the code of that system. */
  until: readonly Code[];
  /** Days of service on which it holds. */
  span: Days;
  /** Whole units of it; undefined: nobody has limited them. */
  units: number | undefined;
}

/** A request, as each of its decisions left it. */
export interface Authorization {
  id: string;
  /** What was in force on a day (YYYY-MM-DD). */
  on: (day: string) => readonly AuthorizedLine[];
}

/** What a claim is held against. */
export interface Authorizations {
  /** The claim names numbers: then nothing else counts. */
  isNamed: boolean;
  all: readonly Authorization[];
}

export const NO_AUTHORIZATIONS: Authorizations = { isNamed: false, all: [] };

const codesOf = (concept: unknown): Code[] =>
  objectsOf((concept as { coding?: unknown } | undefined)?.coding).flatMap(({ system, code }) =>
    typeof code === 'string' ? [{ system: typeof system === 'string' ? system : '', code }] : [],
  );

const extended = (element: Record<string, unknown>, name: string): Record<string, unknown>[] =>
  objectsOf(element['extension']).filter(({ url }) => url === `${PAS}/${name}`);

/** The days that an element says: a date, or a period. */
function daysIn(date: unknown, period: unknown): Days | undefined {
  if (typeof date === 'string') return { first: firstDay(date), last: lastDay(date) };
  const { start, end } = (period ?? {}) as { start?: unknown; end?: unknown };
  if (typeof start !== 'string' && typeof end !== 'string') return undefined;
  return {
    ...(typeof start === 'string' ? { first: firstDay(start) } : {}),
    ...(typeof end === 'string' ? { last: lastDay(end) } : {}),
  };
}

/** Whole units of a quantity, up; undefined where it is none. */
function unitsIn(quantity: unknown): number | undefined {
  const found = decimalOf((quantity as { value?: unknown } | undefined)?.value);
  return found === undefined ? undefined : wholeUnits(found);
}

/** Whole units of a service, up. */
export function wholeUnits({ digits, scale }: Decimal): number {
  const divisor = 10n ** BigInt(scale);
  return Number((digits + divisor - 1n) / divisor);
}

/** How much of a line the payer authorized, where it said so. */
const decidedUnits = (item: Record<string, unknown>): number | undefined =>
  extended(item, 'extension-itemAuthorizedDetail')
    .flatMap((one) => objectsOf(one['extension']))
    .filter(({ url }) => url === 'quantity')
    .map(({ valueQuantity }) => unitsIn(valueQuantity))[0];

/**
 * The lines of a request as a decision left them.
 * @param request when the payer received what it decided on: from the day before on (it was still that somewhere) it holds, where nobody
 * says on which days
 */
export function authorizedLines(
  request: { id: string; isOwn: boolean; receivedAt: string },
  claim: Resource,
  response: Resource,
): AuthorizedLine[] {
  const { id, isOwn, receivedAt } = request;
  const granted = daysIn(undefined, response['preAuthPeriod']);
  const number = response['preAuthRef'];
  const decided = new Map(objectsOf(response['item']).map((item) => [item['itemSequence'], item]));
  return objectsOf(claim['item']).flatMap((item): AuthorizedLine[] => {
    const sequence = Number(item['sequence']);
    const said = decided.get(sequence);
    if (said === undefined || isCancelledItem(item)) return [];
    const action = actionOf(said);
    if (action === 'pend' || action === undefined) return [];
    const isDenied = action === 'deny';
    const asked = daysIn(item['servicedDate'], item['servicedPeriod']);
    return [
      {
        ...{ authorization: id, isOwn, sequence, isDenied, codes: codesOf(item['productOrService']) },
        ...(typeof number === 'string' && !isDenied ? { number } : {}),
        until: extended(item, 'extension-productOrServiceCodeEnd').flatMap((one) =>
          codesOf(one['valueCodeableConcept']),
        ),
        span: granted ?? asked ?? { first: addDays(firstDay(receivedAt), -1) },
        units: decidedUnits(said) ?? unitsIn(item['quantity']),
      },
    ];
  });
}

/** A decision of a request, by the day on which it was made. */
export interface DecidedOn {
  day: string;
  status: AuthorizationStatus;
  step: number;
}

/**
 * Which decision was in force on a day: the last that was made by then; before the first of them that one, as payers authorize what was
 * urgent afterwards. What is asked anew takes nothing away until that is decided.
 */
export function inForce(decisions: readonly DecidedOn[], day: string): DecidedOn | undefined {
  const settled = decisions.filter(({ status }) => status !== 'pended');
  return settled.findLast((one) => one.day <= day) ?? settled[0];
}

const nameOf = ({ system, code }: Code): string => serviceNameOf(`${system}|${code}`);

/** Whether a code is one that was asked for, or in a range of codes of one length. */
function isAsked(billed: Code, line: AuthorizedLine): boolean {
  return line.codes.some((asked) => {
    if (billed.system.toLowerCase() !== asked.system.toLowerCase()) return false;
    if (nameOf(billed) === nameOf(asked)) return true;
    const [code, first] = [billed.code.toUpperCase(), asked.code.toUpperCase()];
    return line.until
      .filter(
        ({ system, code: last }) => system.toLowerCase() === asked.system.toLowerCase() && last.length === code.length,
      )
      .some((last) => first.length === code.length && first <= code && code <= last.code.toUpperCase());
  });
}

/**
 * Whether a line authorizes what a part bills: every code of the kind, or of a system that it authorizes codes of, so that none rides on
 * another; or all of the kind, where it is asked for by X12's service type and the plan has that among the services of the kind.
 * @param kind names of the services of the plan's category
 */
export function isFor(line: AuthorizedLine, { codes }: Pick<BillPart, 'codes'>, kind: ReadonlySet<string>): boolean {
  const isOfKind = line.codes.some((one) => one.system === SERVICE_TYPES && kind.has(nameOf(one)));
  if (isOfKind) return true;
  const systems = new Set(line.codes.map(({ system }) => system.toLowerCase()));
  const comparable = codes.filter(
    (one) => systems.has(one.system.toLowerCase()) || kind.has(nameOf(one)) || kind.has(serviceNameOf(one.code)),
  );
  return comparable.length > 0 && comparable.every((one) => isAsked(one, line));
}

/** Whether it holds on all the days of an item. */
export const holdsOn = ({ span }: AuthorizedLine, { first, last }: Pick<BillItem, 'first' | 'last'>): boolean =>
  covers(span, first, last);
