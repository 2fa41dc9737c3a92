import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { expect } from 'chai';
import { parse } from 'yaml';
import { composeFile } from './compose-file.ts';
import { prometheusFile } from './monitoring.ts';
import { GATEWAY_OPERATIONS_PORT } from './services.ts';

const FOLDER = join(import.meta.dirname, 'monitoring');
const text = (...path: string[]): string => readFileSync(join(FOLDER, ...path), 'utf8');

interface Scrape {
  job_name: string;
  static_configs: { targets: string[]; labels?: { organisation: string } }[];
}
interface Rules {
  groups: {
    rules: { alert: string; expr: string; labels: { severity: string }; annotations: Record<string, string> }[];
  }[];
}
interface Dashboard {
  panels: { id: number; title: string; targets: { expr: string }[] }[];
}

const consortium = loadConsortium();
const { services } = parse(composeFile(consortium), { merge: true }) as {
  services: Record<string, { networks?: string[]; healthcheck?: { test: string[] } }>;
};
const { scrape_configs: scrapes } = parse(text('prometheus.yaml')) as { scrape_configs: Scrape[] };
const rules = (parse(text('rules.yaml')) as Rules).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(text('grafana', 'dashboards', 'network.json')) as Dashboard;
/** Names and types by job, as nodes and gateways gave them. */
const recorded = JSON.parse(text('metrics.recorded.json')) as { jobs: Record<string, Record<string, string>> };

/** What an expression asks for, without functions, selectors and labels. */
function metricsIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\b(by|on|ignoring|without|group_left|group_right)\s*\([^)]*\)/g, '');
  return [...bare.matchAll(/\b([a-z][a-zA-Z0-9]*(?:_[a-zA-Z0-9]+)+|up)\b(?!\s*\()/g)].map(([, name]) => name!);
}

describe('Monitoring of the compose network', () => {
  it('asks whom the definition of the consortium names (npm run network -- compose)', () => {
    expect(prometheusFile(consortium)).to.equal(text('prometheus.yaml'));
  });

  it('reaches every orderer, peer and gateway on the port of its operations', () => {
    const targets = scrapes
      .filter(({ job_name: job }) => job !== 'prometheus')
      .flatMap(({ static_configs: configs }) => configs.flatMap((config) => config.targets));
    expect(targets.length).to.equal(consortium.ordering.orderers.length + 2 * consortium.organisations.length);
    const asks = new Set(services['prometheus']?.networks);
    for (const target of targets) {
      const [service = '', port] = target.split(':');
      expect(
        services[service]?.networks?.some((network) => asks.has(network)),
        target,
      ).to.equal(true);
      expect(JSON.stringify(services[service]?.healthcheck), target).to.contain(`/127.0.0.1/${port} `);
    }
    expect(targets).to.include(`gateway-clinic:${GATEWAY_OPERATIONS_PORT}`);
  });

  it('knows every metric that rules and dashboard ask for', () => {
    const known = new Set(['up']);
    for (const [name, type] of Object.values(recorded.jobs).flatMap((metrics) => Object.entries(metrics))) {
      const series = type === 'histogram' ? ['_bucket', '_count', '_sum'].map((suffix) => name + suffix) : [name];
      for (const one of series) known.add(one);
    }
    const expressions = [...rules, ...dashboard.panels.flatMap(({ targets }) => targets)].map(({ expr }) => expr);
    const asked = expressions.flatMap(metricsIn);
    expect(asked).to.include.members(['up', 'gateway_block', 'ledger_blockchain_height']);
    expect(asked.filter((name) => !known.has(name))).to.deep.equal([]);
  });

  it('says with every alert what to do', () => {
    expect(rules.length).to.be.greaterThan(5);
    for (const { alert, labels, annotations } of rules) {
      expect(['warning', 'critical'], alert).to.include(labels.severity);
      expect(annotations, alert).to.have.all.keys('summary', 'action', 'runbook');
    }
  });

  it('has a page for every alert, and no page for another', () => {
    const root = new URL('../../../', import.meta.url).pathname;
    const pages = readdirSync(join(root, 'docs', 'runbooks')).toSorted();
    expect(rules.map(({ alert }) => `${alert}.md`).toSorted()).to.deep.equal(pages);
    for (const { alert, annotations } of rules) {
      expect(annotations['runbook']).to.equal(`docs/runbooks/${alert}.md`);
      const page = readFileSync(join(root, annotations['runbook']!), 'utf8');
      expect(page, alert).to.match(
        new RegExp(`^# ${alert}\n\n\\S.*\n\n## What it means\n\n- .*[\\s\\S]*\n\n## What to do\n\n1\\. `),
      );
    }
  });

  it('names only commands that there are', () => {
    const root = new URL('../../../', import.meta.url).pathname;
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
    const usage = readFileSync(join(root, 'scripts', 'network.ts'), 'utf8');
    const texts = rules.map(
      ({ annotations }) => readFileSync(join(root, annotations['runbook']!), 'utf8') + annotations['action'],
    );
    const commands = texts.flatMap((one) => [...one.matchAll(/npm run ([a-z]+)(?: -- ([a-z]+))?/g)]);
    expect(commands.length).to.be.greaterThan(10);
    for (const [text, script, command] of commands) {
      expect(scripts, text).to.have.property(script!);
      if (script === 'network') expect(usage, text).to.match(new RegExp(`^  ${command!}\\b`, 'm'));
    }
  });

  it('gives every panel of the dashboard a number and a title of its own', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).to.equal(panels.length);
    for (const { title, targets } of panels) expect(targets.length, title).to.be.greaterThan(0);
  });
});
