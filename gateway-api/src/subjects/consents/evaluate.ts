/**
 * `Consent/$evaluate` at the custodian: a dry run. Who, for what and of which patient; the answer says of each record whether it
 * would be shown, why, by which consent and until when, and what those consents say. The decision is the chaincode's.
 */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { MAX_DELIVERED, type OutputOf, type PrivateOf } from '@telemed-ledger/chaincode/model/transactions.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import type { Answer } from '../../fhir/answers.ts';
import { refuse } from '../../fhir/outcomes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { groundsShown } from '../access/decision.ts';
import { aboutOf } from '../reads/read-log.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { actorsShown } from './actors.ts';
import { type Asked, askedIn } from './evaluate-parameters.ts';
import { demandOneMeaning } from './meaning.ts';
import { reasonWords, statementsTold } from './telling.ts';

type Decision = OutputOf<'EvaluateConsents'>['decisions'][number];
type Draft = NonNullable<PrivateOf<'EvaluateConsents'>['draft']>['consent'];

export const evaluateConsents: SubjectOperation = {
  kind: 'custodian',
  name: 'evaluate',
  transaction: 'EvaluateConsents',
  type: 'Consent',
  level: 'type',
  summary: 'What whoever asks would be shown of a patient’s records, and why: a dry run.',
  definition: definitionOf('Consent-evaluate'),
  async handle({ caller, body }, services): Promise<Answer> {
    const asked = askedIn(body, services.consortium);
    const { patient, provider } = await patientOf(asked, caller, services);
    const draft = await draftOf(asked, patient, provider, services);
    const found = await recordsOf(asked, patient, provider, services.index);
    const shown = await shownOf(asked, { patient, provider, found, draft }, services);
    const { decisions } = await services.ledger.evaluate('EvaluateConsents', { provider }, { private: shown });
    const about = aboutOf(
      'shown',
      shown.records.map(({ id }) => ({ patient, id })),
    );
    const nothing = [{ outcome: 'shown' as const, patient, access: null, records: [] }];
    const looked = about.length > 0 ? about : nothing;
    await services.readLog.note(caller, { interaction: 'evaluate', type: 'Consent', about: looked });
    const types = new Map(found.map(({ type, id }) => [id, type]));
    const parameter = [
      ...shown.records.map(({ id }, index) => decisionPart(`${types.get(id)}/${id}`, decisions[index]!, draft)),
      ...(await statementsTold(services.index, provider, [
        ...shown.consents.filter(({ id }) => id !== draft?.id),
        ...(draft === undefined ? [] : [draft.resource]),
      ])),
      ...leftOutPart(found.length - shown.records.length),
    ];
    return { status: 200, resource: { resourceType: 'Parameters', parameter } };
  },
};

interface About {
  patient: string;
  provider: string;
  found: { type: string; id: string }[];
  draft: Draft | undefined;
}

/** The private input of EvaluateConsents. @throws {Failure} 503 while a part of it has not arrived here */
async function shownOf(
  { who }: Asked,
  { patient, provider, found, draft }: About,
  { index, consortium }: Pick<Services, 'index' | 'consortium'>,
): Promise<PrivateOf<'EvaluateConsents'>> {
  const parties = { requestor: who.requestor, holder: provider };
  const shown = await groundsShown(index, parties, who, { patient, found: found.slice(0, MAX_DELIVERED) });
  if (draft === undefined) return { who, ...shown };
  return { who, ...shown, draft: { consent: draft, actors: await actorsShown(index, draft.resource, consortium) } };
}

/** The patient, and the provider whose data the answer is about. @throws {LedgerError} FORBIDDEN, INVALID. @throws {Refusal} 404 */
async function patientOf(
  { patient: stated, who }: Asked,
  caller: Caller,
  { consortium, index, readLog }: Pick<Services, 'consortium' | 'index' | 'readLog'>,
): Promise<{ patient: string; provider: string }> {
  const own = compartmentOf(caller, 'read', 'answer');
  const patient = stated ?? own;
  if (patient === undefined) throw new LedgerError('INVALID', 'names no patient', 'Parameters.parameter');
  // Whether there is another patient of that id is not said.
  if (own !== undefined && patient !== own) {
    const known = await index.deliveries.ownerOf('Patient', patient);
    const about = known === undefined ? [] : aboutOf('refused', [{ patient, id: patient }]);
    await readLog.note(caller, { interaction: 'evaluate', type: 'Consent', about });
    throw new LedgerError('FORBIDDEN', 'a patient asks about records of their own only', 'Parameters.parameter');
  }
  const row = await index.newestRow('Patient', patient);
  const providers = organisationsOfKind(consortium, 'provider').map(({ name }) => name);
  const provider = providers.find((name) => collections.care(name) === row?.collection);
  if (provider === undefined) return refuse(404, 'not-found', 'There is no such Patient here.');
  if (who.requestor !== provider) return { patient, provider };
  throw new LedgerError('INVALID', 'holds the records itself', "Parameters.parameter.where(name='requestor')");
}

/** The records that are named, or all of these types, the newest first. @throws {Refusal} 404 for what is not the patient's */
async function recordsOf({ records, types }: Asked, patient: string, provider: string, index: ReadModel) {
  const care = collections.care(provider);
  if (records.length === 0) return index.patientRecords.newest(care, patient, types, MAX_DELIVERED + 1);
  const found: { type: string; id: string }[] = [];
  for (const { type, id } of records) {
    const row = await index.newestRow(type, id);
    if (row?.collection !== care || row.patient !== patient || row.leaf === null)
      refuse(404, 'not-found', 'The patient has no such record there.');
    found.push({ type, id });
  }
  return found;
}

/** A consent that is being considered: a new one, or the next version of one of the patient's. @throws {Refusal} 422 */
async function draftOf(
  { consent }: Asked,
  patient: string,
  provider: string,
  services: Services,
): Promise<Draft | undefined> {
  if (consent === undefined) return undefined;
  const { reference } = (consent['patient'] ?? {}) as { reference?: string };
  if (reference !== `Patient/${patient}`) throw new LedgerError('INVALID', 'is of another patient', 'Consent.patient');
  const row = await services.index.newestRow('Consent', consent.id ?? '');
  const isAmended = row?.patient === patient && row.collection === collections.care(provider);
  const id = isAmended ? row.id : DRAFT_ID;
  const resource = { ...consent, id };
  await demandOneMeaning(services, resource, provider);
  return { id, version: isAmended ? row.version + 1 : 1, resource };
}

/** Of a consent that nobody has given an id: none that is given has it. */
const DRAFT_ID = '00000000-0000-0000-0000-000000000000';

function decisionPart(record: string, decision: Decision, draft: Draft | undefined): object {
  const { outcome, reason, consent, provision, until } = decision;
  const isDraft = consent !== undefined && consent.id === draft?.id;
  const named = consent === undefined || isDraft ? undefined : `Consent/${consent.id}/_history/${consent.version}`;
  const part = [
    { name: 'record', valueReference: { reference: record } },
    { name: 'outcome', valueCode: outcome },
    { name: 'reason', valueCode: reason },
    ...(named === undefined ? [] : [{ name: 'consent', valueReference: { reference: named } }]),
    ...(isDraft ? [{ name: 'considered', valueBoolean: true }] : []),
    ...(provision === undefined ? [] : [{ name: 'provision', valueString: provision }]),
    ...(until === undefined ? [] : [{ name: 'until', valueDateTime: until }]),
    { name: 'text', valueString: reasonWords(decision) },
  ];
  return { name: 'decision', part };
}

/** Nothing is left out in silence. */
const leftOutPart = (count: number): object[] =>
  count === 0
    ? []
    : [
        {
          name: 'incomplete',
          valueString: `Not all records fit into one answer. Name their types, or the records themselves: one answer has ${MAX_DELIVERED} at most.`,
        },
      ];
