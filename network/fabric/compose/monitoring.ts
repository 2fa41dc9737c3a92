/**
 * Prometheus and Grafana, behind the profile `monitoring`: their services, and what Prometheus asks, from consortium.yaml.
 * Rules and dashboards lie in the folder of the same name.
 */
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { Document } from 'yaml';
import { layoutOf } from '../layout.ts';
import { CONTAINERS } from '../place.ts';
import { IMAGES } from './images.ts';
import {
  GATEWAY_OPERATIONS_PORT,
  LONG_RUNNING,
  monitoringNetwork,
  probe,
  type Services,
  serviceOf,
} from './services.ts';
import { DATA_DIR, GRAFANA_VOLUME, mount, PROMETHEUS_VOLUME } from './volumes.ts';

/** Their own way out: ports cannot be published from an internal network. */
export const WATCHING_NETWORK = 'watching';
const PROMETHEUS_PORT = 9090;
const GRAFANA_PORT = 3000;
/** In Grafana's volume. */
export const ADMIN_PASSWORD_FILE = 'admin-password';

const FILES = './network/fabric/compose/monitoring';
const RETENTION = '15d';

export function monitoringServices({ organisations }: ConsortiumDefinition): Services {
  return {
    prometheus: {
      image: IMAGES.prometheus,
      profiles: ['monitoring'],
      ...LONG_RUNNING,
      command: [
        '--config.file=/etc/prometheus/prometheus.yaml',
        `--storage.tsdb.path=${PROMETHEUS_VOLUME.directory}`,
        `--storage.tsdb.retention.time=${RETENTION}`,
      ],
      depends_on: { prepare: { condition: 'service_completed_successfully' } },
      networks: [...organisations.map(({ name }) => monitoringNetwork(name)), WATCHING_NETWORK],
      ports: [`127.0.0.1:${PROMETHEUS_PORT}:${PROMETHEUS_PORT}`],
      volumes: [
        // Not where the image has a directory: an empty volume would take that one's owner.
        mount(PROMETHEUS_VOLUME, 'rw'),
        `${FILES}/prometheus.yaml:/etc/prometheus/prometheus.yaml:ro`,
        `${FILES}/rules.yaml:/etc/prometheus/rules.yaml:ro`,
      ],
      tmpfs: ['/tmp:uid=1000,gid=1000', '/prometheus'],
      mem_limit: '512m',
      healthcheck: probe('wget', '-q', '-O', '/dev/null', `http://127.0.0.1:${PROMETHEUS_PORT}/-/healthy`),
    },
    grafana: {
      image: IMAGES.grafana,
      profiles: ['monitoring'],
      ...LONG_RUNNING,
      environment: {
        GF_SECURITY_ADMIN_PASSWORD__FILE: `/var/lib/grafana/${ADMIN_PASSWORD_FILE}`,
        GF_AUTH_ANONYMOUS_ENABLED: 'false',
        GF_USERS_ALLOW_SIGN_UP: 'false',
        // Nothing is told to, or asked of, anybody outside.
        GF_ANALYTICS_REPORTING_ENABLED: 'false',
        GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
        GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
        GF_NEWS_NEWS_FEED_ENABLED: 'false',
        GF_SECURITY_DISABLE_GRAVATAR: 'true',
        GF_PLUGINS_PREINSTALL_DISABLED: 'true',
      },
      depends_on: { prometheus: { condition: 'service_healthy' } },
      networks: [WATCHING_NETWORK],
      ports: [`127.0.0.1:${GRAFANA_PORT}:${GRAFANA_PORT}`],
      volumes: [mount(GRAFANA_VOLUME, 'rw', '/var/lib/grafana'), `${FILES}/grafana:/etc/grafana/provisioning:ro`],
      tmpfs: ['/tmp:uid=1000,gid=1000'],
      mem_limit: '512m',
      healthcheck: probe('wget', '-q', '-O', '/dev/null', `http://127.0.0.1:${GRAFANA_PORT}/api/health`),
    },
  };
}

const INTERVAL = '10s';

/** prometheus.yaml: every node and gateway of the consortium, told apart by organisation. */
export function prometheusFile(consortium: ConsortiumDefinition): string {
  const { orderers, peers } = layoutOf(DATA_DIR, consortium, 'bft', CONTAINERS);
  const target = (address: string, organisation: string): object => ({ targets: [address], labels: { organisation } });
  const document = new Document({
    global: { scrape_interval: INTERVAL, evaluation_interval: INTERVAL },
    rule_files: ['rules.yaml'],
    scrape_configs: [
      {
        job_name: 'orderers',
        static_configs: orderers.map((node) => target(`${node.ownHost}:${node.operationsPort}`, node.organisation)),
      },
      {
        job_name: 'peers',
        static_configs: peers.map((node) => target(`${node.ownHost}:${node.operationsPort}`, node.organisation.name)),
      },
      {
        job_name: 'gateways',
        // They say whose they are themselves.
        honor_labels: true,
        static_configs: peers.map(({ organisation: { name } }) =>
          target(`${serviceOf.gateway(name)}:${GATEWAY_OPERATIONS_PORT}`, name),
        ),
      },
      { job_name: 'prometheus', static_configs: [{ targets: [`127.0.0.1:${PROMETHEUS_PORT}`] }] },
    ],
  });
  document.commentBefore = ' Generated from network/consortium.yaml: change that and run `npm run network -- compose`.';
  return document.toString({ lineWidth: 120 });
}
