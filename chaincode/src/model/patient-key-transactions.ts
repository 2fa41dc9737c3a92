/** The rows of the transaction table that are about patients' own keys. */
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { every, withCustodian } from '@telemed-ledger/consortium/endorsers.ts';
import { custodianOf, nameSchema } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { oneTimeKeySchema, oneTimeSignatureSchema, requestSchema, statementTextSchema } from './patient-keys.ts';
import { recordEvidenceSchema } from './sheets.ts';
import { fhirIdSchema, idSchema, instantSchema, saltSchema } from './texts.ts';
import { done, hintSchema, transaction } from './transaction.ts';

/** Whose directory it is, and a generation of it that is known. */
const placeShape = { patient: fhirIdSchema, directory: hintSchema };

export const patientKeyTransactions = {
  /** A provider hands a code to a patient of its own, whose record is shown. The custodian endorses, and cannot ask for it. */
  IssueKeyCode: transaction({
    contract: 'patient-keys',
    kind: 'submit',
    callers: ['provider'],
    roles: ['system', 'practitioner'],
    input: z.strictObject({ id: idSchema }),
    private: z.strictObject({ patient: recordEvidenceSchema, publicKey: oneTimeKeySchema, salt: saltSchema }),
    output: z.strictObject({ time: instantSchema, expiresAt: instantSchema }),
    endorsers: withCustodian,
    writes: ({ caller }) => ({ always: [collections.care(caller)] }),
  }),
  /** The provider takes back a code that nobody has used, or the patient whom it is for ends it. */
  CancelKeyCode: transaction({
    contract: 'patient-keys',
    kind: 'submit',
    callers: ['provider', 'custodian'],
    roles: ['system', 'practitioner'],
    onBehalfOf: ['patient'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({ salt: saltSchema }),
    output: done,
    endorsers: (consortium, _, { provider }) => every(custodianOf(consortium).name, provider),
    writes: ({ input: { provider } }) => ({ always: [collections.care(provider)] }),
  }),
  /**
   * A patient enrols the key of a request that the code's key has signed. Where one is in force it is a recovery, and takes
   * force later.
   */
  EnrolPatientKey: transaction({
    contract: 'patient-keys',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({
      ...placeShape,
      request: requestSchema,
      signature: oneTimeSignatureSchema,
      salt: saltSchema,
    }),
    output: done,
    endorsers: (_, caller, { provider }) => every(caller, provider),
    writes: ({ input: { provider } }) => ({ always: [collections.care(provider), collections.marks] }),
  }),
  /** What she signs with the key in force: another one in its place (`request`), its end, the end of a recovery. */
  ChangePatientKey: transaction({
    contract: 'patient-keys',
    kind: 'submit',
    callers: ['custodian'],
    roles: ['system'],
    onBehalfOf: ['patient'],
    input: z.strictObject({ id: idSchema, provider: nameSchema }),
    private: z.strictObject({
      ...placeShape,
      statement: statementTextSchema,
      request: requestSchema.optional(),
      salt: saltSchema,
    }),
    output: done,
    endorsers: (_, caller, { provider }) => every(caller, provider),
    writes: ({ input: { provider } }) => ({ always: [collections.care(provider), collections.marks] }),
  }),
} as const;
