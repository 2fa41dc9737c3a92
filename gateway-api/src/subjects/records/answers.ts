/** Answers to orders on their way to the ledger: what they show to their endorsers (chaincode/contracts/referrals.ts), from the read model. */
import { patientIdOf, type Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { ANSWERS, type AnswerShown, ordersOf, REFERRAL } from '@telemed-ledger/chaincode/model/referrals.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import type { Services } from '../services.ts';
import { ownRow, patientsOfBoth } from './dispenses.ts';
import type { RecordItem } from './sheets.ts';

type AnswerServices = Pick<Services, 'index' | 'organisation'>;

/** Whether it may answer an order: what does not is not read. */
export const isAnswer = ({ type, resource, deleted }: RecordItem): boolean =>
  deleted === undefined && ANSWERS.includes(type) && resource.includes('"basedOn"');

/** The records, its answers to orders with what they show. @throws {LedgerError} CONFLICT */
export const withAnswers = (services: AnswerServices, items: readonly RecordItem[]): Promise<RecordItem[]> =>
  Promise.all(items.map((item) => (isAnswer(item) ? withAnswered(services, item, items) : item)));

async function withAnswered(
  { index, organisation }: AnswerServices,
  item: RecordItem,
  items: readonly RecordItem[],
): Promise<RecordItem> {
  const answer = parseExact(item.resource) as Resource;
  const along = items.filter(({ type }) => type === REFERRAL).map(({ id }) => id);
  const named = ordersOf(answer).filter((id) => !along.includes(id));
  if (named.length === 0) return item;
  const before = item.version === 1 ? undefined : await index.evidence.rowOf(item.type, item.id, item.version - 1);
  const previous = before && { previous: await index.evidence.ofRecord(ownRow(before, organisation)) };
  const kept = before === undefined ? [] : ordersOf((parseExact(before.value) as Anchored).resource);
  const orders: AnswerShown['orders'] = [];
  let patients: Pick<AnswerShown, 'patients'> = {};
  for (const id of named.filter((one) => !kept.includes(one))) {
    const row = await index.newestRow(REFERRAL, id);
    if (row === undefined) continue;
    orders.push({ provider: row.source ?? organisation.name, record: await index.evidence.ofRecord(row) });
    const order = (parseExact(row.value) as Anchored).resource;
    if (row.source === null) continue;
    const both = await patientsOfBoth(index, patientIdOf(answer), patientIdOf(order));
    if (both !== undefined) patients = { patients: { ordered: both.theirs, answered: both.ours } };
  }
  return { ...item, answered: { orders, ...patients, ...previous } };
}
