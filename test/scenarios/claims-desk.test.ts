/** A payer's claims desk through its gateway: claims are taken, handed over and given back, and noted about; others see none of it. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Party, Resource } from '@telemed-ledger/scripts/demo/parties.ts';
import type { Answer } from '@telemed-ledger/scripts/http.ts';
import { expect } from 'chai';
import { consortium, type Scene, START_TIMEOUT_MS } from './consortium.fixture.ts';
import { PayableClaims } from './payable-claims.fixture.ts';
import { findSecret } from './secrets.fixture.ts';

interface DeskPage {
  claims: { id: string; assignee?: string }[];
  next?: string;
}

interface Bundle extends Resource {
  entry?: { resource: Resource & { request: { reference: string } } }[];
}

describe('The claims desk of a payer', function () {
  this.timeout(90_000);
  let scene: Scene;
  let claims: PayableClaims;
  let ids: string[];
  const names = ['ann', 'ben', 'cid', 'dora', 'eve'].map((name) => `Practitioner/${name}-${randomUUID().slice(0, 8)}`);
  const clerk = (name: string): Party => scene.parties.of('payer', 'adjudicator', name);

  before(async function () {
    this.timeout(START_TIMEOUT_MS + 60_000);
    scene = await consortium();
    claims = await PayableClaims.open(scene.parties);
    ids = [];
    for (let count = 0; count < 3; count += 1) ids.push((await claims.approved()).slice('Claim/'.length));
  });

  const assign = (by: Party, id: string, body: object): Promise<Answer> =>
    by.send({ method: 'PUT', path: `/claims/${id}/assignee`, body });
  const note = (by: Party, id: string, text: string, as: string = randomUUID()): Promise<Answer> =>
    by.send({ method: 'PUT', path: `/claims/${id}/notes/${as}`, body: { text } });

  async function listed(query: string): Promise<DeskPage['claims']> {
    const found: DeskPage['claims'] = [];
    for (let path: string | undefined = `/claims?${query}`; path !== undefined; ) {
      const page: DeskPage = await claims.payer.ask({ path });
      found.push(...page.claims);
      path = page.next;
    }
    return found;
  }

  it('finds a claim by each thing that a desk asks for, and not by another value of it', async () => {
    const { reference } = await claims.submitted();
    const id = reference.slice('Claim/'.length);
    const [ann = '', ben = ''] = names;
    expect((await assign(claims.payer, id, { assignee: ann })).status).to.equal(200);
    const claim = await claims.hospital.ask<Resource & { created: string; patient: { reference: string } }>({
      path: `/fhir/R4/${reference}`,
    });
    const [today, patient] = [new Date().toISOString().slice(0, 10), claim.patient.reference];
    const finding: readonly (readonly [name: string, right: string, wrong: string])[] = [
      ...([
        ['status', 'submitted', 'denied'],
        ['provider', 'hospital', 'clinic'],
        ['patient', patient, 'Patient/x'],
        ['use', 'claim', ''],
      ] as const),
      ...([
        ['created', claim.created, '2001-01-01'],
        ['priority', 'normal', 'stat'],
        ['type', 'professional', 'oral'],
        ['least', '80', '80.01'],
      ] as const),
      ...([
        ['most', '80.00', '79.99'],
        ['since', today, '9999-01-01'],
        ['until', '9999-01-01', '2001-01-01'],
        ['assignee', ann, ben],
      ] as const),
    ];
    for (const [name, right, wrong] of finding) {
      const found = await listed(`${name}=${right}&count=500`);
      expect(
        found.map((one) => one.id),
        `${name}=${right}`,
      ).to.include(id);
      if (wrong === '') continue;
      const others = await listed(`${name}=${wrong}&count=500`);
      expect(
        others.map((one) => one.id),
        `${name}=${wrong}`,
      ).to.not.include(id);
    }
    const all = finding.map(([name, right]) => `${name}=${right}`).join('&');
    expect((await listed(all)).map((one) => one.id)).to.deep.equal([id]);
    // By an edit, one that an edit denied: the same visit billed twice.
    const { encounter } = await claims.submitted();
    await claims.hospital.send({ ...claims.billing(encounter) });
    await claims.payer.find<DeskPage & Resource>(
      { path: `/claims?edit=duplicate&patient=${patient}` },
      'the duplicate',
      (page) => page.claims.length > 0,
    );
    expect((await listed(`edit=duplicate&patient=${patient}`)).map((one) => one.id)).to.not.include(id);
    // By FHIR, what answers a claim and what is asked about it.
    await claims.approve(reference);
    const decided = await claims.payer.find<Bundle>(
      { path: `/fhir/R4/ClaimResponse?request=${reference}` },
      'the decision',
      ({ entry = [] }) => entry.length === 1,
    );
    expect(decided.entry![0]!.resource.request.reference).to.equal(reference);
    for (const query of [`use=claim&created=${claim.created}`, `priority=normal&status=active`, `patient=${patient}`]) {
      const { entry = [] } = await claims.payer.ask<Bundle>({ path: `/fhir/R4/Claim?${query}&_id=${id}` });
      expect(
        entry.map(({ resource }) => resource.id),
        query,
      ).to.deep.equal([id]);
    }
    const tasks = await claims.payer.send({ path: `/fhir/R4/Task?focus=${reference}` });
    expect(tasks.status).to.equal(200);
  });

  it('refuses a search that says nothing sound, at both, with what is wrong', async () => {
    const wrong = [
      ...['status=paid', 'status=', 'use=other', 'use=preauthorization', 'created=yesterday', 'created=2026-02-30'],
      ...['least=', 'least=-1', 'least=abc', 'least=0x10', 'least=1e3', 'most=Infinity', 'least=2&most=1'],
      ...['since=2026-13-01', 'since=2026-02-02&until=2026-01-01', 'assignee=ann', 'count=0', 'count=x', 'after=x'],
      ...['colour=red', 'status=denied&status=approved'],
    ];
    for (const party of [claims.payer, claims.hospital])
      for (const query of wrong) {
        const { status, body } = await party.send({ path: `/claims?${query}` });
        expect(status, query).to.equal(422);
        const [name = ''] = query.split('=');
        // What a caller calls a parameter is not repeated.
        expect(JSON.stringify(body), query).to.include(name === 'colour' ? 'not known' : name);
      }
  });

  it('says what was found of a claim by GET as by POST', async () => {
    const [id = ''] = ids;
    for (const party of [claims.payer, claims.hospital]) {
      const path = `/fhir/R4/Claim/${id}/$findings`;
      const [got, posted] = [await party.send({ path }), await party.send({ method: 'POST', path })];
      expect(got.status).to.equal(200);
      expect(got.body).to.deep.equal(posted.body).and.to.have.property('resourceType', 'Parameters');
      expect((await party.send({ path: `/fhir/R4/Claim/${randomUUID()}/$findings` })).status).to.equal(404);
      // What writes is asked by POST alone.
      expect((await party.send({ path: `/fhir/R4/Claim/${id}/$adjudicate` })).status).to.be.oneOf([404, 405]);
    }
  });

  it('gives a claim that all take at once to one of them', async () => {
    const [id = ''] = ids;
    const answers = await Promise.all(names.map((name) => assign(clerk(name), id, { assignee: name })));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 409, 409, 409, 409]);
    const taken = answers.find(({ status }) => status === 200)!.body as { assignee: string };
    for (const { status, body } of answers)
      if (status === 409) expect(JSON.stringify(body)).to.include(`${taken.assignee} works on it`);
    expect(await listed(`assignee=${taken.assignee}`)).to.deep.include.members([
      (await listed('count=500')).find((one) => one.id === id),
    ]);
  });

  it('lists who works on what in the order of the ledger, page by page, and what nobody works on', async () => {
    const [, , , dora = '', eve = ''] = names;
    for (const id of ids.slice(1)) expect((await assign(claims.payer, id, { assignee: dora })).status).to.equal(200);
    const own = await listed(`assignee=${dora}&count=1`);
    expect(own.map(({ id }) => id)).to.deep.equal(ids.slice(1));
    expect(own.map(({ assignee }) => assignee)).to.deep.equal([dora, dora]);
    expect(await listed(`assignee=${eve}&status=denied`)).to.deep.equal([]);
    expect(await listed(`assignee=${dora}&status=denied`)).to.deep.equal([]);
    const free = (await listed('assignee=none&count=500')).map(({ id }) => id);
    for (const id of ids) expect(free).to.not.include(id);
    const handed = await assign(clerk(dora), ids[2]!, { assignee: eve, instead: dora });
    expect(handed.body).to.include({ claim: ids[2], assignee: eve });
    const back = await assign(clerk(eve), ids[2]!, { instead: eve });
    expect(back.status).to.equal(200);
    expect(back.body).to.not.have.property('assignee');
    expect((await listed('assignee=none&count=500')).map(({ id }) => id)).to.include(ids[2]);
  });

  it('keeps notes with author and time, once under their id', async () => {
    const [ann = '', ben = ''] = names;
    const [id = ''] = ids;
    const as = randomUUID();
    const first = await note(clerk(ann), id, 'The practice was called.', as);
    expect(first.status).to.equal(200);
    expect((await note(clerk(ann), id, 'The practice was called.', as)).body).to.deep.equal(first.body);
    expect((await note(clerk(ben), id, 'The practice was called.', as)).status).to.equal(409);
    await note(clerk(ben), id, 'Waits for the report.');
    const desk = await clerk(ann).ask<{ notes: { author: string; at: string; text: string }[] }>({
      path: `/claims/${id}/desk`,
    });
    expect(desk.notes.map(({ author, text }) => [author, text])).to.deep.equal([
      [ann, 'The practice was called.'],
      [ben, 'Waits for the report.'],
    ]);
    for (const { at } of desk.notes) expect(Math.abs(Date.now() - Date.parse(at))).to.be.lessThan(60_000);
  });

  it('is the payer’s own: nobody else asks for it, and no other place holds a word of it', async () => {
    const [id = ''] = ids;
    const word = `marigold-${randomUUID()}`;
    expect((await note(claims.payer, id, word)).status).to.equal(200);
    for (const organisation of Object.keys(scene.urls).filter((name) => name !== 'payer')) {
      const party = scene.parties.of(organisation, 'system');
      expect((await party.send({ path: `/claims/${id}/desk` })).status, organisation).to.equal(404);
      expect((await assign(party, id, { assignee: names[0] })).status, organisation).to.equal(404);
      expect((await note(party, id, word)).status, organisation).to.equal(404);
    }
    expect((await claims.hospital.send({ path: `/claims?assignee=${names[0]}` })).status).to.equal(422);
    const files = readdirSync(scene.dataDir, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    const holding = files
      .map(({ parentPath, name }) => join(parentPath, name))
      .filter((file) => findSecret(readFileSync(file), { text: word }).length > 0)
      .map((file) => file.slice(scene.dataDir.length + 1));
    expect(holding).to.not.deep.equal([]);
    expect(holding.filter((file) => !/payer\/(?:[^/]*\/)*journal/.test(file))).to.deep.equal([]);
  });

  it('refuses who is no clerk, what is no claim of its own, and what says nothing', async () => {
    const [id = ''] = ids;
    const [ann = ''] = names;
    for (const role of ['auditor', 'operator'] as const) {
      const party = scene.parties.of('payer', role);
      expect((await party.send({ path: `/claims/${id}/desk` })).status, role).to.equal(403);
      expect((await assign(party, id, { assignee: ann })).status, role).to.equal(403);
      expect((await note(party, id, 'x')).status, role).to.equal(403);
    }
    expect((await assign(claims.payer, randomUUID(), { assignee: ann })).status).to.equal(404);
    expect((await note(claims.payer, randomUUID(), 'x')).status).to.equal(404);
    expect((await claims.payer.send({ path: `/claims/${randomUUID()}/desk` })).status).to.equal(404);
    for (const body of [{}, { assignee: 'ann' }, { assignee: ann, priority: 1 }, { instead: 'nobody' }])
      expect((await assign(claims.payer, id, body)).status, JSON.stringify(body)).to.equal(422);
    expect((await note(claims.payer, id, '')).status).to.equal(422);
    expect((await note(claims.payer, id, 'x'.repeat(4_001))).status).to.equal(422);
    expect((await note(claims.payer, id, 'x', 'not-an-id')).status).to.equal(422);
  });
});
