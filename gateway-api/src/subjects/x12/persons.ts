/** Names of persons in a remittance, as a provider's own records have them: the ledger tells payers none. */
import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import type { Reference, Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { identifiersOf } from '../claims/matching.ts';
import { NPI } from './terms.ts';
import { plainName } from './writing.ts';

export interface PersonName {
  /** In X12's characters. */
  last: string;
  first: string;
}

/** Whom a claim is about, and who rendered it. */
export interface Persons {
  patient?: PersonName | undefined;
  rendering?: (PersonName & { npi: string }) | undefined;
}

/** The longest of NM103 and NM104. */
const [LONGEST_LAST, LONGEST_FIRST] = [60, 35];

/** The official name, or else the first; undefined where nothing of a family name can be written. */
function nameOf(resource: Resource): PersonName | undefined {
  const names = objectsOf(resource['name']);
  const { family = '', given = [] } = (names.find(({ use }) => use === 'official') ?? names[0] ?? {}) as {
    family?: string;
    given?: string[];
  };
  const last = plainName(family, LONGEST_LAST);
  return last === '' ? undefined : { last, first: plainName(given[0] ?? '', LONGEST_FIRST) };
}

async function namedBy(reference: unknown, type: string, index: Pick<ReadModel, 'newest'>) {
  const { reference: target = '' } = (reference ?? {}) as Reference;
  const [, named, id] = /^([A-Za-z]+)\/([^/]+)/.exec(target) ?? [];
  return named === type && id !== undefined ? (await index.newest(type, id))?.resource : undefined;
}

/** Of a Claim, as far as they are here. */
export async function personsOf(claim: Resource, index: Pick<ReadModel, 'newest'>): Promise<Persons> {
  const patient = await namedBy(claim['patient'], 'Patient', index);
  const [member] = objectsOf(claim['careTeam']);
  const practitioner = await namedBy(member?.['provider'], 'Practitioner', index);
  const npi = practitioner && identifiersOf(practitioner).find(({ system }) => system === NPI)?.value;
  const name = practitioner && nameOf(practitioner);
  return {
    patient: patient && nameOf(patient),
    rendering: name === undefined || npi === undefined ? undefined : { ...name, npi },
  };
}
