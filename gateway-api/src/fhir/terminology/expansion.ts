/** `ValueSet/$expand` (hl7.org/fhir/R4/valueset-operation-expand.html), flat and in pages, of what is known here. */
import { randomUUID } from 'node:crypto';
import type { Answer } from '../answers.ts';
import { type Asked, single } from '../asked.ts';
import { demandKnown } from '../everything.ts';
import { refuse } from '../outcomes.ts';
import type { Scope } from '../repository.ts';
import { comparable } from '../search/terms.ts';
import type { Parameters } from '../search-query.ts';
import { byId, type ValueSet, valueSetOf } from './local.ts';
import { type Member, membersAt, membersOf } from './members.ts';

const KNOWN = new Set([
  ...['url', 'valueSet', 'valueSetVersion', 'filter', 'offset', 'count', 'includeDesignations', 'excludeNested'],
  ...['_format', '_pretty'],
]);
const MAX_COUNT = 1_000;

export async function expand(scope: Scope, asked: Asked): Promise<Answer> {
  const { parameters, lenient } = asked;
  demandKnown(parameters, KNOWN, lenient);
  const { valueSet, members } = await askedFor(scope, asked);
  const filter = comparable(single(parameters, 'filter') ?? '');
  const found = [...members.values()].filter(
    ({ code, display = '' }) => comparable(code).includes(filter) || comparable(display).includes(filter),
  );
  const [offset, count] = [wholeIn(parameters, 'offset', 0), wholeIn(parameters, 'count', MAX_COUNT)];
  const page = found.slice(offset, offset + Math.min(count, MAX_COUNT));
  const { compose: _, id: __, meta: ___, text: ____, ...stated } = valueSet;
  const isDesignated = single(parameters, 'includeDesignations') === 'true';
  const expansion = {
    ...{ identifier: `urn:uuid:${randomUUID()}`, timestamp: new Date().toISOString() },
    ...{ total: found.length, offset },
    ...(page.length === 0 ? {} : { contains: page.map((member) => shown(member, isDesignated)) }),
  };
  return {
    status: 200,
    resource: { ...stated, resourceType: 'ValueSet', status: valueSet['status'] ?? 'active', expansion },
  };
}

const shown = ({ designation, ...member }: Member, isDesignated: boolean): object =>
  isDesignated && designation !== undefined ? { ...member, designation } : member;

/** The value set of an instance, of a body or of a URL. */
async function askedFor(
  scope: Scope,
  { id, body, parameters }: Asked,
): Promise<{ valueSet: Omit<ValueSet, 'id'>; members: Map<string, Member> }> {
  const given = id === undefined ? postedIn(body) : ((await byId(scope, 'ValueSet', id)) as ValueSet);
  if (given !== undefined) return { valueSet: given, members: await membersOf(scope, given) };
  const url = single(parameters, 'url');
  if (url === undefined) return refuse(400, 'required', 'The url of a value set is required.', 'url');
  const version = single(parameters, 'valueSetVersion');
  const canonical = version === undefined ? url : `${url}|${version}`;
  const recorded = await valueSetOf(scope, canonical);
  const members = await membersAt(scope, canonical);
  return { valueSet: recorded ?? { resourceType: 'ValueSet', url }, members };
}

function postedIn(body: unknown): ValueSet | undefined {
  const { resourceType, parameter = [] } = (body ?? {}) as {
    resourceType?: string;
    parameter?: { name?: string; resource?: ValueSet }[];
  };
  if (resourceType === 'ValueSet') return body as ValueSet;
  return parameter.find(({ name, resource }) => name === 'valueSet' && resource?.resourceType === 'ValueSet')?.resource;
}

function wholeIn(parameters: Parameters, name: string, otherwise: number): number {
  const text = single(parameters, name);
  if (text === undefined) return otherwise;
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : refuse(400, 'value', 'Expected a whole number.', name);
}
