/** What a payer's Parameters say of a request: outcome, reason, lines, period and number. */
import {
  type AuthorizationDecision,
  authorizationDecisionSchema,
} from '@telemed-ledger/chaincode/model/authorizations.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parsedInput } from '../../http/bodies.ts';

interface Parameter {
  name?: unknown;
  part?: Parameter[];
  [value: string]: unknown;
}

const KNOWN = ['outcome', 'reason', 'item', 'period', 'number'];
const OF_ITEM = ['sequence', 'outcome', 'reason', 'quantity'];

const invalid = (reason: string, expression: string): never => {
  throw new LedgerError('INVALID', reason, expression);
};

/** The value that a parameter carries (hl7.org/fhir/R4/parameters.html). */
function carriedBy(parameter: Parameter): unknown {
  const name = Object.keys(parameter).find((key) => key.startsWith('value'));
  return name === undefined ? undefined : parameter[name];
}

/** @throws LedgerError INVALID for a parameter that is not understood: it must not look as if it had been heeded */
function membersOf(parameters: readonly Parameter[], known: readonly string[], at: string): Map<string, Parameter[]> {
  const found = new Map<string, Parameter[]>();
  parameters.forEach((parameter, index) => {
    const name = String(parameter.name);
    if (!known.includes(name)) invalid(`is not one of ${known.join(', ')}`, `${at}[${index}].name`);
    const others = found.get(name) ?? [];
    if (name !== 'item' && others.length > 0) invalid('stands twice', `${at}[${index}].name`);
    found.set(name, [...others, parameter]);
  });
  return found;
}

/** A CodeableConcept, or a text. */
function reasonIn(parameter: Parameter | undefined): object {
  if (parameter === undefined) return {};
  const value = carriedBy(parameter);
  if (typeof value === 'string') return { reason: { text: value } };
  const { coding, text } = (value ?? {}) as { coding?: { system?: string; code?: string }[]; text?: string };
  const { system, code } = coding?.[0] ?? {};
  const reason = { ...(system && { system }), ...(code && { code }), ...(text && { text }) };
  return { reason };
}

/** @throws {LedgerError} INVALID, {Failure} 422 with the parameter at fault */
export function decisionIn(body: Resource | undefined): AuthorizationDecision {
  if (body?.resourceType !== 'Parameters') return invalid('a decision is a Parameters resource', 'resourceType');
  const members = membersOf((body['parameter'] ?? []) as Parameter[], KNOWN, 'Parameters.parameter');
  const one = (name: string): Parameter | undefined => members.get(name)?.[0];
  const value = (name: string): unknown => (one(name) === undefined ? undefined : carriedBy(one(name)!));
  const items = (members.get('item') ?? []).map(({ part = [] }) => itemIn(part));
  const decision = {
    outcome: value('outcome'),
    ...reasonIn(one('reason')),
    ...(items.length === 0 ? {} : { items }),
    ...(value('period') === undefined ? {} : { period: value('period') }),
    ...(value('number') === undefined ? {} : { number: value('number') }),
  };
  return parsedInput(authorizationDecisionSchema, decision);
}

function itemIn(parts: readonly Parameter[]): object {
  const members = membersOf(parts, OF_ITEM, 'Parameters.parameter.part');
  const value = (name: string): unknown => {
    const [one] = members.get(name) ?? [];
    return one === undefined ? undefined : carriedBy(one);
  };
  const quantity = value('quantity') as { value?: unknown } | number | undefined;
  return {
    ...{ sequence: value('sequence'), outcome: value('outcome'), ...reasonIn(members.get('reason')?.[0]) },
    ...(quantity === undefined ? {} : { quantity: typeof quantity === 'object' ? quantity.value : quantity }),
  };
}
