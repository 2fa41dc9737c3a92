/** A patient's keys as she, her provider and the custodian see them: which one is in force, what came before, who gave what. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { KEY_CODE_STEPS, type KeyRing, keyCodeSchema } from '@telemed-ledger/chaincode/model/patient-keys.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { z } from 'zod';
import type { Caller } from '../../auth/caller.ts';
import { compartmentsOf } from '../../auth/entitlement.ts';
import { patientNamed } from '../../http/patients.ts';
import { route } from '../../http/routes.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import { aboutOf } from '../reads/read-log.ts';
import type { Services } from '../services.ts';
import { enteredOf, type PatientAt, patientAt } from './ring.ts';
import { giverOf, standingOf } from './standing.ts';

const instant = z.string().meta({ description: 'ISO 8601 UTC.' });
const thumbprint = z.string().meta({ description: 'RFC 7638, base64url.' });
const keySchema = z.object({
  thumbprint,
  how: z.enum(['enrolled', 'rotated', 'recovered']),
  addedAt: instant,
  from: instant.meta({ description: 'From when it is in force, ISO 8601 UTC.' }),
  until: instant.optional(),
  ended: z.enum(['rotated', 'revoked', 'cancelled']).optional(),
  codeIssuedBy: z
    .object({ role: z.string(), user: z.string().optional(), at: instant })
    .optional()
    .meta({ description: 'Who at the provider handed out the code that brought it.' }),
});
const givenSchema = z.object({
  consent: z.string().meta({ description: '`Consent/<id>/_history/<version>`' }),
  recordedAt: instant,
  by: z.enum(['patient-key', 'caretaker', 'custodian']).meta({
    description: 'Whose it is: signed by a key of hers, in a caretaker’s name, or given by the custodian in trust.',
  }),
  thumbprint: thumbprint.optional(),
  name: z.string().optional().meta({ description: 'Of the caretaker.' }),
});
const listSchema = z
  .object({
    patient: z.string(),
    provider: z.string().meta({ description: 'That has recorded her, and for whose data the keys are.' }),
    inForce: thumbprint.optional().meta({ description: 'Absent: the custodian acts in trust.' }),
    pending: z
      .object({ thumbprint, from: instant })
      .optional()
      .meta({ description: 'A recovery that takes its time.' }),
    keys: z.array(keySchema),
    given: z.array(givenSchema).meta({ description: 'The newest version of each consent, the newest consent first.' }),
  })
  .meta({ id: 'PatientKeys' });

/** The most consents of which it is said who gave them. */
const MOST_GIVEN = 100;

export const patientKeys = route({
  method: 'get',
  path: '/patient-keys',
  summary: 'A patient’s own keys at the provider that has recorded her, and who gave her consents.',
  roles: ['patient', 'caretaker', 'system', 'practitioner'],
  query: z.object({
    patient: patientNamed,
  }),
  answers: { 200: { description: 'Her keys.', schema: listSchema } },
  async handle({ caller, query }, services) {
    const { index, consortium, organisation } = services;
    const id = await patientMeant(query.patient, caller, services);
    const patient = await patientAt(index, consortium, id);
    const isOurs = organisation.kind === 'custodian' || patient.provider === organisation.name;
    if (!isOurs) throw new LedgerError('NOT_FOUND', 'this server has no keys of such a patient');
    const { ring, consents } = await enteredOf(index, patient);
    const given = await givenOf(index, consents.slice(-MOST_GIVEN).reverse());
    const about = aboutOf('shown', [{ patient: id, id }]);
    await services.readLog.note(caller, { interaction: 'read', type: 'PatientKey', about });
    const { keys, ...standing } = standingOf(ring);
    const from = await Promise.all(ring.map((_, at) => issuerOf(index, patient, ring, at)));
    const shown = keys.map((key, at) => ({ ...key, ...from[at] }));
    return { body: { patient: `Patient/${id}`, provider: patient.provider, ...standing, keys: shown, given } };
  },
});

/** @throws {LedgerError} FORBIDDEN, INVALID */
async function patientMeant(stated: string | undefined, caller: Caller, { readLog, index }: Services): Promise<string> {
  const own = compartmentsOf(caller, 'read', 'answer');
  const named = stated ?? own?.[0];
  if (named === undefined) throw new LedgerError('INVALID', 'names no patient', 'patient');
  if (own === undefined || own.includes(named)) return named;
  const known = await index.deliveries.ownerOf('Patient', named);
  const about = known === undefined ? [] : aboutOf('refused', [{ patient: named, id: named }]);
  await readLog.note(caller, { interaction: 'read', type: 'PatientKey', about });
  throw new LedgerError('FORBIDDEN', 'a patient sees keys of their own only', 'patient');
}

/** Who handed out the code of a key that came by one. */
async function issuerOf(index: ReadModel, { provider }: PatientAt, ring: KeyRing, at: number): Promise<object> {
  const { via = '', how } = ring[at] ?? {};
  if (how === 'rotated') return {};
  const text = await index.evidence.text(collections.care(provider), privateKeys.keyCode(via, KEY_CODE_STEPS.issued));
  if (text === undefined) return {};
  const { issuedBy, issuedAt } = keyCodeSchema.parse(JSON.parse(text));
  return { codeIssuedBy: { ...issuedBy, at: issuedAt } };
}

async function givenOf(index: ReadModel, consents: readonly string[]): Promise<object[]> {
  const given: object[] = [];
  for (const id of consents) {
    const row = await index.newestRow('Consent', id);
    if (row === undefined) continue;
    const { resource, recordedAt } = parseExact(row.value) as Anchored;
    given.push({ consent: `Consent/${id}/_history/${row.version}`, recordedAt, ...giverOf(resource as Resource) });
  }
  return given;
}
