/**
 * Rebuilds an organisation's read model from block 0. The gateway that owns it must not be running; the journal of
 * idempotent writes stays.
 */
import type { GatewayDeps } from './app.ts';
import type { GatewayConfig } from './config.ts';
import { Projector } from './index/projector.ts';
import { dropIndex, openStores } from './index/stores.ts';
import { LedgerClient } from './ledger/client.ts';
import { LedgerConnection } from './ledger/connect.ts';
import { Feed } from './ledger/feed.ts';
import { newLog } from './log.ts';
import { collectionsOfMember } from './memberships.ts';

/** Answers the number of blocks read, when the read model has reached the height the peer had at the start. */
export async function reindex(config: GatewayConfig, deps: GatewayDeps): Promise<{ blocks: number }> {
  const log = deps.log ?? newLog(config.organisation.name, 'warn');
  dropIndex(config.dataDir);
  const stores = await openStores(config.dataDir);
  const connection = new LedgerConnection(config.connection, config.timeouts);
  const identityOf = () => deps.identities.of('system');
  const scope = {
    chaincode: config.connection.chaincode,
    collections: collectionsOfMember(deps.consortium, config.organisation),
  };
  const feed = new Feed({
    connection,
    identity: identityOf,
    scope,
    sink: await Projector.open(stores.writing, log),
    log,
  });
  try {
    const { consortium } = deps;
    const organisation = config.organisation.name;
    const { outcomes } = feed;
    const { limits } = config;
    const ledger = new LedgerClient({ connection, identityOf, consortium, organisation, outcomes, log, limits });
    const height = await ledger.height();
    const reached = new Promise<void>((resolve) => {
      feed.on('block', (block) => {
        if (block.number >= height - 1) resolve();
      });
    });
    feed.start();
    await reached;
    return { blocks: feed.position() + 1 };
  } finally {
    await feed.stop();
    connection.close();
    await stores.close();
  }
}
