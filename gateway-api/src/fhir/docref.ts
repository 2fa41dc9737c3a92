/**
 * `DocumentReference/$docref` (hl7.org/fhir/us/core/OperationDefinition-docref.html): the documents of a patient, of a time of
 * care where one is asked for, and else the current ones. Documents are found as a search finds them; none is made on demand.
 */
import type { Answer } from './answers.ts';
import { type Asked, single } from './asked.ts';
import { demandKnown, patientOf } from './everything.ts';
import { refuse } from './outcomes.ts';
import type { Scope, StoredResource } from './repository.ts';
import { matchOf, outcomeEntries } from './search.ts';
import { type Parameters, parseSearch } from './search-query.ts';
import { isWithinCare, spanAsked } from './spans.ts';
import { supportedType } from './types.ts';

const KNOWN = new Set(['patient', 'start', 'end', 'type', 'on-demand', 'profile', '_format', '_pretty']);
const PAGE = 200;
/** In one Bundle: a patient with more documents asks for a time. */
const MOST = 1_000;

/** @throws {Refusal} 404 for a patient whom the caller does not see, 400 for what would be ignored */
export async function docref(scope: Scope, { parameters, lenient }: Asked): Promise<Answer> {
  demandKnown(parameters, KNOWN, lenient);
  const id = single(parameters, 'patient')?.replace(/^Patient\//, '');
  if (id === undefined) return refuse(400, 'required', 'A patient is required.', 'patient');
  if (single(parameters, 'on-demand') === 'true' && !lenient)
    refuse(400, 'not-supported', 'No documents are made on demand: $summary makes one.', 'on-demand');
  await patientOf(scope, id);
  const asked = spanAsked(parameters);
  const type = single(parameters, 'type');
  const query: Parameters = [
    ['patient', `Patient/${id}`],
    ['status', 'current'],
    ...(type === undefined ? [] : ([['type', type]] as const)),
    ...(asked === undefined ? ([['_sort', '-date']] as const) : []),
    ['_count', String(PAGE)],
  ];
  const { matches, outcomes } = await documents(scope, query, (one) => asked === undefined || isWithinCare(one, asked));
  const entry = [...matches.map((match) => matchOf(match, scope.baseUrl)), ...outcomes];
  const link = [{ relation: 'self', url: `${scope.baseUrl}/DocumentReference/$docref` }];
  const total = matches.length;
  return {
    status: 200,
    resource: { resourceType: 'Bundle', type: 'searchset', total, link, ...(entry.length === 0 ? {} : { entry }) },
  };
}

async function documents(
  { repository, caller }: Scope,
  query: Parameters,
  isAsked: (one: StoredResource) => boolean,
): Promise<{ matches: StoredResource[]; outcomes: object[] }> {
  const { search } = parseSearch(supportedType('DocumentReference')!, query, '', false);
  const matches: StoredResource[] = [];
  const outcomes: object[] = [];
  for (let after: string | undefined; ; ) {
    const page = await repository.search(caller, { ...search, ...(after === undefined ? {} : { after }) });
    if (after === undefined) outcomes.push(...outcomeEntries(page));
    matches.push(...page.matches.filter(isAsked));
    if (matches.length > MOST)
      refuse(403, 'too-costly', `There are more than ${MOST} documents: ask for a time or a type.`, 'start');
    if (page.next === undefined) return { matches, outcomes };
    after = page.next;
  }
}
