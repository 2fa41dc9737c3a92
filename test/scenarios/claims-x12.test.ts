/** Claims that billing systems send as X12 837: matched with what is recorded, submitted each for itself, once. On either network. */
import { randomUUID } from 'node:crypto';
import { ROLES_OF_KIND, type Role } from '@telemed-ledger/consortium/members.ts';
import { expectValidX12 } from '@telemed-ledger/gateway-api/subjects/x12/validator.fixture.ts';
import { type ExampleClaim, example837 } from '@telemed-ledger/gateway-api/subjects/x12/x12.fixture.ts';
import { coverageShown } from '@telemed-ledger/scripts/demo/claims.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { onPayment, type PaymentBundle, paymentsIn } from './payable-claims.fixture.ts';

const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };

interface Answered {
  claims: { controlNumber: string; status: string; claim?: string; reason?: string; expression?: string }[];
  notMapped: Record<string, number>;
}

describe('Claims of an X12 837', function () {
  this.timeout(90_000);
  let story: Story;
  let hospital: Party;
  let practitioner: object;

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    const { parties } = await consortium();
    story = { parties, visit: newVisit(), startedAt: new Date().toISOString(), locations: new Map(), accessIds: [] };
    for (const step of [licensed, visitRecorded, coverageShown]) await step(story, silent);
    hospital = parties.of('hospital', 'system');
    const location = [...story.locations.values()].find((one) => one.startsWith('Encounter/'));
    ({ participant: practitioner } = await hospital.ask<Resource & { participant: object }>({
      path: `/fhir/R4/${location}`,
    }));
  });

  const { day } = newVisit();
  const earlier = new Date(Date.parse(day) - 5 * 86_400_000).toISOString().slice(0, 10).replaceAll('-', '');
  let hour = 0;
  /** @param account what billing calls the visit */
  async function visited(account: string): Promise<string> {
    hour += 1;
    const at = (minute: string): string => `${day}T${String(hour).padStart(2, '0')}:${minute}:00-05:00`;
    const body = {
      ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'VR' } },
      ...{ subject: { reference: `Patient/${story.patientId}` }, participant: practitioner },
      ...{
        period: { start: at('00'), end: at('15') },
        identifier: [{ system: 'urn:example:accounts', value: account }],
      },
    };
    return (await hospital.write({ method: 'POST', path: '/fhir/R4/Encounter', body })).body.id;
  }
  const claimFor = (controlNumber: string, more: Partial<ExampleClaim> = {}): ExampleClaim => ({
    ...{ controlNumber, member: story.visit.member.value, npi: story.visit.npi },
    ...{ lines: [{ code: '99213', charge: '80.00', day: day.replaceAll('-', '') }], ...more },
  });
  const sent = (claims: readonly ExampleClaim[], headers: Record<string, string> = {}) =>
    hospital.send({
      ...{ method: 'POST', path: '/x12/837', body: example837(claims, 'payer') },
      headers: { 'content-type': 'application/EDI-X12', ...headers },
    });

  it('are submitted for the visits that they mean, and those that mean none or are nobody’s are named', async () => {
    const [account, other] = [randomUUID().slice(0, 20), randomUUID().slice(0, 20)];
    const visit = await visited(account);
    await visited(other);
    const { status, body } = await sent([
      claimFor(account),
      claimFor(other, { lines: [{ code: '99213', charge: '80.00', day: earlier }] }),
      claimFor('unknown-account'),
      claimFor(account, { member: 'nobody' }),
      claimFor(account, { npi: '1234567893' }),
      claimFor(other, { frequency: '7' }),
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
    expect(JSON.stringify(body)).to.not.include(story.visit.member.value);
  });

  it('are submitted once under one key, and as a duplicate without', async () => {
    const account = randomUUID().slice(0, 20);
    await visited(account);
    const key = { 'idempotency-key': randomUUID() };
    const first = (await sent([claimFor(account)], key)).body as Answered;
    expect((await sent([claimFor(account)], key)).body).to.deep.equal(first);
    expect((await sent([claimFor(account)])).body).to.have.nested.include({ 'claims[0].reason': 'duplicate' });
  });

  it('are a provider’s, and refused as a whole where the file is broken', async () => {
    const whole = example837([claimFor('a')], 'payer');
    const send = (organisation: string, body: string, type = 'application/EDI-X12') =>
      story.parties
        .of(organisation, 'system')
        .send({ method: 'POST', path: '/x12/837', body, headers: { 'content-type': type } });
    expect((await send('hospital', whole.slice(0, 200))).status).to.equal(422);
    expect((await send('hospital', whole, 'application/json')).status).to.equal(415);
    for (const other of ['payer', 'patients', 'bank'])
      expect((await send(other, whole)).status, other).to.be.oneOf([403, 404]);
  });

  /** The payment of a claim at somebody's, once it is there. */
  async function paymentAt(party: Party, claim: string, outcome: string): Promise<string> {
    const path = `/fhir/R4/PaymentReconciliation?_lastUpdated=ge${encodeURIComponent(story.startedAt)}&_count=1000`;
    const of = (bundle: PaymentBundle) =>
      paymentsIn(bundle).find((one) => one.outcome === outcome && one.detail[0]?.request.reference === claim);
    const found = await party.find<PaymentBundle>({ path }, 'the payment', (bundle) => of(bundle) !== undefined);
    const { identifier } = of(found)! as unknown as { identifier: { value: string }[] };
    return identifier[0]!.value;
  }
  /** Billed by 837, decided and paid; the claim and its payment. */
  async function paid(claim: ExampleClaim): Promise<{ claim: string; payment: string }> {
    const { claims } = (await sent([claim])).body as Answered;
    const submitted = claims[0]?.claim ?? '';
    const desk = story.parties.of('payer', 'adjudicator');
    await desk.find({ path: `/fhir/R4/${submitted}` }, 'the claim at the payer');
    await desk.write({ method: 'POST', path: `/fhir/R4/${submitted}/$adjudicate` });
    const bank = story.parties.of('bank', 'settlement');
    const payment = await paymentAt(bank, submitted, 'queued');
    const transfer = { reference: `X12-${payment.slice(0, 20)}`, paidOn: new Date().toISOString().slice(0, 10) };
    await bank.write(onPayment(payment, 'settle', transfer));
    await paymentAt(hospital, submitted, 'complete');
    return { claim: submitted.replace('Claim/', ''), payment };
  }
  /** An 835 from ST to SE: what is around it is each file's own. */
  async function remittance(party: Party, path: string): Promise<string[]> {
    const { status, body } = await party.send({ path, headers: { accept: 'application/EDI-X12' }, asBytes: true });
    expect(status, String(body)).to.equal(200);
    const segments = String(body).split('\n');
    return segments.filter((one) => !/^(ISA|GS|GE|IEA)\*/.test(one));
  }

  it('come back as an 835 with the provider’s own numbers, the same at provider and payer, and valid', async function () {
    const account = randomUUID().slice(0, 20);
    await visited(account);
    const lines = [{ code: '99213', charge: '80.00', day: day.replaceAll('-', ''), item: `${account.slice(0, 8)}-A` }];
    const { claim, payment } = await paid(claimFor(account, { lines }));
    const told = await remittance(hospital, `/x12/835/${payment}`);
    expect(told).to.include(`CLP*${account}*1*80*54*26*ZZ*${claim}*10*1~`);
    expect(told)
      .to.include(`REF*6R*${account.slice(0, 8)}-A~`)
      .and.include('SVC*HC:99213*80*54**1~');
    expect(told.find((one) => one.startsWith('BPR*'))).to.match(/^BPR\*I\*54\*C\*BOP/);
    expect(told.find((one) => one.startsWith('TRN*'))).to.include(`*X12-${payment.slice(0, 20)}*`);
    const desk = story.parties.of('payer', 'adjudicator');
    expect(await remittance(desk, `/x12/835/${payment}`)).to.deep.equal(told);
    const { body } = await hospital.send({ path: `/x12/835/${payment}`, headers: { accept: 'application/json' } });
    expect(body).to.deep.include({ refused: [], notMapped: { 'ClaimResponse.extension': 1 } });
    const today = new Date().toISOString().slice(0, 10);
    const ofDay = await remittance(hospital, `/x12/835?date=${today}`);
    expect(ofDay).to.include(`CLP*${account}*1*80*54*26*ZZ*${claim}*10*1~`);
    expectValidX12(this, String((await hospital.send({ path: `/x12/835/${payment}`, asBytes: true })).body));
  });

  it('are taken back in an 835 without a transfer where they are voided, and what is owed back is said', async () => {
    const account = randomUUID().slice(0, 20);
    await visited(account);
    const { claim } = await paid(claimFor(account));
    const voiding = claimFor(account, { frequency: '8', original: claim });
    expect((await sent([voiding])).body).to.have.nested.include({ 'claims[0].status': 'voided' });
    expect((await sent([voiding, claimFor('none')])).body).to.have.nested.include({
      ...{ 'claims[0].status': 'refused', 'claims[0].reason': 'the claim is voided', 'claims[1].status': 'refused' },
    });
    const path = `/x12/835?date=${new Date().toISOString().slice(0, 10)}`;
    const told = await remittance(hospital, path);
    expect(told).to.include(`CLP*${account}*22*-80*-54**ZZ*${claim}*10*1~`);
    expect(told.some((one) => one.startsWith('PLB*') && one.includes(`WO:${claim}*-54`))).to.equal(true);
    expect(await remittance(story.parties.of('payer', 'system'), path)).to.include.members(
      told.filter((one) => one.startsWith('CLP*')),
    );
  });

  it('come back to those whose remittances they are, and to nobody else', async () => {
    const today = new Date().toISOString().slice(0, 10);
    for (const path of [`/x12/835?date=${today}`, '/x12/835/unknown'])
      for (const [organisation, role] of everybody()) {
        const { status } = await story.parties
          .of(organisation, role)
          .send({ path, headers: { accept: 'application/json' } });
        const isEntitled = ['hospital system', 'clinic system', 'payer system', 'payer adjudicator'].includes(
          `${organisation} ${role}`,
        );
        const expected = path.endsWith('unknown') ? 404 : 200;
        if (isEntitled) expect(status, `${organisation} ${role}`).to.equal(expected);
        else expect(status, `${organisation} ${role}`).to.be.oneOf([403, 404]);
      }
    const { body } = await story.parties
      .of('clinic', 'system')
      .send({ path: `/x12/835?date=${today}`, headers: { accept: 'application/json' } });
    expect(body).to.deep.equal({ x12: '', remittances: [], refused: [], notMapped: {} });
    expect((await hospital.send({ path: '/x12/835?date=2026-13-01' })).status).to.be.oneOf([400, 422]);
  });
});

/** Every identity that there is, by organisation and role. */
const everybody = (): [organisation: string, role: Role][] => {
  const kinds = {
    hospital: 'provider',
    clinic: 'provider',
    patients: 'custodian',
    payer: 'payer',
    bank: 'bank',
    regulator: 'regulator',
  } as const;
  return Object.entries(kinds).flatMap(([name, kind]) =>
    ROLES_OF_KIND[kind].map((role): [string, Role] => [name, role]),
  );
};
