/** What a patient is told of her keys as it happens: most of all that a code brings another one while hers is in force. */
import { privateKeys } from '@telemed-ledger/chaincode/model/keys.ts';
import { KEY_CODE_STEPS } from '@telemed-ledger/chaincode/model/patient-keys.ts';
import { collections } from '@telemed-ledger/consortium/collections.ts';
import { type Consortium, organisationsOfKind } from '@telemed-ledger/consortium/members.ts';
import type { ReadModel } from '../../index/read/queries.ts';
import type { ParsedBlock } from '../../ledger/block.ts';
import { enteredOf, patientAt } from './ring.ts';
import { type Standing, standingOf } from './standing.ts';

type LedgerEvent = ParsedBlock['transactions'][number]['event'];

export interface KeyNotices {
  /** The patient whose keys an event of the ledger is about; undefined where it is about none that is known here. */
  patientIn: (event: LedgerEvent) => Promise<string | undefined>;
  standing: (patient: string) => Promise<Standing>;
}

/** What an event names, by its own name. */
const KEYS: Readonly<Record<string, (id: string) => string>> = {
  PatientKeyEnrolled: (id) => privateKeys.keyCode(id, KEY_CODE_STEPS.issued),
  PatientKeyChanged: privateKeys.keyChange,
};

export const keyNotices = (index: ReadModel, consortium: Consortium): KeyNotices => ({
  patientIn: async (event) => {
    const keyOf = event && KEYS[event.name];
    const id = keyOf && idIn(event.payload);
    if (keyOf === undefined || id === undefined) return undefined;
    for (const { name } of organisationsOfKind(consortium, 'provider')) {
      const text = await index.evidence.text(collections.care(name), keyOf(id));
      const { patient } = JSON.parse(text ?? '{}') as { patient?: unknown };
      if (typeof patient === 'string') return patient;
    }
    return undefined;
  },
  standing: async (patient) => standingOf((await enteredOf(index, await patientAt(index, consortium, patient))).ring),
});

/** Anybody may put anything into an event. */
function idIn(payload: string): string | undefined {
  try {
    const { id } = JSON.parse(payload) as { id?: unknown };
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}
