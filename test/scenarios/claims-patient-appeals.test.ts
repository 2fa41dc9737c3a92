/** A patient says of her visits and appeals against decisions at her own gateway; provider, payer and her log have it. On either network. */

import { randomUUID } from 'node:crypto';
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
});
