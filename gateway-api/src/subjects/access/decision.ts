/**
 * What the custodian shows its own and the holder's peer when it has an access decided: the exact texts of what was
 * asked, and the holder's records as evidence. What decides is the chaincode.
 */
import { bucketOf } from '@telemed-ledger/chaincode/model/directories.ts';
import { isEmergencyPurpose } from '@telemed-ledger/chaincode/model/emergencies.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import {
  type AccessRequest,
  type AccessState,
  type Anchored,
  accessRequestSchema,
  type ConsentVersion,
  directorySchema,
  MAX_PRIVATE_LENGTH,
  type PrivateOf,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { notHereYet } from '../../http/failures.ts';
import { DatabaseLost } from '../../index/health.ts';
import type { PatientRecord } from '../../index/read/patient-records.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { knownDirectory } from '../consents/directory.ts';
import { rulesNow } from '../registers/rules.ts';
import { patientShown } from './patient.ts';

/** How much of the records is shown at once, as JSON in UTF-16 code units: the rest of the private input must fit beside it. */
const MAX_EVIDENCE_LENGTH = MAX_PRIVATE_LENGTH - 1024 * 1024;

/** For how long after a request what is on its way is waited for: colluding members can have anything be on its way for ever. */
const WAITED_FOR_MS = 10_000;

/** What a decision rests on beside the records, and what records there are. */
export interface Shown {
  grounds: Omit<PrivateOf<'EvaluateAccess'>, 'records'>;
  request: AccessRequest;
  candidates: PatientRecord[];
}

/** What is shown to have a request decided, without the records. @throws {Failure} 503 while a part of it has not arrived here */
export async function shownForDecision(state: AccessState, index: ReadModel): Promise<Shown> {
  const inbox = collections.inbox(state.requestor);
  const [text, asked] = await Promise.all([
    anchoredText(index, inbox, privateKeys.request(state.id)),
    anchoredText(index, inbox, privateKeys.access(state.id, 1)),
  ]);
  const request = accessRequestSchema.parse(JSON.parse(text));
  const common = { requestor: state.requestor, request: text, state: asked };
  if (isWaitedFor(state.requestedAt)) await index.undelivered.demandContents([collections.care(state.holder)]);
  return shownAbout(state, request, common, index);
}

/** The same once the texts of the access are at hand. */
export async function shownAbout(
  state: AccessState,
  request: AccessRequest,
  common: Pick<Shown['grounds'], 'requestor' | 'request' | 'state'>,
  index: ReadModel,
): Promise<Shown> {
  const patient = await patientShown(state, index);
  if (patient === undefined) return { grounds: { ...common, ...NO_CONSENTS }, request, candidates: [] };
  const grounds = { ...common, ...(await groundsOf(index, state, request, patient)) };
  const isRestricted = await isWithheldIn(state, index);
  const candidates = await index.patientRecords.of(collections.care(state.holder), patient, request);
  return {
    grounds,
    request,
    candidates: candidates.map((one) => (isRestricted(one.id) ? { ...one, fault: 'disputed' } : one)),
  };
}

/** What its patient has restricted goes to nobody; in an emergency where the consortium's rules say so. */
async function isWithheldIn(
  { holder, purpose }: Pick<AccessState, 'holder' | 'purpose'>,
  index: ReadModel,
): Promise<(record: string) => boolean> {
  const isShown = isEmergencyPurpose(purpose) && (await rulesNow(index)).restrictedInEmergencies === true;
  return isShown ? () => false : index.restrictions.of(holder);
}

const NO_CONSENTS = { directory: 0, consents: [] };

/** What is shown of a patient whom the holder does not know. */
export const NO_GROUNDS = { records: [], ...NO_CONSENTS };

/** What a decision rests on beside what was asked. @param found records of the patient */
export async function groundsShown(
  index: ReadModel,
  parties: Pick<AccessState, 'requestor' | 'holder'>,
  asks: Pick<AccessRequest, 'practitioner'>,
  { patient, found }: { patient: string; found: readonly { type: string; id: string }[] },
) {
  const grounds = await groundsOf(index, parties, asks, patient);
  return { ...grounds, records: await evidenceThatFits(index, collections.care(parties.holder), found) };
}

async function groundsOf(
  index: ReadModel,
  { requestor, holder }: Pick<AccessState, 'requestor' | 'holder'>,
  { practitioner }: Pick<AccessRequest, 'practitioner'>,
  patient: string,
) {
  const care = collections.care(holder);
  const known = await consentsKnown(index, holder, patient);
  return {
    ...known,
    patient: await evidenceOf(index, care, 'Patient', patient),
    context: await contextOf(index, care, known.consents),
    ...(await whoAsks(index, requestor, practitioner)),
  };
}

/** The requestor's own record of the practitioner who asks: consents may name him by an identifier that it has. */
async function whoAsks(
  index: ReadModel,
  requestor: string,
  practitioner: string | undefined,
): Promise<Pick<Shown['grounds'], 'practitioner'>> {
  const [type, id] = practitioner?.split('/') ?? [];
  if (type !== 'Practitioner' || id === undefined) return {};
  const row = await index.newestRow(type, id);
  return row?.collection === collections.care(requestor) ? { practitioner: await index.evidence.ofRecord(row) } : {};
}

/** A transaction takes no more; of what relates to others a denial is held to be about everything. */
const MOST_CONTEXT = 100;

/** The records that consents name with what they refer to: only they tell what that is. */
async function contextOf(
  index: ReadModel,
  care: string,
  consents: readonly ConsentVersion[],
): Promise<RecordEvidence[]> {
  const references = new Set<string>();
  for (const { id, version } of consents) {
    const text = await index.evidence.text(care, privateKeys.consent(id, version));
    const { resource } = JSON.parse(text ?? '{}') as Partial<Anchored>;
    for (const reference of relatedIn(resource?.['provision'])) references.add(reference);
  }
  const shown: RecordEvidence[] = [];
  for (const reference of [...references].slice(0, MOST_CONTEXT)) {
    const [type = '', id = ''] = reference.split('/');
    const evidence = await contextAt(index, care, type, id);
    if (evidence !== undefined) shown.push(evidence);
  }
  return shown;
}

/** Without one that cannot be read a denial is held to be about everything: it holds up no decision. */
async function contextAt(
  index: ReadModel,
  care: string,
  type: string,
  id: string,
): Promise<RecordEvidence | undefined> {
  try {
    const row = await index.newestRow(type, id);
    return row?.collection === care && row.patient !== null ? await index.evidence.ofRecord(row) : undefined;
  } catch (error) {
    if (error instanceof DatabaseLost) throw error;
    return undefined;
  }
}

interface Provision {
  data?: { meaning?: string; reference?: { reference?: string } }[];
  provision?: Provision[];
}

function relatedIn(provision: unknown): string[] {
  const { data = [], provision: inner = [] } = (provision ?? {}) as Provision;
  const own = data
    .filter(({ meaning }) => meaning === 'related')
    .flatMap(({ reference }) => reference?.reference ?? []);
  return [...own.map((one) => one.replace(/\/_history\/.*$/, '')), ...inner.flatMap(relatedIn)];
}

/** The exact text of a private value. @throws {Failure} 503 where it has not arrived */
export async function anchoredText(index: ReadModel, collection: string, key: string): Promise<string> {
  const text = await index.evidence.text(collection, key);
  if (text === undefined) throw notHereYet(1);
  return text;
}

/** A step of an access, exactly as the requestor's inbox holds it. @throws {Failure} 503 where it has not arrived */
export const stepOf = ({ id, requestor }: AccessState, step: number, index: ReadModel): Promise<string> =>
  anchoredText(index, collections.inbox(requestor), privateKeys.access(id, step));

/**
 * Whether what is on its way here is waited for: it may hold the patient, or a record that is asked for. Not for ever: a holder
 * whose peer never delivers it must not keep all others' requests from being decided. @param since ISO 8601
 */
export const isWaitedFor = (since: string): boolean => Date.now() - Date.parse(since) <= WAITED_FOR_MS;

/** One of the records of a patient as evidence. @throws {Failure} 503 where it, or its next version, has not arrived */
export async function evidenceAt(index: ReadModel, { id, version, sequence }: PatientRecord): Promise<RecordEvidence> {
  const row = await index.patientRecords.row(sequence);
  await index.undelivered.demandNext(id, version);
  if (row?.id !== id) throw notHereYet(1);
  return index.evidence.ofRecord(row);
}

async function evidenceOf(index: ReadModel, care: string, type: string, id: string): Promise<RecordEvidence> {
  const row = await index.newestRow(type, id);
  if (row?.collection !== care) throw notHereYet(1);
  return index.evidence.ofRecord(row);
}

/** The evidence of these records, in their order, as far as one delivery holds it. */
async function evidenceThatFits(
  index: ReadModel,
  care: string,
  records: readonly { type: string; id: string }[],
): Promise<RecordEvidence[]> {
  const fitting: RecordEvidence[] = [];
  let length = 0;
  for (const { type, id } of records) {
    const evidence = await evidenceOf(index, care, type, id);
    const added = JSON.stringify(evidence).length;
    if (length + added > MAX_EVIDENCE_LENGTH) continue;
    length += added;
    fitting.push(evidence);
  }
  return fitting;
}

/**
 * Where the patient's consents are known to stand: the chaincode goes on from there, so that what is not known here costs
 * it a few reads and changes nothing.
 */
async function consentsKnown(
  index: ReadModel,
  holder: string,
  patientId: string,
): Promise<Pick<Shown['grounds'], 'directory' | 'consents'>> {
  const care = collections.care(holder);
  const directory = await knownDirectory(index, holder, patientId);
  const text = await index.evidence.text(care, privateKeys.directory(bucketOf(patientId), directory));
  const { data } = directorySchema.safeParse(text === undefined ? undefined : JSON.parse(text));
  const consents: ConsentVersion[] = [];
  for (const id of data?.consents[patientId] ?? []) {
    const version = await index.evidence.newest(care, privateKeys.consent(id, 0).slice(0, -1));
    if (version > 0) consents.push({ id, version });
  }
  return { directory, consents };
}
