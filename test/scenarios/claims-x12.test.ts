/** Claims that billing systems send as X12 837, and what they are answered: matched with what is recorded, submitted once, remitted. On either network. */
import { randomUUID } from 'node:crypto';
import { expectValidX12 } from '@telemed-ledger/gateway-api/subjects/x12/validator.fixture.ts';
import { example837 } from '@telemed-ledger/gateway-api/subjects/x12/x12.fixture.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { type Answered, EDI, expectAnsweredAlone, X12Claims } from './x12-claims.fixture.ts';

describe('Claims of an X12 837', function () {
  this.timeout(90_000);
  let x12: X12Claims;
  let hospital: Party;

  /** A day without visits. */
  const earlier = (): string => {
    const before = Date.parse(x12.story.visit.day) - 5 * 86_400_000;
    return new Date(before).toISOString().slice(0, 10).replaceAll('-', '');
  };

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    x12 = await X12Claims.open((await consortium()).parties);
    ({ hospital } = x12);
  });

  it('are acknowledged one by one by a 277CA, with the number of each that was taken', async function () {
    const account = await x12.account();
    const body = example837([x12.claimFor(account), x12.claimFor('unknown-account')], 'payer');
    const headers = { ...EDI, accept: EDI['content-type'] };
    const sent = { method: 'POST', path: '/x12/837?acknowledgment=277', body, headers } as const;
    const { status, body: answer, headers: answered } = await hospital.send(sent);
    expect(status).to.equal(200);
    expect(answered).to.have.property('x-transaction-id');
    const text = String(answer);
    const [, claim] = /REF\*1K\*([0-9a-f-]{36})~/.exec(text) ?? [];
    expect((await hospital.ask({ path: `/fhir/R4/Claim/${claim}` })).resourceType).to.equal('Claim');
    expect(text.match(/STC\*A2:20|STC\*A7:21/g)).to.deep.equal(['STC*A2:20', 'STC*A7:21']);
    expectValidX12(this, text);
  });

  it('are submitted for the visits that they mean, and those that mean none or are nobody’s are named', async () => {
    const [account, other] = [randomUUID().slice(0, 20), randomUUID().slice(0, 20)];
    const visit = await x12.visited(account);
    await x12.visited(other);
    const { status, body } = await x12.sent([
      x12.claimFor(account),
      x12.claimFor(other, { lines: [{ code: '99213', charge: '80.00', day: earlier() }] }),
      x12.claimFor('unknown-account'),
      x12.claimFor(account, { member: 'nobody' }),
      x12.claimFor(account, { npi: '1234567893' }),
      x12.claimFor(other, { frequency: '7' }),
    ]);
    const { claims, notMapped } = body as Answered;
    expect(status, JSON.stringify(body)).to.equal(200);
    expect(claims.map((one) => one.status)).to.deep.equal([
      ...['submitted', 'denied', 'refused', 'refused', 'refused', 'refused'],
    ]);
    expect(claims[1]).to.include({ reason: 'service-not-shown' });
    const reasons = claims.slice(2).map(({ reason }) => reason);
    expect(reasons[0]).to.match(/^the patient had \d+ visits of this number/);
    expect(reasons.slice(1)).to.deep.equal([
      'a payer has registered no coverages of this member number',
      'no practitioners here have the number of who rendered it',
      'a correction names the claim that it is of (REF*F8)',
    ]);
    expect(claims.slice(2).every(({ expression }) => /^segment \d+ \(/.test(expression ?? ''))).to.equal(true);
    expect(notMapped).to.include({ 'REF*EI 02': 1, 'DMG*D8 02': 6 });
    const path = `/fhir/R4/${claims[0]?.claim}`;
    const text = String((await hospital.send({ path, asBytes: true })).body);
    expect(text).to.include('"value":80.00').and.include(`Encounter/${visit}`).and.include('J06.9');
    expect(JSON.stringify(body)).to.not.include(x12.story.visit.member.value);
  });

  it('are submitted once under one key, and as a duplicate without', async () => {
    const account = await x12.account();
    const key = { 'idempotency-key': randomUUID() };
    const first = (await x12.sent([x12.claimFor(account)], key)).body as Answered;
    expect((await x12.sent([x12.claimFor(account)], key)).body).to.deep.equal(first);
    expect((await x12.sent([x12.claimFor(account)])).body).to.have.nested.include({ 'claims[0].reason': 'duplicate' });
  });

  it('are a provider’s, and refused as a whole where the file is broken', async () => {
    const whole = example837([x12.claimFor('a')], 'payer');
    const send = (organisation: string, body: string, type = 'application/EDI-X12') =>
      x12.story.parties
        .of(organisation, 'system')
        .send({ method: 'POST', path: '/x12/837', body, headers: { 'content-type': type } });
    expect((await send('hospital', whole.slice(0, 200))).status).to.equal(422);
    expect((await send('hospital', whole, 'application/json')).status).to.equal(415);
    const edi = (body: string) =>
      hospital.send({
        ...{ method: 'POST', path: '/x12/837', body },
        headers: { ...EDI, accept: 'application/EDI-X12' },
        asBytes: true,
      });
    const taken = await edi(whole);
    expect([taken.status, String(taken.body)]).to.satisfy(
      ([status, text]: [number, string]) => status === 200 && text.includes('AK9*A*1*1*1~'),
    );
    const cut = await edi(whole.slice(0, 200));
    expect(cut.status).to.equal(422);
    expect(String(cut.body)).to.match(/^TA1\*000000001\*260105\*1023\*R\*023~$/m);
    for (const other of ['payer', 'patients', 'bank'])
      expect((await send(other, whole)).status, other).to.be.oneOf([403, 404]);
  });

  /** Claims of the hospital that are told in its remittances. */
  const paidHere: string[] = [];

  /** How the hospital's record calls the patient. */
  async function named(): Promise<{ family: string; given: string; npi: string }> {
    const { story } = x12;
    const path = `/fhir/R4/Patient/${story.patientId}`;
    const { name } = await hospital.ask<Resource & { name: { family: string; given: string[] }[] }>({ path });
    return { family: name[0]!.family, given: name[0]!.given[0]!, npi: story.visit.npi };
  }

  /** An 835 from ST to SE: what is around it is each file's own. */
  async function remittance(party: Party, path: string): Promise<string[]> {
    const { status, body } = await party.send({ path, headers: { accept: 'application/EDI-X12' }, asBytes: true });
    expect(status, String(body)).to.equal(200);
    const segments = String(body).split('\n');
    return segments.filter((one) => !/^(ISA|GS|GE|IEA)\*/.test(one));
  }

  it('come back as an 835 with the provider’s own numbers, the same at provider and payer, and valid', async function () {
    const account = await x12.account();
    const lines = [{ code: '99213', charge: '80.00', day: x12.day, item: `${account.slice(0, 8)}-A` }];
    const claim = await x12.billed(x12.claimFor(account, { lines }));
    paidHere.push(claim);
    const payment = await x12.paid(claim);
    const told = await remittance(hospital, `/x12/835/${payment}`);
    expect(told).to.include(`CLP*${account}*1*80*54*26*ZZ*${claim}*10*1~`);
    expect(told)
      .to.include(`REF*6R*${account.slice(0, 8)}-A~`)
      .and.include('SVC*HC:99213*80*54**1~');
    expect(told.find((one) => one.startsWith('BPR*'))).to.match(/^BPR\*I\*54\*C\*BOP/);
    expect(told.find((one) => one.startsWith('TRN*'))).to.include(`*X12-${payment.slice(0, 12)}*`);
    // The provider's own names persons; the ledger tells payers no names.
    const desk = x12.story.parties.of('payer', 'adjudicator');
    const [qc, rendering] = told.filter((one) => /^NM1\*(QC|82)\*/.test(one));
    const { family, given, npi } = await named();
    expect(qc).to.equal(`NM1*QC*1*${family}*${given}****MI*${x12.story.visit.member.value}~`);
    expect(rendering).to.match(new RegExp(`^NM1\\*82\\*1\\*[^*]+\\*[^*]*\\*{4}XX\\*${npi}~$`));
    const unnamed = told
      .filter((one) => one !== rendering)
      .map((one) => (one === qc ? `NM1*QC*1******MI*${x12.story.visit.member.value}~` : one))
      .map((one) => one.replace(/^SE\*(\d+)/, (_, count) => `SE*${Number(count) - 1}`));
    expect(await remittance(desk, `/x12/835/${payment}`)).to.deep.equal(unnamed);
    const { body } = await hospital.send({ path: `/x12/835/${payment}`, headers: { accept: 'application/json' } });
    expect(body).to.deep.include({ refused: [], notMapped: { 'ClaimResponse.extension': 1 } });
    const { reads } = await hospital.ask<{ reads: { type: string; patient?: string }[] }>({ path: '/reads?count=5' });
    const shown = { type: 'ClaimResponse', patient: x12.story.patientId, interaction: 'read', count: 1 };
    expect(reads.find(({ type }) => type === 'ClaimResponse')).to.include(shown);
    const today = new Date().toISOString().slice(0, 10);
    const ofDay = await remittance(hospital, `/x12/835?date=${today}`);
    expect(ofDay).to.include(`CLP*${account}*1*80*54*26*ZZ*${claim}*10*1~`);
    expectValidX12(this, String((await hospital.send({ path: `/x12/835/${payment}`, asBytes: true })).body));
  });

  it('are taken back in an 835 without a transfer where they are voided; what is owed back is said, and taken', async () => {
    const account = await x12.account();
    const claim = await x12.billed(x12.claimFor(account));
    await x12.paid(claim);
    const voiding = x12.claimFor(account, { frequency: '8', original: claim });
    expect((await x12.sent([voiding])).body).to.have.nested.include({ 'claims[0].status': 'voided' });
    expect((await x12.sent([voiding, x12.claimFor('none')])).body).to.have.nested.include({
      ...{ 'claims[0].status': 'refused', 'claims[0].reason': 'the claim is voided', 'claims[1].status': 'refused' },
    });
    const path = `/x12/835?date=${new Date().toISOString().slice(0, 10)}`;
    const told = await remittance(hospital, path);
    expect(told).to.include(`CLP*${account}*22*-80*-54**ZZ*${claim}*10*1~`);
    expect(told.some((one) => one.startsWith('PLB*') && one.includes(`WO:${claim}*-54`))).to.equal(true);
    expect(await remittance(x12.story.parties.of('payer', 'system'), path)).to.include.members(
      told.filter((one) => one.startsWith('CLP*')),
    );
    // What is owed back is taken from the next claim, which needs no transfer then.
    const next = await x12.billed(x12.claimFor(await x12.account()));
    await x12.desk.write({ method: 'POST', path: `/fhir/R4/Claim/${next}/$adjudicate` });
    const taken = (one: string): boolean => one.startsWith('PLB*') && one.includes(`WO:${claim}*54`);
    for (let told: string[] = []; !told.some(taken); ) told = await remittance(hospital, path);
  });

  it('come back to those whose remittances they are, and to nobody else', async () => {
    const path = `/x12/835?date=${new Date().toISOString().slice(0, 10)}`;
    const headers = { accept: 'application/json' };
    const { parties } = x12.story;
    const entitled = ['hospital system', 'clinic system', 'payer system', 'payer adjudicator'];
    await expectAnsweredAlone(parties, entitled, (party) => party.send({ path, headers }));
    await expectAnsweredAlone(parties, [], (party) => party.send({ path: '/x12/835/unknown', headers }));
    const { body } = await parties.of('clinic', 'system').send({ path, headers });
    const { x12: told, remittances } = body as { x12: string; remittances: { payee: string }[] };
    // Other claims of the day may be the clinic's own.
    for (const { payee } of remittances) expect(payee).to.equal('clinic');
    for (const claim of paidHere) expect(told).not.to.include(claim);
    expect((await hospital.send({ path: '/x12/835?date=2026-13-01' })).status).to.be.oneOf([400, 422]);
  });
});
