/** What an operator watches of the whole network from this gateway: members with the heights of their peers, who orders, certificates, figures. */
import { X509Certificate } from 'node:crypto';
import type { Role } from '@telemed-ledger/consortium/members.ts';
import { z } from 'zod';
import { nextPage, pageCount } from '../http/paging.ts';
import { route } from '../http/routes.ts';
import type { Services } from '../subjects/services.ts';

const OPERATORS: readonly Role[] = ['system', 'operator', 'auditor'];
const DAY_MS = 86_400_000;
const PREFIX = 'gateway_';

const certificateSchema = z.object({
  of: z.string().meta({ description: 'Whose: this gateway’s identity, or an authority of an organisation.' }),
  until: z.iso.datetime(),
  daysLeft: z.int(),
});
const figureSchema = z.object({
  name: z.string().meta({ description: 'As in /metrics.' }),
  about: z.string(),
  value: z.number(),
  labels: z.record(z.string(), z.string()),
});
const networkSchema = z
  .object({
    at: z.iso.datetime(),
    ...{ organisation: z.string(), channel: z.string() },
    block: z.int().meta({ description: 'Last block in this gateway’s read model.' }),
    members: z.array(
      z.object({
        ...{ name: z.string(), kind: z.string(), mspId: z.string() },
        height: z.int().optional().meta({ description: 'Blocks of its peer; absent where it does not answer.' }),
        behind: z.int().optional().meta({ description: 'Than the highest of them.' }),
      }),
    ),
    orderers: z.array(z.object({ mspId: z.string(), nodes: z.int().optional() })).meta({
      description:
        'Who orders the channel; `nodes` where its configuration lists them (BFT). Peers do not tell who leads.',
    }),
    certificates: z.array(certificateSchema).meta({ description: 'Those that end soonest first.' }),
    figures: z.array(figureSchema).meta({ description: 'Feeds, queues, quotas and alarms: what /metrics counts.' }),
  })
  .meta({ id: 'NetworkState' });

/** A peer that is away is one line without a height. */
async function membersOf({ consortium, ledger }: Services) {
  const found = await Promise.all(
    consortium.organisations.map(async ({ name, kind, mspId }) => ({
      ...{ name, kind, mspId },
      height: await ledger.heightAt(mspId).catch(() => undefined),
    })),
  );
  const highest = Math.max(0, ...found.map(({ height }) => height ?? 0));
  return found.map(({ height, ...member }) =>
    height === undefined ? member : { ...member, height, behind: highest - height },
  );
}

function certificateOf(of: string, pem: string, now: number) {
  const until = new Date(new X509Certificate(pem).validTo);
  return { of, until: until.toISOString(), daysLeft: Math.floor((until.getTime() - now) / DAY_MS) };
}

async function orderingOf({ index, orderersAt }: Services, now: number) {
  const { organisations, consenters } = await orderersAt(await index.tree.newestBlock());
  const nodesOf = (mspId: string): number => consenters.filter((one) => one.mspId === mspId).length;
  return {
    orderers: organisations.map(({ mspId }) => ({
      mspId,
      ...(consenters.length === 0 ? {} : { nodes: nodesOf(mspId) }),
    })),
    certificates: [
      ...organisations.flatMap(({ mspId, authorities }) =>
        authorities.map((pem) => certificateOf(`authority of ${mspId}`, pem, now)),
      ),
      ...consenters.map(({ id, mspId, certificate }) => certificateOf(`orderer ${id} of ${mspId}`, certificate, now)),
    ],
  };
}

/** Gauges and counters by name; histograms are for who draws them. */
async function figuresOf({ metrics }: Services) {
  const all = await metrics.registry.getMetricsAsJSON();
  return all.flatMap(({ name, help, type, values }) => {
    if (!name.startsWith(PREFIX) || String(type) === 'histogram') return [];
    const counted = values as { value: number; labels: Record<string, string> }[];
    return counted
      .filter(({ value }) => Number.isFinite(value))
      .map(({ value, labels: { organisation: _, ...labels } }) => ({ name, about: help, value, labels }));
  });
}

export const network = route({
  method: 'get',
  path: '/network',
  summary: 'The network as this gateway sees it: members, peers’ heights, orderers, certificates, queues; no content.',
  roles: OPERATORS,
  answers: { 200: { description: 'At this moment.', schema: networkSchema } },
  async handle(_request, services) {
    const { organisation, channel, index, systemIdentity } = services;
    const now = Date.now();
    const [members, { orderers, certificates }, figures, { certificate }] = await Promise.all([
      membersOf(services),
      orderingOf(services, now),
      figuresOf(services),
      systemIdentity(),
    ]);
    const own = certificateOf(`identity of ${organisation.name}`, certificate, now);
    return {
      body: {
        ...{ at: new Date(now).toISOString(), organisation: organisation.name, channel },
        ...{ block: await index.tree.newestBlock(), members, orderers },
        certificates: [own, ...certificates].sort((one, other) => one.daysLeft - other.daysLeft),
        figures,
      },
    };
  },
});

const transactionSchema = z.object({
  ...{ id: z.string(), block: z.int(), position: z.int(), time: z.iso.datetime() },
  event: z.string().optional().meta({ description: 'Name of what happened.' }),
  code: z.int().meta({ description: 'Fabric’s TxValidationCode; 0 is valid.' }),
  creator: z.string().meta({ description: 'MSP id of who sent it.' }),
  endorsers: z.array(z.string()),
});

export const networkTransactions = route({
  method: 'get',
  path: '/network/transactions',
  summary: 'Transactions of the channel, the newest first, in pages: who sent and endorsed them and when, no content.',
  roles: OPERATORS,
  query: z.object({
    count: pageCount,
    before: z.coerce.number().int().min(0).optional().meta({ description: 'Of blocks with lower numbers.' }),
  }),
  answers: {
    200: {
      description: 'Whole blocks, as many as hold about so many transactions.',
      schema: z.object({ transactions: z.array(transactionSchema), next: nextPage }),
    },
  },
  async handle({ query: { count, before } }, { index }) {
    const { transactions, next } = await index.counts.newest(count, before);
    return {
      body: {
        transactions,
        ...(next === undefined ? {} : { next: `/network/transactions?count=${count}&before=${next}` }),
      },
    };
  },
});
