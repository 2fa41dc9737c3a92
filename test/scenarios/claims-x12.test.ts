/** Claims that billing systems send as X12 837: matched with what is recorded, submitted each for itself, once. On either network. */
import { randomUUID } from 'node:crypto';
import { type ExampleClaim, example837 } from '@telemed-ledger/gateway-api/subjects/x12/x12.fixture.ts';
import { coverageShown } from '@telemed-ledger/scripts/demo/claims.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';

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
    story = { parties, visit: newVisit(), startedAt: '', locations: new Map(), accessIds: [] };
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
});
