/**
 * Counts what of a patient's records whoever asks would be shown, by type: in as many questions to the custodian's own peer as it
 * takes, without delivering anything.
 */
import type { Counts } from '@telemed-ledger/chaincode/model/overviews.ts';
import type { RecordEvidence } from '@telemed-ledger/chaincode/model/sheets.ts';
import type { AccessState } from '@telemed-ledger/chaincode/model/values.ts';
import type { Shown } from './decision.ts';
import { type FilledPart, filledPart, type Source } from './parts.ts';

type Reading = Pick<Source, 'evidenceOf' | 'isWaitedFor'>;

interface Counted {
  counts: Counts;
  /** One record of each type. */
  samples: RecordEvidence[];
  /** Why nothing may be told, where nothing may. */
  refusal: FilledPart['refusal'];
  /** Of a request that waits: when to ask again. */
  again: AccessState['waitUntil'];
}

/** @throws what it lacks: it is to be tried again */
export async function counted(
  { request, candidates }: Pick<Shown, 'request' | 'candidates'>,
  reading: Reading,
  evaluate: Source['evaluate'],
): Promise<Counted> {
  const counts: Counts = {};
  const samples = new Map<string, RecordEvidence>();
  const typeOf = new Map(candidates.map(({ id, type }) => [id, type]));
  let refusal: FilledPart['refusal'];
  let again = request.waitUntil;
  for (let rest = candidates; ; ) {
    const part = await filledPart({ ...reading, candidates: rest, asked: request, evaluate });
    for (const record of part.records) {
      const type = typeOf.get(record.id) ?? '';
      counts[type] = (counts[type] ?? 0) + 1;
      if (!samples.has(type)) samples.set(type, record);
    }
    refusal ??= part.refusal;
    again = part.again ?? again;
    const last = part.through === undefined ? -1 : rest.findIndex(({ id }) => id === part.through?.id);
    if (last < 0) break;
    rest = rest.slice(last + 1);
  }
  return { counts, samples: [...samples.values()], refusal, again };
}
