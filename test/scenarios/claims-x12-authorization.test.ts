/** Prior authorization by X12: a 278 asks, a 278 says how it stands, and what is sent again under its key asks once. On either network. */
import { randomUUID } from 'node:crypto';
import { example278 } from '@telemed-ledger/gateway-api/subjects/x12/questions.fixture.ts';
import { expectReadableSyntax } from '@telemed-ledger/gateway-api/subjects/x12/validator.fixture.ts';
import type { Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { EDI, X12Claims } from './x12-claims.fixture.ts';

interface Answered {
  x12: string;
  claims: string[];
  notMapped: Record<string, number>;
}

describe('Prior authorization by X12', function () {
  this.timeout(90_000);
  let x12: X12Claims;
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    x12 = await X12Claims.open((await consortium()).parties);
  });

  const request = (more: object = {}) => ({
    ...{ trace: randomUUID().slice(0, 20), member: x12.story.visit.member.value, isUrgent: true },
    services: [{ code: '97110', units: '6', trace: 'L-1' }, { kind: '42' }],
    ...more,
  });
  const sent = (body: string, key: string, accept = 'application/json') =>
    x12.hospital.send({
      ...{ method: 'POST', path: '/x12/278', body, headers: { ...EDI, accept, 'idempotency-key': key } },
    });
  const said = (text: string, id: string): string[] => text.split('\n').filter((one) => one.startsWith(`${id}*`));

  it('is asked, pended with its clock, decided, and told when it is asked for again', async function () {
    const [body, key] = [example278([request()], 'payer'), randomUUID()];
    const first = (await sent(body, key)).body as Answered;
    expect(said(first.x12, 'HCR')).to.deep.equal(['HCR*A4~', 'HCR*A4~', 'HCR*A4~']);
    expect(first.notMapped).to.include({ 'DMG*D8 02': 1 });
    const [reference] = first.claims;
    const claim = await x12.desk.find<Resource & { item: object[]; priority: object }>(
      { path: `/fhir/R4/${reference}` },
      'the request at the payer',
    );
    expect(claim.item).to.have.length(2);
    expect(JSON.stringify(claim)).to.include('97110').and.include('"stat"').and.include('M54.5');
    const parameter = [
      { name: 'outcome', valueCode: 'approve' },
      {
        name: 'item',
        part: [
          { name: 'sequence', valueInteger: 2 },
          { name: 'outcome', valueCode: 'deny' },
          { name: 'reason', valueString: 'not before physiotherapy' },
        ],
      },
      { name: 'number', valueString: 'PA-4711' },
    ];
    const decision = { resourceType: 'Parameters', parameter };
    await x12.desk.write({ method: 'POST', path: `/fhir/R4/${reference}/$authorize`, body: decision });
    await x12.hospital.find<Resource & { entry?: { resource: { outcome: string } }[] }>(
      { path: `/fhir/R4/ClaimResponse?request=${reference}` },
      'the decision at the hospital',
      ({ entry = [] }) => entry[0]?.resource.outcome === 'partial',
    );
    const again = await sent(body, key, EDI['content-type']);
    const text = String(again.body);
    expect(said(text, 'HCR')).to.deep.equal(['HCR*A6*PA-4711~', 'HCR*A1*PA-4711~', 'HCR*A3~']);
    expectReadableSyntax(this, text);
    const { claims } = (await sent(body, key)).body as Answered;
    expect(claims).to.deep.equal([reference]);
  });

  it('is asked for each for itself: of nobody’s number it says so, and asks for the others', async function () {
    const body = example278([request({ member: 'nobody' }), request({ member: '' }), request()], 'payer');
    const { status, body: answer } = await sent(body, randomUUID());
    expect(status).to.equal(200);
    const { x12: text, claims } = answer as Answered;
    expect(claims).to.have.length(1);
    expect(said(text, 'AAA')).to.deep.equal(['AAA*N**75*C~', 'AAA*N**72*C~']);
    expect(said(text, 'HCR')).to.have.length(3);
    expectReadableSyntax(this, text);
  });

  it('is a provider’s to ask, and refused where the file is broken', async () => {
    const { parties, urls } = await consortium();
    const body = example278([request()], 'payer');
    for (const name of Object.keys(urls).filter((one) => !['hospital', 'clinic'].includes(one))) {
      const party = parties.of(name, 'system');
      expect((await party.send({ method: 'POST', path: '/x12/278', body, headers: EDI })).status, name).to.equal(404);
    }
    const broken = await sent(body.replace('UM*HS*I', 'UM*HS*S'), randomUUID());
    expect(broken.status).to.equal(422);
    expect(JSON.stringify(broken.body)).to.include('(UM02)').and.not.include(x12.story.visit.member.value);
  });
});
