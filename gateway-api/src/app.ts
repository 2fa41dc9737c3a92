/**
 * One organisation's gateway, wired: peer, event feed, read model, FHIR API and the routes beside it, duties. Several
 * can live in one process; each holds only its own organisation's identities and databases.
 */
import type { Consortium } from '@telemed-ledger/consortium/members.ts';
import type { Request } from 'express';
import type { Logger } from 'pino';
import { callerIn } from './auth/caller.ts';
import type { Identities } from './auth/identities.ts';
import type { GatewayConfig } from './config.ts';
import { Duties } from './duties/duties.ts';
import { profilesIn } from './fhir/profiles/profiles.ts';
import { type Gateway, type GatewayParts, running } from './gateway.ts';
import { BodyBudget } from './http/body-budget.ts';
import { gatewayApp, monitoringApp } from './http/gateway-app.ts';
import { Forgetting } from './index/forgetting.ts';
import type { Stores } from './index/schema.ts';
import { openStores } from './index/stores.ts';
import { removeInterrupted } from './index/verification/thread.ts';
import { isOfDeletion } from './index/write/sheets.ts';
import { isRemoval } from './ledger/block.ts';
import { peopleIn } from './oauth/people.ts';
import { newLog } from './operations/log.ts';
import { Metrics } from './operations/metrics.ts';
import { caretaking } from './subjects/consents/delegations.ts';
import { withContents } from './subjects/contents/repository.ts';
import { persons } from './subjects/links/persons.ts';
import { Records } from './subjects/records/records.ts';
import type { Services } from './subjects/services.ts';
import { subscriptionCapability } from './subjects/subscriptions/capability.ts';
import { DUTIES, OPERATIONS, ROUTES, WRITERS } from './subjects/table.ts';
import { JoinLinks } from './subjects/visits/join-links.ts';
import { authorizationOf, type Place } from './wiring/authorization.ts';
import { type LedgerSide, ledgerSide } from './wiring/ledger.ts';
import { wiredServices } from './wiring/services.ts';

export interface GatewayDeps {
  consortium: Consortium;
  identities: Identities;
  /** By default one on standard output, level info. */
  log?: Logger;
}

/** Opens the databases and wires one gateway; nothing runs before `listen`. */
export async function createGateway(config: GatewayConfig, deps: GatewayDeps): Promise<Gateway> {
  const log = deps.log ?? newLog(config.organisation.name, 'info');
  removeInterrupted(config.dataDir);
  const stores = await openStores(config, log);
  try {
    return running(config, await wire(config, deps, stores, log), log);
  } catch (error) {
    await stores.close();
    throw error;
  }
}

async function wire(config: GatewayConfig, deps: GatewayDeps, stores: Stores, log: Logger): Promise<GatewayParts> {
  const { consortium, identities } = deps;
  const mspIds = consortium.organisations.map(({ mspId }) => mspId);
  const metrics = new Metrics(config.organisation.name, mspIds);
  const side = await ledgerSide({ config, consortium, identities, stores, metrics, log });
  const { connection, feed, late, ledger, watch } = side;
  const place: Place = {};
  const authorization = authorizationOf(config, place);
  const { services, journals, sweeper } = wiredServices({
    ...{ config, consortium, side, stores, metrics, log, joinLinks: await JoinLinks.open(config.video) },
    ...(authorization === undefined ? {} : { authorization }),
  });
  const { index, readiness } = services;
  place.people = peopleIn(index, config.organisation.kind);
  const duties = new Duties({ duties: DUTIES, services, log, intervalMs: config.dutyIntervalMs });
  metrics.watch('gateway_duty_items_failing', 'What duties have failed at and try again.', () => duties.failing);
  const forgetting = new Forgetting(stores.forget, log);
  // Where somebody was in the way when the stores were opened.
  forgetting.nudge();
  feed.on('block', (block) => {
    const removes = block.transactions.some(({ privateWrites }) => privateWrites.some((write) => isRemoval(write)));
    const deletes = block.transactions.some(({ privateWrites }) => privateWrites.some(isOfDeletion));
    if (removes || deletes) {
      index.forgetKnown();
      services.asyncRequests.forgetContents();
    }
    if (removes) forgetting.nudge();
    services.subscriptions.sees(block);
    duties.sees(block);
    late.sees(block);
  });
  late.on('block', (block) => {
    services.subscriptions.seesLate(block);
    duties.sees(block);
  });
  services.wakeSubscribers = () => duties.nudge('tell subscribers');
  for (const blocks of [feed, late]) blocks.on('block', (block) => services.accessWaits.sees(block));
  // Patients are the custodian's callers.
  if (config.organisation.kind === 'custodian')
    for (const blocks of [feed, late]) blocks.on('block', (block) => services.accessStreams.sees(block));
  const { app, monitoring } = apps(config, services, side, log);
  const ran = {
    connection,
    ledger,
    feed,
    late,
    watch,
    duties,
    sweeper,
    readiness,
    journals,
    groups: [services.groups, services.accessGroups, services.claimGroups, services.licenceGroups],
    endless: [services.accessStreams, services.accessWaits, services.asyncRequests],
    metrics,
    forgetting,
    stores,
  };
  return { app, monitoring, place, ...ran };
}

function apps(config: GatewayConfig, services: Services, { feed, ledger }: LedgerSide, log: Logger) {
  const { tokens, clients, trustedProxies, browserOrigins, clientIds } = config;
  const profiles = profilesIn(config.profilesDir);
  const { budgetMs } = config.limits;
  const { metrics } = services;
  const budget = new BodyBudget(config.bodies, (limit) => metrics.refusal(limit));
  metrics.watch('gateway_body_bytes', 'Memory that request bodies under way take.', () => budget.bytes);
  const clientOf = ({ res, ip }: Request) => callerIn(res!)?.subject ?? `address ${ip}`;
  const served = { services, routes: ROUTES, bodies: { limit: config.bodyBytes, budget, clientOf }, log };
  const blocks = {
    position: () => feed.position(),
    last: () => Math.max(feed.position(), ledger.lastWritten),
    until: (block: number, deadline: number) => feed.until(block, deadline),
  };
  const repository = withContents(new Records(services, WRITERS), services.contents);
  const { authorization } = services;
  const limits = { clients, trustedProxies, budgetMs, browserOrigins, clientIds, profiles };
  const app = gatewayApp({
    ...served,
    ...limits,
    blocks,
    acting: [caretaking(services), persons(services)],
    repository,
    operations: OPERATIONS,
    besides: subscriptionCapability(services.organisation),
    tokens: authorization === undefined ? tokens : { ...tokens, alias: () => authorization.issuer },
    ...(config.publicUrl === undefined ? {} : { publicUrl: config.publicUrl }),
  });
  return { app, monitoring: monitoringApp(served) };
}
