/**
 * docker-compose.yaml, whole, from consortium.yaml. `npm run network -- compose` writes it; nobody edits it.
 */
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { type Alias, Document, isMap, isScalar, visit } from 'yaml';
import { monitoringServices, WATCHING_NETWORK } from './monitoring.ts';
import { CONSORTIUM_NETWORK, HARDENED, monitoringNetwork, outsideNetwork, ownNetwork, servicesOf } from './services.ts';
import { volumesOf } from './volumes.ts';

/** Of the compose project, and so of its volumes: wherever the repository is checked out. */
export const PROJECT = 'telemed-ledger';

const HEADER = ` Generated from network/consortium.yaml: change that and run \`npm run network -- compose\`.

   docker compose up --build -d          starts everything; the first time makes identities, channel and chaincode
   docker compose down                   ends everything; keys, ledgers and databases stay in their volumes
   docker compose --profile monitoring up -d
   docker compose run --rm tools scripts/token.ts hospital practitioner

 What runs, and why so: network/fabric/compose/README.md`;

/** @throws Error when two services would have the same name. */
export function composeFile(consortium: ConsortiumDefinition): string {
  refuseReservedNames(consortium);
  const services = { ...servicesOf(consortium), ...monitoringServices(consortium) };
  const document = new Document(
    {
      name: PROJECT,
      'x-hardened': HARDENED,
      services: Object.fromEntries(
        Object.entries(services).map(([name, service]) => [name, { '<<': HARDENED, ...service }]),
      ),
      networks: networksOf(consortium),
      volumes: Object.fromEntries(volumesOf(consortium).map(({ name }) => [name, {}])),
    },
    // Quoted as older readers of YAML need it: "no" is no truth value, 1000:1000 no number.
    { merge: true, compat: 'yaml-1.1' },
  );
  document.commentBefore = HEADER;
  nameAnchors(document);
  return document.toString({ lineWidth: 120 });
}

/** Only what is published has a way out of the machine: Docker cannot publish from an internal network. */
function networksOf({ organisations }: ConsortiumDefinition): Record<string, object> {
  const names = organisations.map(({ name }) => name);
  const internal = [CONSORTIUM_NETWORK, ...names.map(ownNetwork), ...names.map(monitoringNetwork)];
  return {
    ...Object.fromEntries(internal.map((name) => [name, { internal: true }])),
    ...Object.fromEntries(names.map((name) => [outsideNetwork(name), {}])),
    [WATCHING_NETWORK]: {},
  };
}

function refuseReservedNames(consortium: ConsortiumDefinition): void {
  const names: string[] = Object.keys(
    servicesOf({ ...consortium, ordering: { ...consortium.ordering, orderers: [] } }),
  );
  const clash = consortium.ordering.orderers.find(({ name }) => names.includes(name));
  if (clash !== undefined)
    throw new Error(`ordering.orderers: ${clash.name} is also the name of another service: call it otherwise`);
}

/** Anchors are called after the extension field that they stand at. */
function nameAnchors(document: Document): void {
  const names = new Map<string, string>();
  if (isMap(document.contents)) {
    for (const { key, value } of document.contents.items) {
      const field = isScalar(key) ? String(key.value) : '';
      if (isMap(value) && value.anchor !== undefined && field.startsWith('x-')) {
        names.set(value.anchor, field.slice(2));
        value.anchor = field.slice(2);
      }
    }
  }
  visit(document, {
    Alias: (_key, node: Alias) => {
      node.source = names.get(node.source) ?? node.source;
    },
  });
}
