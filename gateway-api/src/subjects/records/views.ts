/** What of the organisation's records a caller sees and writes: what its role sees, narrowed by the scopes of its token. */
import { companionTypes } from '@telemed-ledger/chaincode/model/companions.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { patientIdOf } from '@telemed-ledger/chaincode/model/fhir.ts';
import { audienceName } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf, readingOf } from '../../auth/entitlement.ts';
import type { Act } from '../../auth/grants.ts';
import { type Left, leftOf } from '../../auth/scopes.ts';
import type { NewDraft, Search } from '../../fhir/repository.ts';
import { isAsked } from '../../fhir/search/matching.ts';
import { parseSearch } from '../../fhir/search-query.ts';
import { supportedType } from '../../fhir/types.ts';
import { InsufficientScope } from '../../http/failures.ts';
import type { View } from '../../index/read/deliveries.ts';

/** What of the read model a caller sees of a type when it does this. @throws {LedgerError} FORBIDDEN */
export function viewOf(caller: Caller, type: string, act: Act): View {
  const compartment = compartmentOf(caller, ...readingOf(type));
  const linked = caller.linked === undefined ? {} : { linked: caller.linked };
  const audience = audienceName({ role: caller.role, user: caller.fhirUser });
  const { patient, only } = narrowing(caller, type, act);
  const narrowed = only === undefined ? {} : { only };
  // Who treated and where is about no patient, and goes with what is.
  if (patient === undefined || companionTypes.includes(type)) return { compartment, ...linked, audience, ...narrowed };
  if (compartment === undefined) return { compartment: patient, audience, ...narrowed };
  if (compartment !== patient && caller.linked?.includes(patient) !== true)
    throw new InsufficientScope('the patient of this token is not the one who asks');
  return compartment === patient
    ? { compartment, ...linked, audience, ...narrowed }
    : { compartment: patient, audience, ...narrowed };
}

/** The same; undefined for a caller who sees nothing of the type. */
export function viewIfAny(caller: Caller, type: string, act: Act): View | undefined {
  try {
    return viewOf(caller, type, act);
  } catch (error) {
    if (error instanceof LedgerError) return undefined;
    throw error;
  }
}

interface Narrowing {
  patient?: string;
  only?: readonly Search[];
}

const narrowing = (caller: Caller, type: string, act: Act): Narrowing => {
  const { patient, queries } = leftOf(caller, { type, acts: [act] });
  const only = queries?.flatMap((one) => searchOf(type, one) ?? []);
  // A scope whose search is not understood grants nothing.
  if (only?.length === 0)
    throw new InsufficientScope(`the scopes of this token narrow ${type} by what it is not searched by here`);
  return { ...(patient === undefined ? {} : { patient }), ...(only === undefined ? {} : { only }) };
};

/** The search that a scope narrows a type by; undefined where it is none, or more than criteria. */
function searchOf(type: string, { query, patient }: NonNullable<Left['queries']>[number]): Search | undefined {
  const supported = supportedType(type);
  if (supported === undefined) return undefined;
  try {
    const { search, impossible, page } = parseSearch(supported, [...new URLSearchParams(query)], '', false);
    const { chains, reverse } = search;
    // What others say of a record can change without it: a scope speaks of what it says itself.
    if (impossible || page !== undefined || chains !== undefined || reverse !== undefined) return undefined;
    if (search.ids !== undefined || search.lastUpdated !== undefined || search.sort !== undefined) return undefined;
    return patient === undefined ? search : { ...search, patients: [patient] };
  } catch {
    return undefined;
  }
}

/**
 * Whether a draft may be written; the record that it replaces is looked at by `viewOf`.
 * @throws {LedgerError} FORBIDDEN
 */
export function demandWritable(caller: Caller, { resource }: Pick<NewDraft, 'resource'>, act: Act): void {
  if (caller.scopes === undefined) return;
  const { resourceType: type } = resource;
  const { patient, only } = narrowing(caller, type, act);
  const about = type === 'Patient' ? resource.id : patientIdOf(resource);
  if (patient !== undefined && about !== patient)
    throw new InsufficientScope('the scopes of this token are for what is about its patient', type);
  const isWithin = ({ patients, ...search }: Search) =>
    (patients === undefined || patients.includes(about ?? '')) && isAsked(resource, search);
  // What a deletion leaves says nothing that a search asks for.
  if (act !== 'd' && only !== undefined && !only.some(isWithin))
    throw new InsufficientScope('the scopes of this token do not take in what is written', type);
}
