import { expect } from 'chai';
import { reasonOf } from './client.ts';
import { findProgram, requireProgram } from './programs.ts';

describe('What fabric-ca-client says', () => {
  const SECRET = '0badc0de';

  it('is told as the server’s own reason and number', () => {
    const output = `2026/01/01 10:00:00 [INFO] TLS Enabled\nError: Response from server: Error Code: 20 - Authentication failure\n\n`;
    expect(reasonOf(output)).to.deep.equal({ reason: 'Authentication failure (error 20)', code: 20 });
  });

  it('is told as what broke the connection, without the request that it repeats', () => {
    const output = `Error: POST failure of request: POST https://ca-bank:7054/register
{"id":"x","type":"client","secret":"${SECRET}","caname":"ca"}: Post "https://ca-bank:7054/register": dial tcp 10.0.0.9:7054: connect: connection refused`;
    expect(reasonOf(output)).to.deep.equal({ reason: 'dial tcp 10.0.0.9:7054: connect: connection refused' });
  });

  it('is told without a login, or not at all', () => {
    const complaint = `Error: Failed to parse 'https://registrar:${SECRET}@ca-bank'`;
    expect(reasonOf(complaint)).to.deep.equal({ reason: "Failed to parse 'https://ca-bank'" });
    expect(reasonOf(`Error: unexpected {"secret":"${SECRET}"}`)).to.deep.equal({});
    expect(reasonOf('')).to.deep.equal({});
  });
});

describe('Fabric CA’s programs', () => {
  it('are missed with where they were looked for and where they come from', () => {
    expect(() => requireProgram('fabric-ca-server', { PATH: '/nowhere' })).to.throw(
      /fabric-ca-server is not in FABRIC_CA_BIN, in FABRIC_BIN or on the PATH(.|\n)*fabric-ca\/releases/,
    );
    expect(() => requireProgram('fabric-ca-client', { FABRIC_CA_CLIENT: '/nowhere/client', PATH: '/bin' })).to.throw(
      /fabric-ca-client is not at \/nowhere\/client \(FABRIC_CA_CLIENT\)/,
    );
  });

  it('are what FABRIC_CA_CLIENT names', () => {
    expect(findProgram('fabric-ca-client', { FABRIC_CA_CLIENT: process.execPath })).to.equal(process.execPath);
  });
});
