/**
 * Claim/$inquire (hl7.org/fhir/us/davinci-pas/OperationDefinition-Claim-inquiry.html): a Claim as an example of what is looked for. Whom
 * it is about must be told; services and numbers narrow it: the payer's, or those by which the request itself named an earlier one.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { StoredResource } from '../../fhir/repository.ts';
import type { ReadModel } from '../../index/read/queries.ts';

const PAS = 'http://hl7.org/fhir/us/davinci-pas/StructureDefinition';
const NUMBER = `${PAS}/extension-authorizationNumber`;
const ANY_SERVICE = 'not-applicable';
/** Requests for one coverage that are looked through. */
const MOST = 500;

interface Coded {
  extension?: { url?: string; valueString?: string }[];
  productOrService?: { coding?: { system?: string; code?: string }[] };
}

const numbersOf = ({ extension = [] }: Coded): string[] =>
  extension.flatMap(({ url, valueString }) => (url === NUMBER && valueString !== undefined ? [valueString] : []));

const codesOf = ({ productOrService }: Coded): string[] =>
  (productOrService?.coding ?? []).flatMap(({ code }) => (code === undefined || code === ANY_SERVICE ? [] : [code]));

/** Ids of the requests that an inquiry means, newest first. @param coverage `Coverage/<id>` that it is about */
export async function inquired(index: ReadModel, claim: Resource, coverage: string): Promise<string[]> {
  const search = {
    type: 'ClaimResponse',
    values: [{ parameter: 'coverage', anyOf: [{ value: coverage }] }],
    count: MOST,
  };
  const { matches } = await index.search(search);
  const found: string[] = [];
  for (const { resource } of matches.filter((one) => isPreauthorization(one.resource)).toSorted(newestFirst)) {
    const [, id = ''] = /^Claim\/(.+)$/.exec((resource['request'] as { reference: string }).reference) ?? [];
    const asked = await index.newest('Claim', id);
    if (asked !== undefined && isMeant(claim, asked.resource, resource)) found.push(id);
  }
  return found;
}

/** Whether an example means a request, as far as it names services or numbers. @param answer what the payer answered to it */
export function isMeant(example: Resource, asked: Resource, answer?: Resource): boolean {
  const items = (example['item'] ?? []) as Coded[];
  const lines = (asked['item'] ?? []) as Coded[];
  const numbers = [example as Coded, ...items].flatMap(numbersOf);
  const known = [asked as Coded, ...lines].flatMap(numbersOf);
  const answered = JSON.stringify(answer ?? {});
  const isNumbered =
    numbers.length === 0 || numbers.some((one) => known.includes(one) || answered.includes(JSON.stringify(one)));
  const codes = items.flatMap(codesOf);
  const own = lines.flatMap(codesOf);
  return isNumbered && (codes.length === 0 || codes.some((code) => own.includes(code)));
}

export const isPreauthorization = (resource: Resource): boolean => resource['use'] === 'preauthorization';
const newestFirst = (a: StoredResource, b: StoredResource): number => b.lastUpdated.localeCompare(a.lastUpdated);
