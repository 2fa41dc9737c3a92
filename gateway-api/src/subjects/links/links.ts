/**
 * Linking a person's Patient records by herself. With the token of one record she takes a code, with the token of another she gives
 * it back: so nobody links two records who is not known by both providers as their patient. The records must identify one
 * person as well, by an identifier or by name, birth date and gender; both providers' peers take that from their own record. For who
 * has no key of her own the custodian may do it in trust, and her log says so.
 */
import { randomUUID } from 'node:crypto';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { isOnePerson, type PatientLink } from '@telemed-ledger/chaincode/model/links.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { AS_SYSTEM } from '../../duties/duties.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { VersionRow } from '../../index/read/stored.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { knownDirectory } from '../consents/directory.ts';
import type { Services } from '../services.ts';

const CARE = collections.care('');

type Sides = Pick<Services, 'index' | 'ledger'>;

/** Says the same whatever was wrong: a code tells nothing of who took it. */
const refused = (): LedgerError =>
  new LedgerError('NOT_FOUND', 'there is no such code, or these records do not identify one person');

interface Shown {
  row: VersionRow;
  resource: Resource;
}

/**
 * Says it of both records, the last under `sending`.
 * @param by the custodian in trust, for who has no key of her own
 * @throws {LedgerError} NOT_FOUND, FORBIDDEN for the custodian where she has one
 */
export async function linked(
  [own, other]: readonly [string, string | undefined],
  by: PatientLink['by'],
  sides: Sides,
  sending: Sending,
): Promise<Outcome> {
  if (other === undefined || other === own) throw refused();
  const [one, two] = await Promise.all([shownOf(own, sides), shownOf(other, sides)]);
  if (one === undefined || two === undefined || !isOnePerson(one.resource, two.resource)) throw refused();
  const { index } = sides;
  const known = (await index.links.linkOf(own)) ?? (await index.links.linkOf(other));
  const person = known?.link.status === 'linked' ? known.link.person : randomUUID();
  await said(one, { person, status: 'linked', by }, sides, AS_SYSTEM);
  return said(two, { person, status: 'linked', by }, sides, sending);
}

/** Takes one record out of the person that it is of. @throws {LedgerError} NOT_FOUND where it is of none */
export async function unlinked(
  patient: string,
  by: PatientLink['by'],
  sides: Sides,
  sending: Sending,
): Promise<Outcome> {
  const [shown, known] = [await shownOf(patient, sides), await sides.index.links.linkOf(patient)];
  if (shown === undefined || known?.link.status !== 'linked')
    throw new LedgerError('NOT_FOUND', 'nothing links this record');
  return said(shown, { person: known.link.person, status: 'unlinked', by }, sides, sending);
}

async function shownOf(patient: string, { index }: Sides): Promise<Shown | undefined> {
  const row = await index.newestRow('Patient', patient);
  if (row === undefined || !row.collection.startsWith(CARE)) return undefined;
  return { row, resource: index.stored(row).resource };
}

async function said(
  { row }: Shown,
  link: Pick<PatientLink, 'person' | 'status' | 'by'>,
  { index, ledger }: Sides,
  sending: Sending,
): Promise<Outcome> {
  const known = await index.evidence.newest(row.collection, privateKeys.link(row.id, 0).slice(0, -1));
  const patient = await index.evidence.ofRecord(row);
  const provider = row.collection.slice(CARE.length);
  const isInTrust = link.by === 'custodian' && link.status === 'linked';
  const directory = isInTrust ? { directory: await knownDirectory(index, provider, row.id) } : {};
  const shown = { patient, ...link, known, ...directory, salt: newSalt() };
  return ledger.submit('LinkPatient', { provider }, shown, sending);
}
