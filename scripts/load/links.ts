/**
 * What in a resource follows an entry's fullUrl to its id (hl7.org/fhir/R4/http.html#trules): references, elements of the types uri,
 * url, oid and uuid, and links of narratives. A canonical does not.
 */
import { isExactNumber } from '@telemed-ledger/chaincode/model/numbers.ts';
import { schemaOf } from '@telemed-ledger/gateway-api/fhir/validation/schema.ts';

type Follow = (link: string) => string;
type Members = Record<string, unknown>;

const URI_TYPES = new Set(['uri', 'url', 'oid', 'uuid']);
const HREFS = /((?:href|src)\s*=\s*["'])([^"']+)/g;

/** A copy of the resource in which each link is what `follow` makes of it. What R4 does not have has references alone. */
export const withLinks = <R extends object | undefined>(resource: R, follow: Follow): R =>
  copied(resource, 'Resource', follow) as R;

/** Every link of a resource, as it stands. */
export function linksIn(resource: object | undefined): string[] {
  const links: string[] = [];
  withLinks(resource, (link) => {
    links.push(link);
    return link;
  });
  return links;
}

function copied(value: unknown, type: string | undefined, follow: Follow): unknown {
  if (typeof value === 'string') return textOf(value, type, follow);
  if (Array.isArray(value)) return value.map((item) => copied(item, type, follow));
  if (typeof value !== 'object' || value === null || isExactNumber(value)) return value;
  const schema = schemaOf(type === 'Resource' ? String((value as Members)['resourceType']) : (type ?? ''));
  const members = Object.entries(value).map(([name, member]) => {
    const isReference = name === 'reference' && (schema === undefined || schema.name === 'Reference');
    const inner = name.startsWith('_') ? 'Element' : schema?.elements.get(name)?.type;
    return [name, copied(member, isReference ? 'uri' : inner, follow)];
  });
  return Object.fromEntries(members);
}

function textOf(text: string, type: string | undefined, follow: Follow): string {
  if (type === 'xhtml') return text.replace(HREFS, (_all, head: string, link: string) => head + follow(link));
  return type !== undefined && URI_TYPES.has(type) ? follow(text) : text;
}
