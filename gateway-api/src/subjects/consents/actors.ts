/**
 * The records that tell whom the actors of a consent mean: practitioners by reference or identifier, and their roles. What is
 * made of them is the chaincode's.
 */
import { actorNamed, keyOfActor, type Named, type NamedActor } from '@telemed-ledger/chaincode/model/actors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import type { PrivateOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { ReadModel } from '../../index/read/queries.ts';

export type ActorsShown = NonNullable<PrivateOf<'CheckConsent'>['actors']>;

/** As many as a transaction takes; actors beyond them are not known. */
const MOST = 100;

/** The records of the practitioners and roles that the actors of a consent name. @throws {Failure} 503 while one is on its way */
export async function actorsShown(index: ReadModel, consent: Resource, consortium: Consortium): Promise<ActorsShown> {
  const named = referencesIn(consent['provision']).map((reference) => actorNamed(reference, ''));
  const records = new Set<string>();
  for (const one of distinct(named)) for (const record of await recordsOf(one, index)) records.add(record);
  const shown = await Promise.all([...records].slice(0, MOST).map((record) => shownRecord(record, index, consortium)));
  return shown.filter((one) => one !== undefined);
}

/** The references of all actors of a provision and of those nested in it. */
function referencesIn(provision: unknown): Named[] {
  const { actor, provision: inner } = (provision ?? {}) as { actor?: unknown; provision?: unknown };
  const own = objectsIn(actor).map(({ reference }) => reference as Named | undefined);
  return [...own.filter((one) => one !== undefined), ...objectsIn(inner).flatMap(referencesIn)];
}

const objectsIn = (value: unknown): Record<string, unknown>[] =>
  [value ?? []].flat().filter((one): one is Record<string, unknown> => typeof one === 'object' && one !== null);

const distinct = (named: readonly NamedActor[]): NamedActor[] => [
  ...new Map(named.map((one) => [keyOfActor(one), one])).values(),
];

/** `Type/id` of the records that an actor names. */
async function recordsOf(named: NamedActor, index: ReadModel): Promise<string[]> {
  if (named.kind === 'practitioner' && named.isRelative) return [named.fhirUser];
  if (named.kind === 'role') return [named.reference];
  if (named.kind !== 'identified') return [];
  const { system, value } = named;
  const [ids = []] = await index.findByIdentifier([{ type: 'Practitioner', system, value }]);
  return ids.map((id) => `Practitioner/${id}`);
}

async function shownRecord(
  record: string,
  index: ReadModel,
  consortium: Consortium,
): Promise<ActorsShown[number] | undefined> {
  const [type = '', id = ''] = record.split('/');
  const row = await index.newestRow(type, id);
  const providers = organisationsOfKind(consortium, 'provider').map(({ name }) => name);
  const provider = providers.find((name) => collections.care(name) === row?.collection);
  if (row === undefined || provider === undefined) return undefined;
  return { provider, record: await index.evidence.ofRecord(row) };
}
