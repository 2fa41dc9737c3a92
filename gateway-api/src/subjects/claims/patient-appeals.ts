/**
 * Claim/<id>/$appeal at the custodian: the patient, or who has her bills delegated, appeals against a decision. Provider and payer read it
 * as a Task; what came of it she reads as the decision and the ExplanationOfBenefit.
 */
import { randomUUID } from 'node:crypto';
import { targetOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import type { ClaimRecord, ClaimResponseRecord } from '@telemed-ledger/chaincode/model/claims.ts';
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { ClaimState } from '@telemed-ledger/chaincode/model/values.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { asSystem, type Caller } from '../../auth/caller.ts';
import { compartmentsOf } from '../../auth/entitlement.ts';
import { committedAnswer } from '../../fhir/answers.ts';
import { afterCommit } from '../../idempotency/after-commit.ts';
import type { Sending } from '../../idempotency/writes.ts';
import type { Outcome } from '../../ledger/outcomes.ts';
import { newSalt } from '../../ledger/sender.ts';
import { valuesIn } from '../patient-keys/parameters.ts';
import { signedBy } from '../patient-keys/statements.ts';
import { definitionOf, type Services, type SubjectOperation } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { billedText } from './billed.ts';
import { claimState, standingOf } from './claims.ts';
import { needed } from './correction-operations.ts';
import { standing } from './response.ts';

interface Hers {
  state: ClaimState;
  claim: Resource;
  /** Id of the Patient. */
  patient: string;
}

/** A claim of hers as it stands. @throws {LedgerError} NOT_FOUND also for one that is another's */
async function hersOf(caller: Caller, id: string, { index }: Services): Promise<Hers> {
  const compartments = compartmentsOf(caller, 'bills');
  const state = await claimState(index, id);
  const text = await billedText(index, collections.billing(state.payer), state);
  const claim = text === undefined ? undefined : (parseExact(text) as ClaimRecord).resource;
  const [type, patient = ''] = targetOf(claim?.['patient'])?.split('/') ?? [];
  const isHers = type === 'Patient' && (compartments === undefined || compartments.includes(patient));
  if (claim === undefined || !isHers) throw new LedgerError('NOT_FOUND', 'there is no such claim');
  return { state, claim, patient };
}

const appeal = (
  { index, ledger }: Services,
  { id, patient, reason, statement }: { id: string; patient: string; reason: string; statement: string | undefined },
  sending: Sending,
): Promise<Outcome> =>
  upToDate(async () => {
    const state = await claimState(index, id);
    const { response, ...shown } = await standingOf(index, collections.billing(state.payer), state);
    if (response === undefined) throw new LedgerError('CONFLICT', 'the claim is not decided', 'id');
    const { resource } = parseExact(response) as ClaimResponseRecord;
    const { provider, payer } = state;
    const said = { provider, patient, act: 'appeal', about: `ClaimResponse/${resource.id}`, reason } as const;
    const signed = await signedBy(index, said, statement);
    const asked = { taskId: randomUUID(), salt: newSalt(), reason, patient, ...shown, response };
    const made = { ...asked, ...(signed === undefined ? {} : { signed }) };
    return ledger.submit('AppealClaim', { id, payer }, made, sending);
  });

export const appealAsPatient: SubjectOperation = {
  ...{ kind: 'custodian', name: 'appeal', transaction: 'AppealClaim', type: 'Claim', level: 'instance' },
  summary:
    'The patient, or who has her bills delegated, appeals against a decision: Parameters with a reason, and where she has a key of her own her statement.',
  definition: definitionOf('Claim-appeal'),
  async handle({ caller, id = '', body, idempotency }, services) {
    const { claim, patient } = await hersOf(caller, id, services);
    const { reason: why, statement } = valuesIn(body, { reason: 'valueString', statement: 'valueString' });
    const reason = needed(why);
    const { outcome } = await services.idempotent.write(asSystem(caller), idempotency, () => ({
      answer: {},
      submit: async (sending) => {
        // Who did it: the ledger has it from the custodian alone.
        const about = [{ outcome: 'shown' as const, patient, access: null, records: [id] }];
        await services.readLog.note(caller, { interaction: 'appeal', type: 'Claim', about });
        return appeal(services, { id, patient, reason, statement }, sending);
      },
    }));
    const response = await afterCommit(async () => standing(claim, await claimState(services.index, id)));
    return committedAnswer(outcome.transactionId, response);
  },
};
