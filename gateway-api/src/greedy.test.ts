/** One client that asks for more than its part, against a whole gateway: what it gets, and what others get meanwhile. */
import { expect } from 'chai';
import { FixtureConsortium } from './consortium.fixture.ts';
import { type Answered, RawConnection } from './http/connection.fixture.ts';

const LARGE = { 'Content-Type': 'application/fhir+json', 'Content-Length': 15 * 1024 * 1024 };

describe('A greedy client', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'payer', 'regulator']);
  });
  after(() => consortium?.close());

  /** The answer to a request of which nothing but the head is ever sent. */
  const answerToHead = async (organisation: string, line: string, token?: string): Promise<Answered> => {
    const connection = new RawConnection(Number(new URL(consortium.urls.get(organisation)!).port));
    try {
      connection.send(line, { ...LARGE, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) });
      const answer = await connection.answer();
      if (answer === undefined) throw new Error(`no answer to ${line}`);
      return answer;
    } finally {
      connection.destroy();
    }
  };

  it('without a token is answered before its body is read', async () => {
    for (const path of ['/fhir/R4/Patient', '/fhir/R4', '/access-requests', '/nowhere']) {
      expect((await answerToHead('hospital', `POST ${path}`)).status, path).to.equal(401);
      expect((await answerToHead('hospital', `POST ${path}`, 'x.y.z')).status, path).to.equal(401);
    }
  });

  it('without the role for a write is answered before its body is read', async () => {
    const cases: [string, Parameters<FixtureConsortium['token']>[1], string, number][] = [
      ['hospital', 'patient', 'POST /fhir/R4/Patient', 403],
      ['hospital', 'auditor', 'POST /fhir/R4/Patient', 403],
      ['hospital', 'operator', 'PUT /fhir/R4/Patient/1', 403],
      ['hospital', 'operator', 'POST /fhir/R4/', 403],
      ['hospital', 'patient', 'POST /fhir/R4/Claim/$submit', 403],
      ['hospital', 'patient', 'POST /access-requests', 403],
      ['hospital', 'system', 'PUT /licences/1', 403],
      ['regulator', 'system', 'POST /access-requests', 403],
      ['payer', 'auditor', 'POST /fhir/R4/Coverage', 403],
      ['payer', 'operator', 'PUT /fee-schedules/hospital', 403],
      ['payer', 'system', 'POST /fhir/R4/Patient', 405],
      ['regulator', 'system', 'PUT /licences/1', 413],
      ['hospital', 'system', 'POST /access-requests', 413],
    ];
    for (const [organisation, role, line, status] of cases) {
      const answer = await answerToHead(organisation, line, await consortium.token(organisation, role, userOf(role)));
      expect(answer.status, `${line} as ${role} at ${organisation}`).to.equal(status);
    }
  });
});

const userOf = (role: string): string | undefined => (role === 'patient' ? 'Patient/1' : undefined);
