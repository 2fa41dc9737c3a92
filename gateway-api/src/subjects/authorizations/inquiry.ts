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
  const items = (claim['item'] ?? []) as Coded[];
  const numbers = [claim as Coded, ...items].flatMap(numbersOf);
  const codes = items.flatMap(codesOf);
  const found: string[] = [];
  for (const { resource } of matches.filter(isAuthorization).toSorted(newestFirst)) {
    const [, id = ''] = /^Claim\/(.+)$/.exec((resource['request'] as { reference: string }).reference) ?? [];
    const asked = await index.newest('Claim', id);
    if (asked === undefined) continue;
    const lines = (asked.resource['item'] ?? []) as Coded[];
    const known = [asked.resource as Coded, ...lines].flatMap(numbersOf);
    const answer = JSON.stringify(resource);
    const isNumbered =
      numbers.length === 0 || numbers.some((one) => known.includes(one) || answer.includes(JSON.stringify(one)));
    const own = lines.flatMap(codesOf);
    if (isNumbered && (codes.length === 0 || codes.some((code) => own.includes(code)))) found.push(id);
  }
  return found;
}

const isAuthorization = ({ resource }: StoredResource): boolean => resource['use'] === 'preauthorization';
const newestFirst = (a: StoredResource, b: StoredResource): number => b.lastUpdated.localeCompare(a.lastUpdated);
