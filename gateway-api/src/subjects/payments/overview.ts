/** What waits among claims and payments, and since when: for the desk, and as alarms for who watches the metrics. */
import { type PaymentState, paymentStateSchema } from '@telemed-ledger/chaincode/model/payments.ts';
import { type ClaimState, claimStateSchema } from '@telemed-ledger/chaincode/model/values.ts';
import { z } from 'zod';
import type { ReadModel } from '../../index/read/queries.ts';
import type { Metrics } from '../../operations/metrics.ts';
import type { Services } from '../services.ts';

const waitingSchema = z.object({
  status: z.string(),
  id: z.string().meta({ description: 'Of the one that waits longest: a claim or a payment.' }),
  since: z.iso.datetime(),
});
export const overviewSchema = z
  .object({
    unpaid: z.array(waitingSchema).meta({ description: 'Claims that are owed and in no payment, at the payer.' }),
    unreported: z.array(waitingSchema).meta({ description: 'Payments that the bank has not settled or ended.' }),
  })
  .meta({ id: 'OpenPayments' });
type Overview = z.infer<typeof overviewSchema>;
type Waiting = z.infer<typeof waitingSchema>;

const UNPAID = ['approved', 'partial', 'rejected', 'failed', 'stopped', 'returned'] satisfies ClaimState['status'][];
const UNREPORTED = ['instructed', 'accepted'] satisfies PaymentState['status'][];

type Watched = Pick<Services, 'index' | 'organisation'>;

/** The oldest of each status that waits. */
export async function overviewOf({ index, organisation }: Watched): Promise<Overview> {
  const unpaid: Waiting[] = [];
  const unreported: Waiting[] = [];
  if (organisation.kind === 'payer')
    for (const status of UNPAID) unpaid.push(...(await oldest(index, 'claim', status, claimStateSchema)));
  for (const status of UNREPORTED) unreported.push(...(await oldest(index, 'payment', status, paymentStateSchema)));
  return { unpaid, unreported };
}

async function oldest<S extends z.ZodType<{ id: string; updatedAt: string }>>(
  index: ReadModel,
  kind: string,
  status: string,
  schema: S,
): Promise<Waiting[]> {
  const { rows } = await index.own.page(kind, { status, count: 1 });
  return rows.flatMap((row) => {
    const state = schema.safeParse(JSON.parse(row.read().value));
    return state.success ? [{ status, id: state.data.id, since: state.data.updatedAt }] : [];
  });
}

const ageOf = (waiting: readonly Waiting[]): number =>
  Math.max(0, ...waiting.map(({ since }) => (Date.now() - Date.parse(since)) / 1_000));

/** Gauges to alarm by: how long the oldest claim is unpaid, and the oldest payment without a report. */
export function watchPayments(metrics: Metrics, services: Watched): void {
  if (services.organisation.kind !== 'payer' && services.organisation.kind !== 'bank') return;
  // Without its database a gateway has other alarms.
  const age = (of: keyof Overview) => async (): Promise<number> =>
    overviewOf(services).then(
      (overview) => ageOf(overview[of]),
      () => Number.NaN,
    );
  metrics.watch('gateway_oldest_unpaid_seconds', 'How long the oldest claim is owed and in no payment.', age('unpaid'));
  const oldest = 'How long the oldest payment has been without a result.';
  metrics.watch('gateway_oldest_instruction_seconds', oldest, age('unreported'));
}
