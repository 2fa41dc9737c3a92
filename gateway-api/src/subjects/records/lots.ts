/** What dispenses show of the lots that they hand out (chaincode/contracts/lots.ts), from the read model. */
import { isHandedOut } from '@telemed-ledger/chaincode/model/dispensing.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { type LotShown, medicationIdOf, packageIn, packageOf } from '@telemed-ledger/chaincode/model/lots.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import type { Anchored } from '@telemed-ledger/chaincode/model/values.ts';
import type { Services } from '../services.ts';
import type { RecordItem } from './sheets.ts';

type LotServices = Pick<Services, 'index' | 'organisation'>;

/** The records, its dispenses with what is known of their lots. @throws {Failure} 503 where a part of that has not arrived */
export const withLots = (services: LotServices, items: readonly RecordItem[]): Promise<RecordItem[]> =>
  Promise.all(items.map((item) => withLotted(services, item, items)));

async function withLotted(
  { index, organisation }: LotServices,
  item: RecordItem,
  items: readonly RecordItem[],
): Promise<RecordItem> {
  if (item.type !== 'MedicationDispense' || item.deleted !== undefined) return item;
  const resource = parseExact(item.resource) as Resource;
  if (!isHandedOut(resource)) return item;
  const id = medicationIdOf(resource);
  const along = items.find((one) => one.type === 'Medication' && one.id === id);
  const row = id === undefined || along !== undefined ? undefined : await index.newestRow('Medication', id);
  const referred =
    along === undefined ? row && (parseExact(row.value) as Anchored).resource : parseExact(along.resource);
  const handed = referred === undefined ? packageIn(resource) : packageOf(referred as Resource);
  const shown = await index.lots.bucketsOf(handed?.products ?? []);
  if (row === undefined && shown.register === 0) return item;
  const medication: Pick<LotShown, 'medication'> =
    row === undefined
      ? {}
      : { medication: { provider: row.source ?? organisation.name, record: await index.evidence.ofRecord(row) } };
  return { ...item, lotted: { ...shown, ...medication } };
}
