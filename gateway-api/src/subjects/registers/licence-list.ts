/**
 * Takes a list of licences into the register, CSV (RFC 4180): what it changes is shown first where that is asked for. Sending it again
 * changes nothing, so one that was interrupted is sent again.
 */
import { LICENCE_ACTS, licenceAct } from '@telemed-ledger/chaincode/model/licences.ts';
import {
  type LicenceInput,
  type LicenceState,
  licenceInputSchema,
} from '@telemed-ledger/chaincode/model/transactions.ts';
import { z } from 'zod';
import { route } from '../../http/routes.ts';
import { senderOf } from '../../ledger/sender.ts';
import type { Services } from '../services.ts';
import { sendAll } from './exclusions.ts';
import { type Row, rowsOf, takingList } from './register-csv.ts';

const rowSchema = z.object({
  line: z.int().meta({ description: 'From 1, the head included.' }),
  number: z.string(),
  act: z.enum(LICENCE_ACTS),
});
const answerSchema = z
  .object({
    preview: z.boolean(),
    changes: z.array(rowSchema),
    unchanged: z.int().meta({ description: 'Rows of which the register says the same already.' }),
    unusable: z.array(z.object({ line: z.int(), reason: z.string(), expression: z.string() })),
    transactionIds: z.array(z.string()),
  })
  .meta({ id: 'LicencesImported' });

export const importLicences = route({
  ...takingList,
  path: '/licences/list',
  summary: 'Takes a list of licences, CSV; sending it again changes nothing (regulator).',
  answers: { 200: { description: 'What was, or would be, changed.', schema: answerSchema } },
  async handle({ caller, query, body }, services) {
    const { said, ...told } = await planOf(services, rowsOf(body, ['NUMBER', 'START', 'END']));
    const preview = query.preview === 'true';
    const transactionIds = preview
      ? []
      : await sendAll(services, said, { as: senderOf(caller), client: caller.subject });
    return { body: { preview, ...told, transactionIds } };
  },
});

interface Plan {
  said: LicenceInput[];
  changes: z.infer<typeof rowSchema>[];
  unchanged: number;
  unusable: { line: number; reason: string; expression: string }[];
}

async function planOf({ index, consortium }: Services, rows: ReturnType<typeof rowsOf>): Promise<Plan> {
  const known = new Map((await index.register.licences()).map((licence) => [licence.number, licence]));
  const members = new Set(consortium.organisations.map(({ name }) => name));
  const plan: Plan = { said: [], changes: [], unchanged: 0, unusable: [] };
  const lines = new Map<string, number>();
  for (const { record, info } of rows) {
    const line = info.lines;
    const read = licenceIn(record, members);
    if ('expression' in read) {
      plan.unusable.push({ line, ...read });
      continue;
    }
    const before = known.get(read.number);
    const other = lines.get(read.number);
    lines.set(read.number, line);
    if (other !== undefined)
      plan.unusable.push({
        line,
        reason: `its number stands in line ${other} too: send one after the other`,
        expression: 'NUMBER',
      });
    else if (before !== undefined && saysSame(before, read)) plan.unchanged += 1;
    else {
      plan.said.push(read);
      plan.changes.push({ line, number: read.number, act: licenceAct(before, { ...read, updatedAt: '' }) });
    }
  }
  return plan;
}

/** What a row says, or the column that cannot be read. */
function licenceIn(row: Row, members: ReadonlySet<string>): LicenceInput | { reason: string; expression: string } {
  const list = (name: string): string[] =>
    (row[name] ?? '')
      .split(';')
      .map((one) => one.trim())
      .filter(Boolean);
  const practitioners = list('PRACTITIONERS').map((one) => {
    const [organisation = '', practitioner = ''] = one.split(/\s+/);
    return { organisation, practitioner };
  });
  const jurisdictions = list('JURISDICTIONS');
  const effective = row['EFFECTIVE'] ?? '';
  const read = licenceInputSchema.safeParse({
    ...{ number: row['NUMBER'], status: row['STATUS'] || 'active', start: row['START'], end: row['END'] },
    ...(effective === '' ? {} : { effective }),
    ...(jurisdictions.length === 0 ? {} : { jurisdictions }),
    ...(practitioners.length === 0 ? {} : { practitioners }),
  });
  const wrong = (reason: string, expression: string) => ({ reason, expression });
  if (!read.success) {
    const [issue] = read.error.issues;
    return wrong('missing or malformed', String(issue?.path[0] ?? 'NUMBER').toUpperCase());
  }
  if (read.data.end < read.data.start) return wrong('ends before it begins', 'END');
  const stranger = read.data.practitioners?.find(({ organisation }) => !members.has(organisation));
  return stranger === undefined ? read.data : wrong('names no member of the consortium', 'PRACTITIONERS');
}

/** Whether all that is said stands already. */
function saysSame(before: LicenceState, said: LicenceInput): boolean {
  return (
    Object.entries(said).every(
      ([name, value]) => JSON.stringify(before[name as keyof LicenceState]) === JSON.stringify(value),
    ) &&
    (said.jurisdictions !== undefined || before.jurisdictions === undefined)
  );
}
