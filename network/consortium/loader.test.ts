import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { ConsortiumError, DEFAULT_CONSORTIUM_FILE, loadConsortium, parseConsortium } from './loader.ts';

const DEFAULT = readFileSync(DEFAULT_CONSORTIUM_FILE, 'utf8');

/** `line:column path: message` of every mistake. */
function mistakesIn(text: string): string[] {
  try {
    parseConsortium(text, 'consortium.yaml');
    return [];
  } catch (error) {
    if (!(error instanceof ConsortiumError)) throw error;
    return error.problems.map(({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a test bends the document in ways its type forbids.
type Document = any;

/** The messages for the default document after a change. */
function messagesAfter(change: (document: Document) => void): string[] {
  const document: Document = structuredClone(loadConsortium());
  change(document);
  return mistakesIn(stringify(document)).map((mistake) => mistake.slice(mistake.indexOf(' ') + 1));
}

const organisation = (name: string, kind: string, number: number) => ({
  name,
  mspId: `${name.toUpperCase()}MSP`,
  kind,
  gatewayPort: 9000 + number,
  peerPort: 9100 + number,
});

describe('The consortium file', () => {
  it('names the six default organisations, four orderers and a batch timeout of 40 ms', () => {
    const consortium = loadConsortium();
    expect(consortium.organisations.map(({ name, gatewayPort }) => `${name} ${gatewayPort}`)).to.deep.equal([
      'hospital 8081',
      'clinic 8082',
      'patients 8083',
      'payer 8084',
      'bank 8085',
      'regulator 8086',
    ]);
    expect(new Set(consortium.ordering.orderers.map((orderer) => orderer.organisation)).size).to.equal(4);
    expect(consortium.ordering.batch).to.deep.equal({
      timeoutMs: 40,
      maxMessageCount: 100,
      preferredMaxBytes: 2 * 1024 * 1024,
      absoluteMaxBytes: 99 * 1024 * 1024,
    });
  });

  it('may name several organisations of every kind but the custodian', () => {
    const messages = messagesAfter((document) => {
      for (const [index, kind] of ['provider', 'payer', 'bank', 'regulator'].entries()) {
        document.organisations.push(organisation(`second-${kind}`, kind, index));
      }
    });
    expect(messages).to.deep.equal([]);
  });

  it('may say on which hosts nodes are reached, and a port may be used once on each', () => {
    const first = loadConsortium().organisations[0]!.peerPort;
    const spread = (host: string) => (document: Document) => {
      Object.assign(document.organisations[1], { peerPort: first, host });
      Object.assign(document.ordering.orderers[0], { host: '10.1.2.3' });
    };
    expect(messagesAfter(spread('ledger.clinic.example'))).to.deep.equal([]);
    const twice = messagesAfter((document) => {
      Object.assign(document.organisations[1], { peerPort: first });
    });
    expect(twice).to.deep.equal([`organisations[1].peerPort: port ${first} is already used above`]);
    for (const wrong of ['https://clinic.example', 'clinic.example:7051', 'CLINIC', '', '-clinic'])
      expect(messagesAfter(spread(wrong)).join(), wrong).to.contain('organisations[1].host: must be a host name');
  });

  it('is refused without a custodian or with two', () => {
    const without = messagesAfter((document) => {
      document.organisations[2].kind = 'provider';
    });
    expect(without).to.deep.equal(['organisations: there is no custodian; there must be exactly one']);
    const two = messagesAfter((document) => document.organisations.push(organisation('others', 'custodian', 1)));
    expect(two).to.deep.equal(['organisations: there are 2 custodians; only one is supported now']);
  });

  for (const kind of ['provider', 'payer', 'bank', 'regulator']) {
    it(`is refused without a ${kind}`, () => {
      const messages = messagesAfter((document) => {
        document.organisations = document.organisations.filter((entry: Document) => entry.kind !== kind);
        document.ordering.orderers = document.ordering.orderers.filter((entry: Document) =>
          document.organisations.some((other: Document) => other.name === entry.organisation),
        );
        document.ordering.orderers.push({ name: 'spare', organisation: 'patients', port: 9999 });
      });
      expect(messages).to.include(`organisations: there is no ${kind}`);
    });
  }

  const CHANGES: [what: string, change: (document: Document) => void, message: string][] = [
    [
      'a repeated name',
      (d) => (d.organisations[1].name = 'hospital'),
      'organisations[1].name: hospital is already used above',
    ],
    [
      'a repeated MSP id',
      (d) => (d.organisations[1].mspId = 'HospitalMSP'),
      'organisations[1].mspId: HospitalMSP is already used above',
    ],
    [
      'an MSP id that differs in case only',
      (d) => (d.organisations[1].mspId = 'HOSPITALmsp'),
      'organisations[1].mspId: HOSPITALmsp is already used above',
    ],
    [
      "the orderer's MSP id",
      (d) => (d.organisations[1].mspId = 'OrdererMSP'),
      'organisations[1].mspId: OrdererMSP is reserved for the embedded orderer',
    ],
    [
      'a repeated port',
      (d) => (d.ordering.orderers[0].port = 8081),
      'ordering.orderers[0].port: port 8081 is already used above',
    ],
    [
      'a port out of range',
      (d) => (d.organisations[0].gatewayPort = 70000),
      'organisations[0].gatewayPort: Too big: expected number to be <=65535',
    ],
    [
      'a port in words',
      (d) => (d.organisations[0].gatewayPort = 'eight'),
      'organisations[0].gatewayPort: Invalid input: expected number, received string',
    ],
    [
      'a name in capitals',
      (d) => (d.organisations[0].name = 'Hospital'),
      'organisations[0].name: must be 1 to 32 lower-case letters, digits and hyphens, beginning with a letter',
    ],
    [
      'an underscore, which would make collections ambiguous',
      (d) => (d.organisations[0].name = 'a_b'),
      'organisations[0].name: must be 1 to 32 lower-case letters, digits and hyphens, beginning with a letter',
    ],
    [
      'an unknown kind',
      (d) => (d.organisations[0].kind = 'pharmacy'),
      'organisations[0].kind: Invalid option: expected one of "provider"|"custodian"|"payer"|"bank"|"regulator"',
    ],
    ['an unknown key', (d) => (d.organisations[0].colour = 'red'), 'organisations[0].colour: is not a known key'],
    ['an unknown key at the top', (d) => (d.speed = 1), 'speed: is not a known key'],
    ['a missing part', (d) => delete d.ordering.batch, 'ordering.batch: is missing'],
    [
      'too few orderers',
      (d) => d.ordering.orderers.pop(),
      'ordering.orderers: 3 orderers cannot tolerate 1 faulty; at least 4 are needed',
    ],
    [
      'two faults with four orderers',
      (d) => (d.ordering.toleratedFaults = 2),
      'ordering.orderers: 4 orderers cannot tolerate 2 faulty; at least 7 are needed',
    ],
    [
      'an orderer of nobody',
      (d) => (d.ordering.orderers[0].organisation = 'nobody'),
      'ordering.orderers[0].organisation: nobody is not one of the organisations',
    ],
    [
      'two orderers of one organisation',
      (d) => (d.ordering.orderers[0].organisation = 'patients'),
      'ordering.orderers[1].organisation: patients runs 2 orderers; its failure alone would stop ordering (at most 1)',
    ],
    [
      'a policy of an unknown organisation',
      (d) => (d.policies.endorsement.of = ['hospital', 'clinic', 'nobody']),
      'policies.endorsement.of[2]: nobody is not one of the organisations',
    ],
    [
      'a policy that nobody can satisfy',
      (d) => (d.policies.endorsement.any = 7),
      'policies.endorsement.any: 7 of 6 organisations can never endorse',
    ],
    [
      'a policy of one organisation',
      (d) => (d.policies.endorsement.any = 1),
      'policies.endorsement.any: Too small: expected number to be >=2',
    ],
    [
      'a block larger than the largest',
      (d) => (d.ordering.batch.preferredMaxBytes = 1e8 + 4e6),
      'ordering.batch.preferredMaxBytes: is greater than absoluteMaxBytes',
    ],
  ];
  for (const [what, change, message] of CHANGES) {
    it(`is refused with ${what}`, () => {
      expect(messagesAfter(change)).to.include(message);
    });
  }

  it('reports every mistake at once, each with its place in the file', () => {
    const text = DEFAULT.replace('mspId: ClinicMSP', 'mspId: HospitalMSP')
      .replace('kind: bank', 'kind: casino')
      .replace('organisation: payer', 'organisation: nobody')
      .replace('any: 2', 'any: 2\n    some: 3');
    const lineOf = (part: string) => text.split('\n').findIndex((line) => line.includes(part)) + 1;
    const mistakes = mistakesIn(text);
    expect(mistakes).to.deep.equal([
      `${lineOf('- name: hospital')}:3 organisations: there is no bank`,
      `${lineOf('name: clinic') + 1}:12 organisations[1].mspId: HospitalMSP is already used above`,
      `${lineOf('casino')}:11 organisations[4].kind: Invalid option: expected one of "provider"|"custodian"|"payer"|"bank"|"regulator"`,
      `${lineOf('some: 3')}:11 policies.endorsement.some: is not a known key`,
      `${lineOf('organisation: nobody')}:21 ordering.orderers[2].organisation: nobody is not one of the organisations`,
    ]);
    expect(() => parseConsortium(text, 'consortium.yaml')).to.throw(
      ConsortiumError,
      'has 5 mistakes:\n  consortium.yaml:',
    );
  });

  it('says where text is no YAML, and copes with text that is something else', () => {
    expect(mistakesIn('channel: [')).to.have.length.above(0);
    expect(mistakesIn('channel: a\nchannel: b\n')[0]).to.match(/^2:1 : Map keys must be unique/);
    for (const text of ['', '42', '- a\n- b', 'organisations: 5\npolicies: x\nordering: []']) {
      expect(mistakesIn(text), text).to.have.length.above(1);
    }
  });

  it('says which file cannot be read', () => {
    expect(() => loadConsortium('/nowhere/consortium.yaml')).to.throw('/nowhere/consortium.yaml');
  });
});
