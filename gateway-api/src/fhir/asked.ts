/** What an operation that only reads is asked: by a query, or by Parameters that are posted. */
import { isNumber, textOfNumber } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { Request } from 'express';
import { Refusal, refuse, UNPROCESSABLE } from './outcomes.ts';
import { preferencesOf } from './requests.ts';
import type { Parameters } from './search-query.ts';
import { validateResource } from './validation/validation.ts';

/** What an operation is asked. */
export interface Asked {
  type: string;
  /** Of an instance; undefined at the level of the type. */
  id: string | undefined;
  /** Of the query and, where Parameters are posted, of these as far as they are no resources. */
  parameters: Parameters;
  /** Of the query alone. */
  query: Parameters;
  body: unknown;
  /** Prefer: handling=lenient. */
  lenient: boolean;
}

/** Of what is posted to an operation, where anything is. @throws {Refusal} 422 */
export function demandSound(body: unknown): void {
  const { issues } = body === undefined ? { issues: [] } : validateResource(body);
  if (issues.length > 0) throw new Refusal(UNPROCESSABLE, issues);
}

/**
 * What a request asks of a type, or of the one in its URL. What is posted is sound, but where it `isJudged` itself: then it is no
 * Parameters to be read either. @throws {Refusal} 422
 */
export function operationAsked(
  request: Request,
  type: string | undefined,
  query: Parameters,
  isJudged: boolean,
): Asked {
  const body = request.body as unknown;
  if (!isJudged) demandSound(body);
  return {
    ...{ type: type ?? String(request.params['type']), id: request.params['id'] as string | undefined, query, body },
    parameters: [...query, ...(isJudged ? [] : parametersIn(body))],
    lenient: preferencesOf(request).handling === 'lenient',
  };
}

/** Those of Parameters that are primitive values or Codings, as a query has them: `system|code` is a Coding. */
function parametersIn(body: unknown): Parameters {
  if (body === undefined) return [];
  const { resourceType, parameter = [] } = body as { resourceType?: string; parameter?: Record<string, unknown>[] };
  if (resourceType !== 'Parameters') return [];
  return parameter.flatMap((one) => {
    const [, value] = Object.entries(one).find(([name]) => name.startsWith('value')) ?? [];
    const text = textOf(value);
    return text === undefined ? [] : [[String(one['name']), text] as const];
  });
}

function textOf(value: unknown): string | undefined {
  if (isNumber(value)) return textOfNumber(value);
  if (typeof value === 'string' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'object' || value === null) return undefined;
  const { system, code, reference, start, coding } = value as Record<string, unknown>;
  if (Array.isArray(coding)) return textOf(coding[0]);
  if (typeof code === 'string') return `${typeof system === 'string' ? system : ''}|${code}`;
  if (typeof reference === 'string') return reference;
  return typeof start === 'string' ? start : undefined;
}

/** @throws {Refusal} 400 for a parameter that would be ignored */
export function single(parameters: Parameters, name: string): string | undefined {
  const [value, ...others] = parameters.filter(([one]) => one === name).map(([, text]) => text);
  return others.length === 0 ? value : refuse(400, 'value', 'This parameter is given once.', name);
}
