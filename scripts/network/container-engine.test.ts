import { loadConsortium } from '@telemed-ledger/consortium/loader.ts';
import { isSuitable } from '@telemed-ledger/network/fabric/binaries.ts';
import { FABRIC_VERSION, IMAGES } from '@telemed-ledger/network/fabric/compose/images.ts';
import { expect } from 'chai';
import { gatewayPortsOf, otherProject } from './check.ts';
import { askEngine, type Engine, engineFindings } from './container-engine.ts';

const image = (text: string) => {
  const [repository = '', tag = ''] = text.split(':');
  return { repository, tag };
};
const engine = (changes: Partial<Engine> = {}): Engine => ({
  server: { version: '29.1.3', api: '1.52' },
  compose: '2.40.3',
  images: [image(IMAGES.peer), image(IMAGES.orderer), image('hyperledger/fabric-ca:1.5.21')],
  publishedPorts: [],
  volumes: [],
  ...changes,
});

describe('The container engine', () => {
  it('runs images that Docker 29 works with', () => {
    expect(isSuitable(FABRIC_VERSION)).to.equal(true);
    const { problems, remarks } = engineFindings(engine());
    expect(problems).to.deep.equal([]);
    expect(remarks[0]).to.equal(
      'Docker Engine 29.1.3 (API 1.52), docker compose 2.40.3; Fabric 3.1.4 and newer run on it',
    );
  });

  it('is told from its client, and from one that does not answer', () => {
    const silent = { silence: 'docker is not on the PATH', images: [], publishedPorts: [], volumes: [] };
    expect(engineFindings(silent).problems).to.deep.equal(['no container engine answers: docker is not on the PATH']);
  });

  it('may be too old, or lack compose, or have an old one: all is said at once', () => {
    const old = engineFindings(engine({ server: { version: '19.03.15', api: '1.40' }, compose: '2.23.3-desktop.2' }));
    expect(old.problems).to.deep.equal([
      'Docker Engine 19.03.15 (API 1.40) is too old: at least 20.10 is needed',
      'docker compose 2.23.3-desktop.2 is too old: at least 2.24 is needed',
    ]);
    expect(engineFindings(engine({ compose: undefined })).problems[0]).to.contain('docker has no compose plugin');
    const enough = [
      ['20.10.24+dfsg1', '2.26.1-4'],
      ['28.2.2', 'v2.24.0'],
    ] as const;
    for (const [version, compose] of enough)
      expect(engineFindings(engine({ server: { version, api: '1.41' }, compose })).problems).to.deep.equal([]);
  });

  it('may hold other images than the wanted ones', () => {
    const { peer, orderer } = IMAGES;
    const old = [image('hyperledger/fabric-peer:2.5.12'), image('hyperledger/fabric-peer:latest'), image(orderer)];
    expect(engineFindings(engine({ images: old })).problems).to.deep.equal([
      `hyperledger/fabric-peer is here as 2.5.12, latest (2.5.12: older than 3.1.4, the first that Docker Engine 29 and newer work with), not as ${FABRIC_VERSION}: docker compose pull --ignore-buildable`,
    ]);
    const both = engineFindings(engine({ images: [...old, image(peer)] }));
    expect(both.problems).to.deep.equal([]);
    expect(both.remarks).to.include('hyperledger/fabric-peer is also here as 2.5.12, latest, which is not used');
    const none = engineFindings(engine({ images: [] }));
    expect([none.problems, none.remarks.at(-1)]).to.deep.equal([
      [],
      `${orderer} is not here yet: docker compose pull --ignore-buildable`,
    ]);
  });

  it('may hold a consortium of before the compose file had a name', () => {
    const consortium = loadConsortium();
    const made = (project: string) =>
      consortium.organisations.map(({ name }) => ({ project, volume: `authority-${name}` }));
    const [found] = otherProject([...made('main'), { project: 'wiki', volume: 'authority-clinic' }], consortium);
    expect(found).to.contain('COMPOSE_PROJECT_NAME=main');
    expect(otherProject([...made('main'), ...made('telemed-ledger')], consortium)).to.deep.equal([]);
    expect(otherProject(made('main').slice(1), consortium)).to.deep.equal([]);
  });

  it('publishes gateways where the environment says', () => {
    const consortium = loadConsortium();
    const ports = gatewayPortsOf(consortium, { GATEWAY_PORT_CLINIC: '9999', GATEWAY_PORT_BANK: '' });
    expect(ports['clinic']).to.equal(9999);
    for (const { name, gatewayPort } of consortium.organisations)
      if (name !== 'clinic') expect(ports[name]).to.equal(gatewayPort);
    expect(() => gatewayPortsOf(consortium, { GATEWAY_PORT_CLINIC: 'http' })).to.throw('GATEWAY_PORT_CLINIC: http is');
  });

  it('is asked without harm where there is none', async () => {
    const { DOCKER_HOST: before } = process.env;
    process.env['DOCKER_HOST'] = 'unix:///nowhere/docker.sock';
    try {
      const asked = await askEngine();
      expect([asked.server, asked.silence === '']).to.deep.equal([undefined, false]);
    } finally {
      if (before === undefined) delete process.env['DOCKER_HOST'];
      else process.env['DOCKER_HOST'] = before;
    }
  });
});
