/** What claims keep of people's records goes, at every member, when nothing takes it any more; until then who reads it is in her log. On either network. */
import { randomUUID } from 'node:crypto';
import { ORGANISATION_SYSTEM } from '@telemed-ledger/chaincode/model/organisations.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import { recomputeClaim } from '@telemed-ledger/scripts/recompute.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { PayableClaims } from './payable-claims.fixture.ts';

interface Findings {
  parameter: { name: string; part: { name: string; valueCode?: string; valueInstant?: string }[] }[];
}
interface Basis {
  decisions: { claim: string; purgedAt?: string }[];
}
interface Log {
  entry?: { resource: { entity: { what?: { reference: string } }[]; purposeOfEvent?: object[] } }[];
}

describe('The evidence of a claim', function () {
  this.timeout(120_000);
  let scene: Scene;
  let claims: PayableClaims;
  let holders: Party[];
  let system: Party;
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    claims = await PayableClaims.open(scene.parties);
    // People at the payer are shown it as far as she permits.
    system = scene.parties.of('payer', 'system');
    holders = [system, claims.hospital];
  });

  const findings = (reference: string) => ({ method: 'POST', path: `/fhir/R4/${reference}/$findings` }) as const;
  const basis = (reference: string) => ({ path: `/claims/${reference.slice('Claim/'.length)}/basis` });
  const isPurged = ({ parameter }: Findings): boolean =>
    parameter.some(({ name, part }) => name === 'evidence' && part.some(({ valueCode }) => valueCode === 'purged'));
  const evidenceIn = ({ decisions }: Basis): unknown[] =>
    decisions.flatMap(({ claim }) => (JSON.parse(claim) as { evidence: unknown[] }).evidence);

  it('is read under her eyes: as payment, by the payer', async () => {
    const reference = await claims.approved();
    expect(evidenceIn(await system.ask<Basis>(basis(reference)))).to.not.deep.equal([]);
    const patient = scene.parties.of('patients', 'patient', claims.patient);
    const path = '/fhir/R4/AuditEvent?_count=100';
    await system.send({ method: 'POST', path: '/log-anchors', body: {} });
    const isIt = ({ entry = [] }: Log): boolean =>
      entry.some(
        ({ resource }) =>
          resource.entity.some(({ what }) => what?.reference === reference) &&
          JSON.stringify(resource.purposeOfEvent ?? []).includes('HPAYMT'),
      );
    await patient.find<Log>({ path }, 'the payer’s read in her log', isIt);
  });

  it('is purged at payer and provider when a claim is cancelled, which stays readable', async () => {
    const { reference, encounter } = await claims.submitted();
    await claims.approve(reference);
    const before = await claims.payer.ask<Findings>(findings(reference));
    expect(isPurged(before)).to.equal(false);
    const other = await claims.submitted();
    await claims.hospital.write({ method: 'POST', path: `/fhir/R4/${other.reference}/$cancel` });
    for (const party of holders) {
      await party.find<Findings>(findings(other.reference), 'that the evidence is purged', isPurged);
      expect(evidenceIn(await party.ask<Basis>(basis(other.reference)))).to.deep.equal([]);
      expect((await party.send({ path: `/fhir/R4/${other.reference}` })).status).to.equal(200);
      expect(isPurged(await party.ask<Findings>(findings(reference)))).to.equal(false);
    }
    // The visit is free to be billed again.
    await claims.submitted(other.encounter);
    expect(encounter).to.not.equal(other.encounter);
    const all = await recomputeClaim(system, reference.slice('Claim/'.length), scene.consortium.organisations);
    for (const { differences } of all) expect(differences).to.deep.equal([]);
    for (const name of Object.keys(scene.urls)) {
      const { body } = await scene.parties.of(name, 'operator').send({ method: 'POST', path: '/verify' });
      expect((body as { differences: unknown[] }).differences, name).to.deep.equal([]);
    }
  });

  it('of a request for authorization is purged at both when it is taken back undecided, and the request stays readable', async () => {
    const secret = `marigold-${randomUUID()}`;
    const coded = (code: string): object => ({ coding: [{ code }] });
    const { hospital } = claims;
    const billed = await hospital.ask<Resource & { insurance: object[] }>({
      path: `/fhir/R4/${(await claims.submitted()).reference}`,
    });
    const request = {
      ...{ resourceType: 'Claim', status: 'active', use: 'preauthorization', created: '2026-01-05' },
      ...{ type: coded('professional'), priority: coded('normal'), patient: { reference: claims.patient } },
      provider: { identifier: { system: ORGANISATION_SYSTEM, value: 'hospital' } },
      insurance: billed.insurance,
      contained: [
        {
          resourceType: 'DocumentReference',
          id: 'report',
          status: 'current',
          description: secret,
          content: [{ attachment: { title: 'x' } }],
        },
      ],
      supportingInfo: [
        { sequence: 1, category: coded('info'), valueString: secret },
        { sequence: 2, category: coded('attachment'), valueReference: { reference: '#report' } },
      ],
      item: [{ sequence: 1, productOrService: coded('99213') }],
    };
    const path = '/fhir/R4/Claim/$submit';
    type Asked = Resource & { request: { reference: string } };
    const { id, request: asked } = (await hospital.write<Asked>({ method: 'POST', path, body: request })).body;
    const { reference } = asked;
    for (const party of holders)
      await party.find<Resource>({ path: `/fhir/R4/${reference}` }, 'the request', (one) =>
        JSON.stringify(one).includes(secret),
      );
    const related = [{ claim: { reference } }];
    await hospital.write({ method: 'POST', path, body: { ...request, status: 'cancelled', related } });
    const isPurged = (one: Resource): boolean => !JSON.stringify(one).includes(secret);
    for (const party of holders) {
      const kept = await party.find<Resource>({ path: `/fhir/R4/${reference}` }, 'what remains', isPurged);
      expect(kept).to.have.nested.property('item[0].sequence', 1);
      for (const read of [`ClaimResponse/${id}`, `ClaimResponse/${id}/_history`, `${reference}/_history`]) {
        const { status, body } = await party.send({ path: `/fhir/R4/${read}` });
        expect(status, `${read}: ${JSON.stringify(body)}`).to.equal(200);
        expect(JSON.stringify(body)).to.not.include(secret);
      }
    }
    for (const name of Object.keys(scene.urls)) {
      const { body } = await scene.parties.of(name, 'operator').send({ method: 'POST', path: '/verify' });
      expect((body as { differences: unknown[] }).differences, name).to.deep.equal([]);
    }
  });
});
