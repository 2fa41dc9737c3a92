/**
 * What people at a payer are shown of the records that a claim rests on: those of which a copy lies in the payer's inbox for them, which is what
 * custodian and provider have decided, by her consents, to be shown for a payment (HPAYMT). The chaincode judges by all of them.
 */
import { randomUUID } from 'node:crypto';
import type { ClaimRecord } from '@telemed-ledger/chaincode/model/claims.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { accessRequestSchema, audienceName } from '@telemed-ledger/chaincode/model/transactions.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { compartmentOf } from '../../auth/entitlement.ts';
import { absentWhereGone } from '../../http/failures.ts';
import { route } from '../../http/routes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { sendRequest } from '../access/together.ts';
import { aboutOf } from '../reads/read-log.ts';
import type { Services } from '../services.ts';
import { billedOf, claimState } from './claims.ts';

const CLERKS = ['adjudicator', 'system'] as const;
/** As many as a request for access names. */
const MOST_ASKED = 100;

type Shower = Pick<Services, 'index' | 'organisation' | 'readLog'>;

/** A record that a claim rests on, as it is kept with it. */
interface Kept {
  /** `Type/id` */
  record: string;
  resource: Resource;
  /** The access under which it may be shown to the caller; undefined where none permits it. */
  access: string | undefined;
}

const keptIn = ({ evidence }: Pick<ClaimRecord, 'evidence'>): Resource[] =>
  evidence.map(({ text }) => (JSON.parse(text) as { resource: Resource }).resource);

/** @param provider who holds the records */
async function standingOf(
  index: Services['index'],
  caller: Caller,
  provider: string,
  kept: readonly Resource[],
): Promise<Kept[]> {
  const audience = audienceName({ role: caller.role, user: caller.fhirUser });
  return Promise.all(
    kept.map(async (resource) => {
      const { resourceType: type, id } = resource;
      const copy = await index.newest(type, id, { audience }).catch(absentWhereGone);
      const access = copy?.author === provider ? copy.access : undefined;
      return { record: `${type}/${id}`, resource, access: access ?? undefined };
    }),
  );
}

/** On the disk before anything is answered: what is shown under its access, and what is withheld. */
async function note(
  caller: Caller,
  { index, readLog }: Pick<Shower, 'index' | 'readLog'>,
  claim: string,
  all: readonly Kept[],
) {
  const row = await index.newestRow('Claim', claim);
  const patient = row?.patient ?? null;
  const types = new Set(all.map(({ resource }) => resource.resourceType));
  for (const type of types) {
    const ofType = all.filter(({ resource }) => resource.resourceType === type);
    const rows = (access: boolean) =>
      ofType
        .filter((one) => (one.access !== undefined) === access)
        .map((one) => ({ patient, access: one.access ?? null, id: one.resource.id }));
    const about = [...aboutOf('shown', rows(true)), ...aboutOf('refused', rows(false))];
    await readLog.note(caller, { interaction: 'read', type, about });
  }
}

/**
 * The records of a claim that may not be shown to somebody: of a payer's people those that no access permits. The payer's system, which
 * judges by all of them, is not a person.
 */
async function withheldFrom(
  caller: Caller,
  provider: string,
  texts: readonly string[],
  services: Shower,
): Promise<Kept[]> {
  if (!isClerk(caller, services)) return [];
  const kept = texts.flatMap((text) => keptIn(JSON.parse(text) as ClaimRecord));
  const each = new Map(kept.map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
  const all = await standingOf(services.index, caller, provider, [...each.values()]);
  return all.filter(({ access }) => access === undefined);
}

const isClerk = (caller: Caller, { organisation }: Shower): boolean =>
  organisation.kind === 'payer' && caller.role !== 'system';

/** Whether all that a claim was judged by may be shown to somebody; of what is purged nobody permits anything any more. */
export async function mayBeShown(
  caller: Caller,
  { provider }: Pick<ClaimState, 'provider'>,
  text: string,
  services: Shower,
): Promise<boolean> {
  if (!isClerk(caller, services)) return true;
  const isPurged = (JSON.parse(text) as ClaimRecord).purged !== undefined;
  return !isPurged && (await withheldFrom(caller, provider, [text], services)).length === 0;
}

/**
 * For what shows people at a payer everything that a claim was judged by: all of it must be permitted.
 * @throws {LedgerError} FORBIDDEN
 */
export async function demandShownEvidence(
  caller: Caller,
  { id, provider }: ClaimState,
  texts: readonly string[],
  services: Shower,
): Promise<void> {
  const withheld = await withheldFrom(caller, provider, texts, services);
  if (withheld.length === 0) return;
  await note(caller, services, id, withheld);
  throw new LedgerError('FORBIDDEN', 'not all of the records that it rests on may be shown: see its evidence');
}

async function evidenceFor(caller: Caller, id: string, { index, organisation }: Shower) {
  compartmentOf(caller);
  const state = await claimState(index, id);
  const text = await billedOf(index, collections.billing(organisation.name), state);
  const claim = JSON.parse(text) as ClaimRecord;
  return { state, claim, all: await standingOf(index, caller, state.provider, keptIn(claim)) };
}

const evidenceSchema = z
  .object({
    claim: z.string(),
    purgedAt: z.string().optional().meta({ description: 'Since when they are gone.' }),
    evidence: z.array(
      z.object({
        record: z.string().meta({ description: '`Type/id`' }),
        access: z.string().optional().meta({ description: 'Under which it is shown; absent: it is withheld.' }),
        resource: z.looseObject({}).optional().meta({ description: 'What is kept of it with the claim.' }),
      }),
    ),
  })
  .meta({ id: 'ClaimEvidence' });

export const claimEvidence = route({
  method: 'get',
  kind: 'payer',
  path: '/claims/:id/evidence',
  summary:
    'The records that a claim rests on, as far as an access for payment (HPAYMT) permits the caller to see them.',
  roles: CLERKS,
  parameters: z.object({ id: z.string() }),
  answers: { 200: { description: 'Each record, shown or withheld.', schema: evidenceSchema } },
  async handle({ caller, parameters: { id } }, services) {
    const { claim, all } = await evidenceFor(caller, id, services);
    await note(caller, services, id, all);
    const evidence = all.map(({ record, access, resource }) =>
      access === undefined ? { record } : { record, access, resource },
    );
    return { body: { claim: id, ...(claim.purged === undefined ? {} : { purgedAt: claim.purged.at }), evidence } };
  },
});

/** By which her record is asked for at its holder. @throws {LedgerError} CONFLICT */
function identifierIn(all: readonly Kept[]): { system: string; value: string } {
  const patient = all.find(({ resource }) => resource.resourceType === 'Patient')?.resource;
  const identifiers = (patient?.['identifier'] ?? []) as { system?: string; value?: string }[];
  for (const { system, value } of identifiers)
    if (system !== undefined && value !== undefined) return { system, value };
  throw new LedgerError('CONFLICT', 'nothing is kept by which its patient could be asked for', 'id');
}

export const askClaimEvidence = route({
  method: 'post',
  kind: 'payer',
  path: '/claims/:id/evidence',
  transaction: 'RequestAccess',
  summary: 'Asks for the records that a claim rests on, for the caller and for payment (HPAYMT): her consents decide.',
  roles: CLERKS,
  parameters: z.object({ id: z.string() }),
  body: accessRequestSchema.pick({ waitUntil: true }),
  answers: {
    201: { description: 'The request: GET /access-requests/<id>.', schema: z.object({ id: z.string() }) },
    409: { description: 'Nothing is kept that could be asked for.' },
  },
  async handle({ caller, parameters, body, idempotency }, services) {
    const { accessGroups, idempotent } = services;
    const { state, all } = await evidenceFor(caller, parameters.id, services);
    const patient = identifierIn(all);
    const { subject, fhirUser } = caller;
    // The system asks for whom its certificate names: what comes is for him.
    const asking: Caller = { subject, role: 'system', ...(fhirUser === undefined ? {} : { fhirUser }) };
    const id = randomUUID();
    const request = {
      ...{ id, salt: newSalt(), holder: state.provider, patient, types: [], purpose: 'HPAYMT' as const, ...body },
      records: all.map(({ record }) => record).slice(0, MOST_ASKED),
    };
    const { outcome, answer } = await idempotent.write(asking, idempotency, () => ({
      answer: { id },
      submit: (sending) => sendRequest(accessGroups, request, sending),
    }));
    const { transactionId } = outcome;
    return { status: 201, headers: { Location: `/access-requests/${answer.id}` }, body: answer, transactionId };
  },
});
