/** A patient says of her visits and appeals against decisions at her own gateway; provider, payer and her log have it. On either network. */

import { randomUUID } from 'node:crypto';
import { type GatewayError, PatientClient } from '@telemed-ledger/patient-client/client.ts';
import { makeKey, type OwnKey } from '@telemed-ledger/patient-client/key.ts';
import { bearerToken } from '@telemed-ledger/scripts/credentials.ts';
import { granted } from '@telemed-ledger/scripts/demo/access.ts';
import { delegationTo, toAct } from '@telemed-ledger/scripts/demo/caretakers.ts';
import type { Party } from '@telemed-ledger/scripts/demo/parties.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { PayableClaims } from './payable-claims.fixture.ts';

interface Page {
  entry?: { resource: { resourceType: string; [name: string]: unknown } }[];
}
const DAY_MS = 86_400_000;

describe('A patient', function () {
  this.timeout(120_000);
  let scene: Scene;
  let claims: PayableClaims;
  let patient: Party;
  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    claims = await PayableClaims.open(scene.parties);
    patient = scene.parties.of('patients', 'patient', claims.patient);
  });

  const parameters = (...parameter: object[]): object => ({ resourceType: 'Parameters', parameter });
  const because = (text: string): object => parameters({ name: 'reason', valueString: text });
  const on = (reference: string, name: string, body?: object) => ({
    ...{ method: 'POST' as const, path: `/fhir/R4/${reference}/$${name}` },
    ...(body === undefined ? {} : { body: body as Record<string, unknown> }),
  });
  const clerk = (name: string): Party => scene.parties.of('payer', 'adjudicator', `Practitioner/${name}`);
  const decides = (decision: string) =>
    parameters({ name: 'decision', valueCode: decision }, { name: 'reason', valueString: 'looked at' });
  async function denied(): Promise<string> {
    const { reference } = await claims.submitted();
    await clerk('a').write(on(reference, 'adjudicate', decides('deny')));
    return reference;
  }
  const inLog = (code: string) => (page: Page) =>
    (page.entry ?? []).some(({ resource }) => JSON.stringify(resource['subtype']).includes(`"${code}"`));
  const log = { path: '/fhir/R4/AuditEvent?_count=200' };

  it('finds in her log that she confirmed or disputed a visit', async () => {
    const { encounter } = await claims.submitted();
    await patient.find({ path: `/fhir/R4/${encounter}` }, 'her visit');
    await patient.write(on(encounter, 'confirm'));
    await patient.find<Page>(log, 'that she confirmed', inLog('confirm'));
    await patient.write(on(encounter, 'confirm', parameters({ name: 'took-place', valueBoolean: false })));
    await patient.find<Page>(log, 'that she disputed', inLog('dispute'));
  });

  it('appeals against a denial: both sides see it, another clerk decides, and she reads what came of it', async () => {
    const reference = await denied();
    const explained = `/fhir/R4/ExplanationOfBenefit?claim=${reference}`;
    const appealed = on(reference, 'appeal', because('I was there'));
    await patient.find<Page>({ path: explained }, 'the denial at her gateway', ({ entry }) => entry?.length === 1);
    const { body } = await patient.write<{ disposition: string }>(appealed);
    expect(body.disposition).to.equal('appealed');
    expect((await patient.send(appealed)).status).to.equal(409);
    for (const party of [claims.hospital, claims.payer]) {
      const path = `/fhir/R4/Task?focus=${reference}`;
      const task = await party.find<Page>({ path }, 'the appeal', ({ entry = [] }) =>
        entry.some(({ resource }) => JSON.stringify(resource['requester']).includes(claims.patient)),
      );
      expect(JSON.stringify(task)).to.include('I was there');
    }
    const approve = on(reference, 'adjudicate', decides('approve'));
    expect((await clerk('a').send(approve)).status).to.equal(403);
    await clerk('b').write(approve);
    await patient.find<Page>({ path: explained }, 'what came of it', ({ entry = [] }) =>
      JSON.stringify(entry).includes('overturned'),
    );
    await patient.find<Page>(log, 'that she appealed', inLog('appeal'));
  });

  async function caretakerWho(...acts: Parameters<typeof delegationTo>[2]): Promise<Party> {
    const body = {
      resourceType: 'RelatedPerson',
      patient: { reference: claims.patient },
      relationship: toAct(...acts),
    };
    const { id } = (await claims.hospital.write({ method: 'POST', path: '/fhir/R4/RelatedPerson', body })).body;
    const name = `RelatedPerson/${id}`;
    await patient.find({ path: `/fhir/R4/${name}` }, 'the caretaker’s record');
    const until = new Date(Date.now() + DAY_MS).toISOString();
    await granted(patient, delegationTo(name, claims.patient.slice('Patient/'.length), acts, until));
    return scene.parties.of('patients', 'caretaker', name);
  }

  it('is not appealed for by others: another patient, a caretaker without her bills, a provider elsewhere', async () => {
    const reference = await denied();
    const appealed = on(reference, 'appeal', because('I was there'));
    const explained = `/fhir/R4/ExplanationOfBenefit?claim=${reference}`;
    await patient.find<Page>({ path: explained }, 'the denial at her gateway', ({ entry }) => entry?.length === 1);
    const stranger = scene.parties.of('patients', 'patient', `Patient/${randomUUID()}`);
    expect((await stranger.send(appealed)).status).to.equal(404);
    expect((await scene.parties.of('clinic', 'system').send(appealed)).status).to.equal(404);
    expect((await (await caretakerWho('read')).send(appealed)).status).to.equal(403);
    await (await caretakerWho('bills')).write(appealed);
  });

  describe('with a key of her own', () => {
    let hers: PayableClaims;
    let she: Party;
    let client: PatientClient;
    let key: OwnKey;
    before(async () => {
      hers = await PayableClaims.open(scene.parties);
      she = scene.parties.of('patients', 'patient', hers.patient);
      await she.find({ path: `/fhir/R4/${hers.patient}` }, 'her record');
      const patientId = hers.patient.slice('Patient/'.length);
      const who = {
        dataDir: scene.dataDir,
        organisation: 'patients',
        role: 'patient',
        fhirUser: hers.patient,
      } as const;
      const baseUrl = scene.urls['patients'] ?? '';
      client = new PatientClient({ baseUrl, patient: patientId, token: () => bearerToken(who) });
      key = await makeKey();
      const { body } = await hers.hospital.write<{ parameter: { name: string; valueString: string }[] }>(
        on(hers.patient, 'issue-key-code'),
      );
      await client.enrol(body.parameter.find(({ name }) => name === 'code')?.valueString ?? '', key);
    });

    it('confirms her visits by her signature, and nobody without it', async () => {
      const { reference, encounter } = await hers.submitted();
      await she.find({ path: `/fhir/R4/${encounter}` }, 'her visit');
      const id = encounter.slice('Encounter/'.length);
      for (const party of [she, scene.parties.of('patients', 'system')])
        expect((await party.send(on(encounter, 'confirm'))).status).to.equal(403);
      const other = await refusalOf(client.confirmVisit(id, await makeKey()));
      expect(other.status).to.equal(403);
      await client.confirmVisit(id, key);
      expect((await refusalOf(client.confirmVisit(id, key))).status).to.equal(409);
      await hers.approve(reference);
      type Findings = { parameter: { part: { name: string; valueInteger?: number; valueCode?: string }[] }[] };
      const { parameter } = await hers.payer.ask<Findings & { resourceType: string; id: string }>(
        on(reference, 'findings'),
      );
      const edits = parameter.map(({ part }) => Object.fromEntries(part.map((one) => [one.name, one])));
      const decided = edits.filter(({ step }) => step?.valueInteger === 2).map(({ edit }) => edit?.valueCode);
      expect(decided).to.include('service-not-shown').and.not.include('visit-unconfirmed');
    });

    it('appeals by her signature, which provider and payer can check, and nobody without it', async () => {
      const { reference } = await hers.submitted();
      await clerk('a').write(on(reference, 'adjudicate', decides('deny')));
      const explained = await she.find<Page>(
        { path: `/fhir/R4/ExplanationOfBenefit?claim=${reference}` },
        'the denial at her gateway',
        ({ entry }) => entry?.length === 1,
      );
      const { claimResponse } = explained.entry![0]!.resource as unknown as { claimResponse: { reference: string } };
      const appealed = {
        claim: reference.slice('Claim/'.length),
        response: claimResponse.reference.slice('ClaimResponse/'.length),
      };
      expect((await she.send(on(reference, 'appeal', because('I was there')))).status).to.equal(403);
      const elsewhere = { ...appealed, response: randomUUID() };
      expect((await refusalOf(client.appeal(elsewhere, 'I was there', key))).status).to.equal(422);
      await client.appeal(appealed, 'I was there', key);
      for (const party of [hers.hospital, hers.payer]) {
        const path = `/fhir/R4/Task?focus=${reference}`;
        const signed = (page: Page) => JSON.stringify(page.entry ?? []).includes('valueSignature');
        await party.find<Page>({ path }, 'the appeal with her signature', signed);
      }
    });
  });
});

/** What a gateway answers that refuses. */
async function refusalOf(asked: Promise<unknown>): Promise<GatewayError> {
  try {
    await asked;
  } catch (error) {
    return error as GatewayError;
  }
  throw new Error('it was not refused');
}
