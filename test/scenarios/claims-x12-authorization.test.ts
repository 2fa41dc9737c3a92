/** Prior authorization by X12: a 278 asks, a 278 says how it stands, and what is sent again under its key asks once. On either network. */
import { randomUUID } from 'node:crypto';
import { example278, exampleInquiry278 } from '@telemed-ledger/gateway-api/subjects/x12/questions.fixture.ts';
import { expectReadableSyntax } from '@telemed-ledger/gateway-api/subjects/x12/validator.fixture.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { EDI, expectAnsweredAlone, X12Claims } from './x12-claims.fixture.ts';

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
          {
            name: 'reason',
            valueCodeableConcept: {
              coding: [{ system: 'https://codesystem.x12.org/external/886', code: '83' }],
              text: 'not before physiotherapy',
            },
          },
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
    expect(said(text, 'HCR')).to.deep.equal(['HCR*A6*PA-4711~', 'HCR*A1*PA-4711~', 'HCR*A3**83~']);
    expect(said(text, 'MSG')).to.deep.equal(['MSG*not before physiotherapy~']);
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

  const asked = async (more: object = {}): Promise<{ text: string; reference: string }> => {
    const { x12: text, claims } = (await sent(example278([request(more)], 'payer'), randomUUID())).body as Answered;
    return { text, reference: claims[0] ?? '' };
  };
  const inquired = async (more: object = {}): Promise<string> => {
    const body = exampleInquiry278([{ member: x12.story.visit.member.value, ...more }], 'payer');
    const path = '/x12/278/inquiry';
    const { status, body: answer } = await x12.hospital.send({ method: 'POST', path, body, headers: { ...EDI } });
    expect(status, JSON.stringify(answer)).to.equal(200);
    return String(answer);
  };

  it('is amended and taken back by its number, by what the answer called it, or by the event’s own', async function () {
    const trace = randomUUID().slice(0, 20);
    const { text, reference } = await asked({ trace });
    const [administrative] = said(text, 'REF').map((one) => one.slice('REF*NT*'.length, -1));
    expect(reference).to.equal(`Claim/${administrative}`);
    await x12.desk.find({ path: `/fhir/R4/${reference}` }, 'the request at the payer');
    const parameter = [
      { name: 'outcome', valueCode: 'approve' },
      { name: 'number', valueString: `PA-${trace}` },
      { name: 'period', valuePeriod: { start: '2026-01-01', end: '2026-12-31' } },
    ];
    const body = { resourceType: 'Parameters', parameter };
    await x12.desk.write({ method: 'POST', path: `/fhir/R4/${reference}/$authorize`, body });
    await x12.hospital.find<Resource & { entry?: { resource: { outcome: string } }[] }>(
      { path: `/fhir/R4/ClaimResponse?request=${reference}` },
      'the decision at the hospital',
      ({ entry = [] }) => entry[0]?.resource.outcome === 'complete',
    );
    const held = await inquired({ number: `PA-${trace}` });
    expect(said(held, 'HCR')).to.deep.equal(Array(3).fill(`HCR*A1*PA-${trace}~`));
    expect(said(held, 'DTP')).to.include('DTP*007*RD8*20260101-20261231~');
    expectReadableSyntax(this, held);

    // An extension by the payer's number, a revision by its own id, in which one service is taken back.
    const extended = await asked({ certification: '4', number: `PA-${trace}` });
    expect(extended.reference).to.equal(reference);
    expect(said(extended.text, 'HCR')).to.deep.equal(['HCR*A4~', 'HCR*A4~', 'HCR*A4~']);
    const services = [
      { code: '97110', units: '4' },
      { code: '97140', units: '2', certification: '3' },
    ];
    const revised = await asked({ certification: 'S', administrative, services });
    expect(revised.reference).to.equal(reference);
    expect(said(revised.text, 'HCR')).to.deep.equal(['HCR*A4~', 'HCR*A4~']);

    // Taken back by the event's own number; then it is over.
    const cancelled = await asked({ certification: '3', trace });
    expect(cancelled.reference).to.equal(reference);
    expect(said(cancelled.text, 'HCR')).to.deep.equal(['HCR*C~']);
    expectReadableSyntax(this, cancelled.text);
    const again = await asked({ certification: '3', administrative });
    expect(said(again.text, 'AAA')).to.deep.equal(['AAA*N**33*C~']);
    const other = await asked({ certification: 'S', number: 'PA-unknown' });
    expect(said(other.text, 'AAA')).to.deep.equal(['AAA*N**AA*C~']);
    expect(other.reference).to.equal('');
  });

  it('is asked about by member, number, service and day, and of nobody else’s number nothing is said', async function () {
    const services = [{ code: '97530', units: '1', day: '20260303' }];
    const { text, reference } = await asked({ services });
    const administrative = reference.slice('Claim/'.length);
    const found = await inquired({ administrative });
    expect(said(found, 'REF')).to.deep.equal(said(text, 'REF'));
    expect(said(found, 'SV1')).to.deep.equal(['SV1*HC:97530**UN*1~']);
    expect(said(found, 'BHT')[0]).to.match(/\*19~$/);
    for (const more of [{ code: '97530' }, { code: '97530', day: '20260303' }])
      expect(said(await inquired(more), 'REF'), JSON.stringify(more)).to.include(`REF*NT*${administrative}~`);
    const wrong = [
      ...[{ administrative, day: '20260304' }, { administrative, code: '97535' }, { number: 'PA-unknown' }],
      ...[{ member: 'nobody' }, { member: '' }],
    ];
    const codes = ['AA', 'AA', 'AA', '75', '72'];
    for (const [at, more] of wrong.entries()) {
      const answer = await inquired(more);
      expect(said(answer, 'AAA'), JSON.stringify(more)).to.deep.equal([`AAA*N**${codes[at]}*C~`]);
      expect(said(answer, 'HCR')).to.deep.equal([]);
      expectReadableSyntax(this, answer);
    }
    const { parties } = await consortium();
    const body = exampleInquiry278([{ member: x12.story.visit.member.value, administrative }], 'payer');
    const asking = (party: Party) => party.send({ method: 'POST', path: '/x12/278/inquiry', body, headers: EDI });
    await expectAnsweredAlone(parties, ['hospital system', 'clinic system'], asking);
    // The clinic knows neither the member nor the hospital's requests.
    expect(said(String((await asking(parties.of('clinic', 'system'))).body), 'HCR')).to.deep.equal([]);
  });

  it('is a provider’s to ask, and refused where the file is broken', async () => {
    const { parties, urls } = await consortium();
    const body = example278([request()], 'payer');
    for (const name of Object.keys(urls).filter((one) => !['hospital', 'clinic'].includes(one))) {
      const party = parties.of(name, 'system');
      expect((await party.send({ method: 'POST', path: '/x12/278', body, headers: EDI })).status, name).to.equal(404);
    }
    const broken = await sent(body.replace('UM*HS*I', 'UM*HS*1'), randomUUID());
    expect(broken.status).to.equal(422);
    expect(JSON.stringify(broken.body)).to.include('(UM02)').and.not.include(x12.story.visit.member.value);
  });
});
