/**
 * Mistakes in claims are put right through the gateways: taken back, replaced, answered for, signed and appealed; what was paid too much is
 * taken from a later payment. On either network.
 */
import type { Organisation } from '@telemed-ledger/consortium/members.ts';
import { coverageShown } from '@telemed-ledger/scripts/demo/claims.ts';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Narrator, Story } from '@telemed-ledger/scripts/demo/step.ts';
import { newVisit } from '@telemed-ledger/scripts/demo/visit.ts';
import { licensed, visitRecorded } from '@telemed-ledger/scripts/demo/visits.ts';
import { recomputeClaim } from '@telemed-ledger/scripts/recompute.ts';
import { expect } from 'chai';
import { consortium, START_TIMEOUT_MS } from './consortium.fixture.ts';

const silent: Narrator = { fact: () => undefined, wrote: async () => undefined };

interface Answer extends Resource {
  outcome: string;
  status: string;
  disposition?: string;
  request: { reference: string };
  payment?: { amount: { value: number } };
  extension?: { url: string; valueDate?: string }[];
}
interface Payment extends Resource {
  detail?: { request?: { reference?: string }; amount: { value: number } }[];
  paymentAmount: { value: number };
}
interface Page<T> {
  entry?: { resource: T }[];
}

describe('A claim that is to be put right', function () {
  this.timeout(90_000);
  let story: Story;
  let hospital: Party;
  let payer: Party;
  let practitioner: object;
  let hour = 1;

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    const { parties } = await consortium();
    story = { parties, visit: newVisit(), startedAt: new Date().toISOString(), locations: new Map(), accessIds: [] };
    for (const step of [licensed, visitRecorded, coverageShown]) await step(story, silent);
    hospital = parties.of('hospital', 'system');
    payer = parties.of('payer', 'adjudicator');
    const location = [...story.locations.values()].find((one) => one.startsWith('Encounter/'));
    practitioner = (await hospital.ask<Resource & { participant: object }>({ path: `/fhir/R4/${location}` }))
      .participant;
  });

  const { day } = newVisit();
  const clerk = (name: string): Party => story.parties.of('payer', 'adjudicator', `Practitioner/${name}`);
  const parameters = (parameter: object[]) => ({ resourceType: 'Parameters', parameter });

  /** A visit at an hour of its own. */
  async function visited(): Promise<Resource> {
    hour += 1;
    const at = (minute: string) => `${day}T${String(hour).padStart(2, '0')}:${minute}:00-05:00`;
    const body = {
      ...{ resourceType: 'Encounter', status: 'finished', class: { code: 'VR' }, participant: practitioner },
      ...{ subject: { reference: `Patient/${story.patientId}` }, period: { start: at('00'), end: at('15') } },
    };
    return (await hospital.write({ method: 'POST', path: '/fhir/R4/Encounter', body })).body;
  }

  async function bill(visit: Resource, value: number, more: object = {}): Promise<Answer> {
    const body = {
      ...{
        resourceType: 'Claim',
        status: 'active',
        use: 'claim',
        created: day,
        priority: { coding: [{ code: 'normal' }] },
      },
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
      patient: { reference: `Patient/${story.patientId}` },
      provider: { identifier: { system: 'https://telemed-ledger.example/organisations', value: 'hospital' } },
      insurance: [{ sequence: 1, focal: true, coverage: { reference: `Coverage/${story.coverageId}` } }],
      item: [
        {
          ...{
            sequence: 1,
            productOrService: { coding: [{ system: 'http://www.ama-assn.org/go/cpt', code: '99213' }] },
          },
          ...{
            servicedDate: day,
            encounter: [{ reference: `Encounter/${visit.id}` }],
            net: { value, currency: 'USD' },
          },
        },
      ],
      ...more,
    };
    return (await hospital.write<Answer>({ method: 'POST', path: '/fhir/R4/Claim/$submit', body })).body;
  }
  const prior = (reference: string, frequency: string): object => ({
    extension: [
      { url: 'https://telemed-ledger.example/fhir/StructureDefinition/claim-frequency', valueCode: frequency },
    ],
    related: [
      {
        claim: { reference },
        relationship: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship', code: 'prior' }],
        },
      },
    ],
  });

  const operation = (reference: string, name: string, body?: object) => ({
    ...{ method: 'POST' as const, path: `/fhir/R4/${reference}/$${name}` },
    ...(body === undefined ? {} : { body: body as Record<string, unknown> }),
  });
  async function adjudicate({ request: { reference } }: Answer, by: Party = payer, body?: object): Promise<Answer> {
    await payer.find({ path: `/fhir/R4/${reference}` }, 'the claim at the payer');
    return (await by.write<Answer>(operation(reference, 'adjudicate', body))).body;
  }
  const decides = (decision: string, reason: string, ...items: object[]) =>
    parameters([{ name: 'decision', valueCode: decision }, { name: 'reason', valueString: reason }, ...items]);

  async function paymentAt(
    party: Party,
    reference: string,
    isIt: (one: Payment) => boolean = () => true,
  ): Promise<Payment> {
    const of = (page: Page<Payment>) =>
      (page.entry ?? [])
        .map(({ resource }) => resource)
        .find((one) => one.detail?.[0]?.request?.reference === reference && isIt(one));
    const path = `/fhir/R4/PaymentReconciliation?_lastUpdated=ge${encodeURIComponent(story.startedAt)}&_count=1000`;
    const page = await party.find<Page<Payment>>({ path }, 'the payment', (found) => of(found) !== undefined);
    return of(page)!;
  }
  /** Has the bank pay what it is instructed to, and waits for the remittance. */
  async function paid({ request: { reference } }: Answer): Promise<number> {
    const bank = story.parties.of('bank', 'settlement');
    const { id, paymentAmount } = await paymentAt(bank, reference);
    const transfer = [
      { name: 'reference', valueString: `TRANSFER-${id}` },
      { name: 'paidOn', valueDate: new Date().toISOString().slice(0, 10) },
    ];
    await bank.write(operation(`PaymentReconciliation/${id}`, 'settle', parameters(transfer)));
    await paymentAt(hospital, reference, (one) => one['outcome'] === 'complete');
    return paymentAmount.value;
  }

  it('is cancelled, once, and its service is free again', async () => {
    const visit = await visited();
    const taken = await bill(visit, 80);
    const { reference } = taken.request;
    const { body } = await hospital.write<Answer>(
      operation(reference, 'cancel', parameters([{ name: 'reason', valueString: 'twice' }])),
    );
    expect(body).to.deep.include({ status: 'cancelled', disposition: 'cancelled' });
    expect((await hospital.send(operation(reference, 'cancel'))).status).to.equal(409);
    await payer.find({ path: `/fhir/R4/${reference}` }, 'the claim at the payer');
    expect((await payer.send(operation(reference, 'adjudicate'))).status).to.equal(409);
    const other = story.parties.of('clinic', 'system');
    expect((await other.send(operation(reference, 'cancel'))).status).to.equal(404);
    const unread = parameters([{ name: 'because', valueString: 'x' }]);
    expect((await hospital.send(operation(reference, 'cancel', unread))).status).to.equal(422);
    expect((await bill(visit, 80)).outcome).to.equal('queued');
  });

  it('takes one step of twenty that are tried at once', async () => {
    const taken = await bill(await visited(), 80);
    const { reference } = taken.request;
    await payer.find({ path: `/fhir/R4/${reference}` }, 'the claim at the payer');
    const tries = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? hospital : payer).send(operation(reference, index % 2 === 0 ? 'cancel' : 'adjudicate')),
    );
    const all = (await Promise.all(tries)).map(({ status }) => status);
    expect(all.filter((status) => status === 200)).to.have.length(1);
    expect(all.filter((status) => ![200, 409, 503].includes(status))).to.deep.equal([]);
  });

  it('is replaced after it was paid; the difference is owed back, and taken from the next payment', async () => {
    const [visit, next] = [await visited(), await visited()];
    const first = await bill(visit, 80);
    expect((await adjudicate(first)).payment?.amount.value).to.equal(54);
    expect(await paid(first)).to.equal(54);
    const second = await bill(visit, 70, prior(first.request.reference, '7'));
    expect(second.outcome, second.disposition).to.equal('queued');
    const decided = await adjudicate(second);
    expect(decided.disposition).to.equal('approved');
    expect(decided).to.not.have.property('payment');
    type Debts = { debts: { claimId: string; left: { units: number } }[] };
    const isOwed = ({ debts }: Debts) => debts.some(({ claimId }) => second.request.reference.endsWith(claimId));
    const { debts } = await hospital.find<Debts>({ path: '/debts' }, 'the debt at the hospital', isOwed);
    expect(debts.map(({ left }) => left.units)).to.deep.equal([900]);
    const third = await bill(next, 80);
    expect((await adjudicate(third)).payment?.amount.value).to.equal(54);
    expect(await paid(third)).to.equal(45);
    const offset = await paymentAt(hospital, third.request.reference, ({ paymentAmount }) => paymentAmount.value === 0);
    expect(offset.detail?.map(({ amount }) => amount.value)).to.deep.equal([9, -9]);
    expect((await payer.ask<Debts>({ path: '/debts' })).debts).to.deep.equal([]);
    const late = await hospital.send({
      ...{ method: 'POST', path: '/fhir/R4/Claim/$submit' },
      body: {
        ...(await hospital.ask({ path: `/fhir/R4/${first.request.reference}` })),
        ...prior(first.request.reference, '7'),
      },
    });
    expect(late.status).to.equal(409);
  });

  it('is voided by frequency code 8', async () => {
    const visit = await visited();
    const first = await bill(visit, 80);
    await adjudicate(first);
    await paid(first);
    const voided = await bill(visit, 80, prior(first.request.reference, '8'));
    expect(voided).to.deep.include({ status: 'cancelled', disposition: 'voided', request: first.request });
    type Tasks = Page<Resource & { focus: { reference: string } }>;
    const isOf = ({ entry = [] }: Tasks) =>
      entry.some(({ resource }) => resource.focus.reference === first.request.reference);
    await payer.find<Tasks>({ path: `/fhir/R4/Task?focus=${first.request.reference}` }, 'the Task at the payer', isOf);
    expect((await bill(visit, 80)).outcome).to.equal('queued');
  });

  it('is pended, answered with a record, and reduced by a person within the rules', async () => {
    const taken = await bill(await visited(), 80);
    const { reference } = taken.request;
    const pended = await adjudicate(taken, clerk('a'), decides('pend', 'Show what was measured.'));
    expect(pended).to.deep.include({ outcome: 'queued', disposition: 'pended: adjudicator' });
    type Tasks = Page<Resource & { focus: { reference: string }; reasonCode: { text: string } }>;
    const asked = ({ entry = [] }: Tasks) => entry.find(({ resource }) => resource.focus.reference === reference);
    const tasks = await hospital.find<Tasks>(
      { path: `/fhir/R4/Task?focus=${reference}` },
      'the question',
      (page) => !!asked(page),
    );
    expect(asked(tasks)?.resource.reasonCode.text).to.equal('Show what was measured.');
    const { body: observation } = await hospital.write({
      ...{ method: 'POST', path: '/fhir/R4/Observation' },
      body: {
        ...{ resourceType: 'Observation', status: 'final', code: { text: 'measured' } },
        ...{ subject: { reference: `Patient/${story.patientId}` }, effectiveDateTime: day },
      },
    });
    const answer = [
      { name: 'reason', valueString: 'here it is' },
      { name: 'record', valueReference: { reference: `Observation/${observation.id}` } },
    ];
    const answered = await hospital.write<Answer>(operation(reference, 'submit-attachment', parameters(answer)));
    expect(answered.body.outcome).to.equal('queued');
    await payer.find<Resource>({ path: `/fhir/R4/${reference}` }, 'the answer', (claim) =>
      JSON.stringify(claim).includes(observation.id),
    );
    const item = {
      name: 'item',
      part: [
        { name: 'sequence', valuePositiveInt: 1 },
        { name: 'reduction', valueMoney: { value: 4, currency: 'USD' } },
      ],
    };
    const body = decides('approve', 'a shorter visit', item);
    expect((await payer.send(operation(reference, 'adjudicate', body))).status).to.equal(403);
    const reduced = await adjudicate(taken, clerk('a'), body);
    expect(reduced).to.deep.include({ disposition: 'partial' });
    expect(reduced.payment?.amount.value).to.equal(50);
    expect(JSON.stringify(reduced['processNote'])).to.include('a shorter visit');
    const { parties, consortium: agreed } = await consortium();
    const members: readonly Organisation[] = agreed.organisations;
    // A clerk is shown a basis as far as the patient permits; the payer's system judges by all of it.
    expect((await payer.send({ path: `/claims/${reference.slice('Claim/'.length)}/basis` })).status).to.equal(403);
    for (const reader of [hospital, parties.of('payer', 'system')]) {
      const again = await recomputeClaim(reader, reference.slice('Claim/'.length), members);
      expect(again.map(({ step, differences }) => [step, differences])).to.deep.equal([
        [2, []],
        [4, []],
      ]);
      const found = await reader.ask(operation(reference, 'findings'));
      expect(JSON.stringify(found)).to.include('duplicate').and.include('"step"');
    }
  });

  it('is signed by two persons above a limit, and appealed against to a third', async () => {
    const terms = [{ from: '2020-01-01', currency: 'USD', signAbove: 1_000, secondAbove: 5_000 }];
    await payer.write({ method: 'PUT', path: '/claim-rules', body: { terms } });
    try {
      const taken = await bill(await visited(), 80);
      const { reference } = taken.request;
      expect((await adjudicate(taken)).disposition).to.equal('queued: signature 1');
      expect((await adjudicate(taken, clerk('a'), decides('approve', 'fine'))).disposition).to.equal(
        'countersign: signature 2',
      );
      expect((await clerk('a').send(operation(reference, 'adjudicate', decides('approve', 'fine')))).status).to.equal(
        403,
      );
      const denied = await adjudicate(taken, clerk('b'), decides('deny', 'not shown'));
      expect(denied.disposition).to.equal('denied');
      expect(denied.extension?.[0]?.valueDate).to.match(/^\d{4}-\d\d-\d\d$/);
      await hospital.find<Answer>({ path: `/fhir/R4/ClaimResponse/${denied.id}` }, 'the denial at the hospital');
      const appeal = parameters([{ name: 'reason', valueString: 'it took place' }]);
      await hospital.write(operation(reference, 'appeal', appeal));
      await payer.find<Page<Resource>>({ path: `/fhir/R4/Task?focus=${reference}` }, 'the appeal', (page) =>
        JSON.stringify(page).includes('it took place'),
      );
      expect((await payer.send(operation(reference, 'adjudicate'))).status).to.equal(409);
      expect((await clerk('b').send(operation(reference, 'adjudicate', decides('approve', 'x')))).status).to.equal(403);
      await adjudicate(taken, clerk('c'), decides('approve', 'shown now'));
      const overturned = await adjudicate(taken, clerk('d'), decides('approve', 'shown now'));
      expect(overturned.disposition).to.equal('overturned: approved');
      // 54 less what was left of the debt that the voided claim left.
      expect(await paid(taken)).to.equal(50);
      const path = `/fhir/R4/ClaimResponse?request=${reference}`;
      const { entry = [] } = await hospital.ask<Page<Answer>>({ path });
      expect(entry.map(({ resource }) => resource.disposition)).to.include.members(['denied', 'overturned: approved']);
    } finally {
      await payer.write({
        method: 'PUT',
        path: '/claim-rules',
        body: { terms: [{ from: '2020-01-01', currency: 'USD' }] },
      });
    }
  });
});
