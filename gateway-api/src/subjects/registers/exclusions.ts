/** Takes a list of exclusions into the register: what it changes is shown first where that is asked for. */
import { effectiveDay, licenceAct, standingOn } from '@telemed-ledger/chaincode/model/licences.ts';
import { MAX_LICENCES_AT_ONCE } from '@telemed-ledger/chaincode/model/registers.ts';
import type { LicenceInput, LicenceState } from '@telemed-ledger/chaincode/model/transactions.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import { newSalt, senderOf } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { upToDate } from '../up-to-date.ts';
import { type Exclusion, readExclusionList } from './exclusion-list.ts';
import { takingList } from './register-csv.ts';

/** The end of a licence that is known by its exclusion alone. */
const OPEN_END = '9999-12-31';

const answerSchema = z
  .object({
    preview: z.boolean(),
    changes: z.array(z.object({ number: z.string(), act: z.enum(['exclude', 'reinstate']), effective: z.iso.date() })),
    unchanged: z.int().meta({ description: 'Numbers of which the register says the same already.' }),
    withoutLicence: z.array(z.string()).meta({ description: 'Reinstated, and never licensed: nothing to go back to.' }),
    withoutNumber: z.int().meta({ description: 'Rows without an NPI.' }),
    unusable: z.array(z.object({ line: z.int(), reason: z.string() })),
    transactionIds: z.array(z.string()),
  })
  .meta({ id: 'ExclusionsImported' });

export const importExclusions = route({
  ...takingList,
  path: '/licences/exclusions',
  summary: 'Takes a list of exclusions, CSV as the LEIE; sending it again changes nothing (regulator).',
  answers: { 200: { description: 'What was, or would be, changed.', schema: answerSchema } },
  async handle({ caller, query, body }, services) {
    const { exclusions, ...rows } = readExclusionList(body);
    const planned = await planOf(services, exclusions);
    const preview = query.preview === 'true';
    const transactionIds = preview
      ? []
      : await sendAll(services, planned.said, { as: senderOf(caller), client: caller.subject });
    return {
      body: {
        ...{ preview, changes: planned.changes, unchanged: planned.unchanged, withoutLicence: planned.withoutLicence },
        ...{ ...rows, transactionIds },
      },
    };
  },
});

interface Plan {
  said: LicenceInput[];
  changes: { number: string; act: string; effective: string }[];
  unchanged: number;
  withoutLicence: string[];
}

/** What is to be said for the register to say what the list says. */
async function planOf({ index }: Services, exclusions: readonly Exclusion[]): Promise<Plan> {
  const known = new Map((await index.register.licences()).map((licence) => [licence.number, licence]));
  const plan: Plan = { said: [], changes: [], unchanged: 0, withoutLicence: [] };
  for (const exclusion of exclusions) {
    const before = known.get(exclusion.number);
    const said = statementOf(exclusion, before);
    if (said === 'unchanged') plan.unchanged += 1;
    else if (said === 'without-licence') plan.withoutLicence.push(exclusion.number);
    else {
      plan.said.push(said);
      plan.changes.push({
        number: said.number,
        act: said.status === 'excluded' ? 'exclude' : licenceAct(before, { ...said, updatedAt: '' }),
        effective: effectiveDay(said),
      });
    }
  }
  return plan;
}

function statementOf(
  { number, excludedOn, reinstatedOn }: Exclusion,
  before: LicenceState | undefined,
): LicenceInput | 'unchanged' | 'without-licence' {
  const day = reinstatedOn ?? excludedOn;
  const standing = before && standingOn(before, day);
  if (reinstatedOn === undefined) {
    if (standing?.status === 'excluded') return 'unchanged';
    const { start, end } = before ?? { start: excludedOn, end: OPEN_END };
    return { number, status: 'excluded', start, end, effective: excludedOn };
  }
  if (standing !== undefined && standing.status !== 'excluded') return 'unchanged';
  const licensed = before?.history?.findLast(({ status, effective }) => status === 'active' && effective < day);
  if (licensed === undefined) return 'without-licence';
  return { number, status: 'active', start: licensed.start, end: licensed.end, effective: reinstatedOn };
}

/** Some at a time, in their order. @returns the transactions */
export async function sendAll(
  { index, ledger }: Services,
  said: readonly LicenceInput[],
  sending: { as: ReturnType<typeof senderOf>; client: string },
): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < said.length; from += MAX_LICENCES_AT_ONCE) {
    const licences = said.slice(from, from + MAX_LICENCES_AT_ONCE);
    const { transactionId } = await upToDate(async () => {
      const shown = await index.register.bucketsOf(licences.map(({ number }) => number));
      return ledger.submit('SetLicences', { licences }, { salt: newSalt(), ...shown }, sending);
    });
    ids.push(transactionId);
  }
  return ids;
}
