/**
 * One organisation's gateway as a process of its own, as in docker-compose.yaml: configured by its environment
 * (gateway-api/src/config.ts lists it), it enrols users with the organisation's authority when they first come.
 */
import { endWith, runGateway } from '@telemed-ledger/gateway-api/process.ts';
import { dataDirectory } from './command-line.ts';
import { enrollingIdentities } from './consortium/profile.ts';

await runGateway(process.env, ({ gateway, identities }) =>
  enrollingIdentities(dataDirectory(), gateway.organisation.name, identities),
).catch(endWith);
