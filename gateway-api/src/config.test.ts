import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError, readConfig } from './config.ts';
import { consortium } from './index/index.fixture.ts';

describe('The configuration of a gateway of its own', () => {
  const directory = mkdtempSync(join(tmpdir(), 'telemed-config-'));
  const write = (name: string, content: unknown): string => {
    const path = join(directory, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  after(() => rmSync(directory, { recursive: true, force: true }));

  const good = () => ({
    CONNECTION: write('connection.json', {
      endpoint: 'peer.example:7051',
      tlsRootCertificate: 'tls.pem',
      mspId: 'HospitalMSP',
      channel: 'telemed',
      chaincode: 'telemed',
      identities: { system: { certificate: 'system/cert.pem', privateKey: '/keys/system.pem' } },
    }),
    TLS: write('tls.pem', 'PEM'),
    CONSORTIUM: write('consortium.json', consortium),
    GATEWAY_DATA_DIR: directory,
    JWKS: write('jwks.json', { keys: [{ kty: 'EC' }] }),
    PORT: '8081',
  });

  const mistakesOf = (environment: Record<string, string | undefined>): string[] => {
    try {
      readConfig(environment);
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.mistakes;
      throw error;
    }
  };

  it('is read from the environment, with paths relative to the connection file', () => {
    const { gateway, identities } = readConfig(good());
    expect(gateway.organisation).to.deep.equal({ name: 'hospital', mspId: 'HospitalMSP', kind: 'provider' });
    expect(gateway.connection.tlsRootCertificate).to.equal('PEM');
    expect(gateway.port).to.equal(8081);
    expect(gateway.tokens.issuer).to.equal('https://issuer.hospital.telemed-ledger.example');
    expect(identities['system']).to.deep.equal({
      certificate: join(directory, 'system/cert.pem'),
      privateKey: '/keys/system.pem',
    });
  });

  it('takes the issuer of production by the address of its keys', () => {
    const environment = { ...good(), JWKS: 'https://idp.example/jwks', TOKEN_ISSUER: 'https://idp.example' };
    expect(readConfig(environment).gateway.tokens).to.deep.include({
      keys: new URL('https://idp.example/jwks'),
      issuer: 'https://idp.example',
    });
  });

  it('lists every mistake at once', () => {
    const mistakes = mistakesOf({ PORT: 'many', JWKS: join(directory, 'none.json'), LOG_LEVEL: 'loud' });
    expect(mistakes.map((mistake) => mistake.split(':')[0])).to.deep.equal([
      'CONNECTION',
      'CONSORTIUM',
      'GATEWAY_DATA_DIR',
      'PORT',
      'JWKS',
      'LOG_LEVEL',
    ]);
  });

  it('names an MSP that the consortium does not have, and what is wrong within a file', () => {
    const connection = (more: object) => write('other.json', { ...JSON.parse('{"identities":{}}'), ...more });
    const stranger = {
      endpoint: 'a:1',
      tlsRootCertificate: 'tls.pem',
      mspId: 'OtherMSP',
      channel: 'c',
      chaincode: 'c',
    };
    expect(mistakesOf({ ...good(), CONNECTION: connection(stranger) }).join()).to.match(/OtherMSP is not in/);
    expect(mistakesOf({ ...good(), CONNECTION: connection({ ...stranger, endpoint: 'https://a' }) }).join()).to.match(
      /endpoint/,
    );
    expect(mistakesOf({ ...good(), CONSORTIUM: write('bad.json', '{') }).join()).to.match(/bad.json is not JSON/);
  });

  it('takes what X12 files say of members, and nothing that X12 could not carry', () => {
    const withParties = (party: object) => ({ ...good(), X12_PARTIES: write('parties.json', { payer: party }) });
    expect(readConfig(good()).gateway.x12Parties).to.deep.equal({});
    const party = { name: 'EXAMPLE PAYER', taxId: '900000004' };
    expect(readConfig(withParties(party)).gateway.x12Parties).to.deep.equal({ payer: party });
    for (const [name, wrong] of [
      ...['*', ':', '^', '~', 'é', '\n'].map((one) => ['name', { ...party, name: `A${one}B` }] as const),
      ['npi', { ...party, npi: '12345' }],
      ['taxId', { ...party, taxId: '90-0000004' }],
      ['address', { ...party, address: { line: 'A' } }],
      ['payer', { ...party, iban: 'X' }],
    ] as const)
      expect(mistakesOf(withParties(wrong)).join(), name).to.match(
        new RegExp(`^X12_PARTIES: payer.*${name.slice(0, 4)}|X12_PARTIES: payer: Unrec`),
      );
  });

  it('takes PostgreSQL instead of files, with the password read anew each time', () => {
    const secret = write('password', 'first\n');
    const { GATEWAY_DATA_DIR: _, ...rest } = good();
    const { gateway } = readConfig({
      ...rest,
      DATABASE_HOST: 'database-hospital',
      DATABASE_NAME: 'gateway',
      DATABASE_USER: 'gateway',
      DATABASE_PASSWORD_FILE: secret,
      DATABASE_TLS_CA: write('database-ca.pem', 'CA'),
      DATABASE_WAIT_MS: '5000',
    });
    const { password, ...settings } = gateway.database!;
    expect(settings).to.deep.equal({
      ...{ host: 'database-hospital', port: 5432, name: 'gateway', user: 'gateway', tlsCa: 'CA', waitMs: 5_000 },
    });
    expect(password()).to.equal('first');
    write('password', 'second');
    expect(password()).to.equal('second');
    expect(JSON.stringify(gateway)).to.not.match(/first|second/);
    expect(readConfig(good()).gateway).to.not.have.property('database');
  });

  it('lists every mistake of the database and of the operations listener', () => {
    const { GATEWAY_DATA_DIR: _, ...rest } = good();
    const names = (more: object) => mistakesOf({ ...rest, ...more }).map((mistake) => mistake.split(':')[0]);
    expect(
      names({ DATABASE_HOST: 'db', DATABASE_PORT: 'x', DATABASE_TLS_CA: '/none', OPERATIONS_PORT: '99999' }),
    ).to.have.members([
      ...['DATABASE_NAME', 'DATABASE_USER', 'DATABASE_PASSWORD_FILE', 'DATABASE_PORT', 'DATABASE_TLS_CA'],
      'OPERATIONS_PORT',
    ]);
    const empty = {
      DATABASE_HOST: 'db',
      DATABASE_NAME: 'n',
      DATABASE_USER: 'u',
      DATABASE_PASSWORD_FILE: write('e', ' '),
    };
    expect(names(empty)).to.deep.equal(['DATABASE_PASSWORD_FILE']);
    expect(names({ DATABASE_USER: 'u', OPERATIONS_HOST: '0.0.0.0' })).to.deep.equal([
      ...['GATEWAY_DATA_DIR', 'DATABASE_USER', 'OPERATIONS_HOST'],
    ]);
    const operations = { OPERATIONS_HOST: '0.0.0.0', OPERATIONS_PORT: '9464' };
    expect(readConfig({ ...good(), ...operations }).gateway.operations).to.deep.equal({ host: '0.0.0.0', port: 9464 });
  });
});
