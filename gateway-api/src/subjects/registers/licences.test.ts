/** Licences from the regulator's statement to what every member finds of it, and lists of exclusions. */
import { expect } from 'chai';
import { FixtureConsortium, until } from '../../consortium.fixture.ts';

const TERMS = { status: 'active', start: '2024-01-01', end: '2029-12-31' };
const CSV = { 'content-type': 'text/csv' };
const HEAD = 'LASTNAME,NPI,EXCLTYPE,EXCLDATE,REINDATE';

describe('The register of licences, at the gateways', function () {
  this.timeout(60_000);
  let consortium: FixtureConsortium;
  before(async () => {
    consortium = await FixtureConsortium.start(['hospital', 'regulator']);
  });
  after(() => consortium?.close());

  const send = (...request: Parameters<FixtureConsortium['send']>) => consortium.send(...request);
  const put = async (number: string, change: object = {}) => {
    const { status, body } = await send('regulator', `PUT /licences/${number}`, { ...TERMS, ...change });
    expect(status, JSON.stringify(body)).to.equal(200);
    return body;
  };
  const listed = async (query: string, as = 'regulator auditor') => {
    const { status, body } = await send(as, `GET /licences?${query}`);
    expect(status, JSON.stringify(body)).to.equal(200);
    return body;
  };
  const numbersOf = ({ licences }: { licences: { number: string }[] }) => licences.map(({ number }) => number);
  const excluded = (rows: string[], query = '', as = 'regulator auditor') =>
    send(as, `POST /licences/exclusions${query}`, [HEAD, ...rows].join('\r\n'), CSV);

  it('says on every day what counted then, and what was said when', async () => {
    await put('3000000001');
    await put('3000000001', { status: 'suspended', effective: '2026-03-01' });
    await put('3000000001', { effective: '2026-06-01' });
    const on = async (day: string) =>
      (await listed(`on=${day}`)).licences.find(({ number = '' }) => number === '3000000001');
    expect(await on('2026-02-28')).to.include({ inForce: true });
    expect(await on('2026-03-01')).to.include({ inForce: false, because: 'licence-suspended' });
    expect(await on('2026-06-01')).to.include({ inForce: true });
    await put('3000000001', { status: 'excluded', effective: '2025-01-01' });
    await until(async () => (await send('hospital', 'GET /licences/3000000001/history')).body.statements?.length === 4);
    const { statements } = (await send('hospital', 'GET /licences/3000000001/history')).body;
    expect(statements.map(({ act, effective }: { act: string; effective?: string }) => [act, effective])).to.deep.equal(
      [
        ['exclude', '2025-01-01'],
        ['reinstate', '2026-06-01'],
        ['suspend', '2026-03-01'],
        ['issue', undefined],
      ],
    );
    expect(new Set(statements.map(({ transactionId }: { transactionId: string }) => transactionId)).size).to.equal(4);
    expect((await send('regulator', 'GET /licences/nobody/history')).status).to.equal(404);
  });

  it('takes many that are set at once, in few transactions, and refuses one for what is wrong with it', async () => {
    const numbers = Array.from({ length: 40 }, (_, index) => String(6_000_000_000 + index));
    const answers = await Promise.all(
      numbers.map((number, index) =>
        send('regulator', `PUT /licences/${number}`, { ...TERMS, ...(index === 17 ? { end: '2023-01-01' } : {}) }),
      ),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(numbers.map((_, index) => (index === 17 ? 422 : 200)));
    expect(answers[17]!.body.issue[0].expression).to.deep.equal(['end']);
    for (const [index, { body }] of answers.entries())
      if (index !== 17) expect(body).to.deep.include({ ...TERMS, number: numbers[index] });
    const transactions = answers.flatMap(({ headers }) => headers.get('x-transaction-id') ?? []);
    expect(transactions).to.have.length(39);
    expect(new Set(transactions).size).to.be.lessThan(12);
    const known = numbersOf(await listed('count=500'));
    expect(numbers.filter((number) => known.includes(number))).to.deep.equal(numbers.toSpliced(17, 1));
  });

  it('takes two statements on one licence that are made at once one after the other', async () => {
    const statuses = ['suspended', 'excluded'];
    await put('6100000000');
    await Promise.all(statuses.map((status) => put('6100000000', { status, effective: '2026-01-01' })));
    const { statements } = (await send('regulator', 'GET /licences/6100000000/history')).body;
    expect(statements.map(({ status }: { status: string }) => status)).to.have.members(['active', ...statuses]);
  });

  it('is searched by whom it names, by place, status and day, in pages that lose nothing', async () => {
    const numbers = ['4000000001', '4000000002', '4000000003', '4000000004', '4000000005'];
    const named = (practitioner: string) => ({ practitioners: [{ organisation: 'clinic', practitioner }] });
    for (const [index, number] of numbers.entries())
      await put(number, { ...named(`Practitioner/p${index % 2}`), ...(index === 4 ? { jurisdictions: ['DE'] } : {}) });
    const mine = (query: string) => listed(`organisation=clinic&${query}`).then(numbersOf);
    expect(await mine('')).to.deep.equal(numbers);
    expect(await mine('practitioner=Practitioner/p1')).to.deep.equal([numbers[1], numbers[3]]);
    expect(await mine('jurisdiction=US-MA&inForce=true')).to.deep.equal(numbers.slice(0, 4));
    expect(await mine('jurisdiction=DE-BY&inForce=true')).to.deep.equal(numbers);
    expect(await mine('on=2023-12-31&inForce=false')).to.deep.equal(numbers);
    expect(await mine('status=suspended')).to.deep.equal([]);
    expect(await listed('organisation=hospital').then(numbersOf)).to.deep.equal([]);
    const pages: string[] = [];
    let next: string | undefined = '/licences?organisation=clinic&count=2';
    for (; next !== undefined; ) {
      const { body }: { body: { licences: { number: string }[]; next?: string; total: number } } = await send(
        'regulator auditor',
        `GET ${next}`,
      );
      expect(body.total).to.equal(5);
      pages.push(...numbersOf(body));
      next = body.next;
    }
    expect(pages).to.deep.equal(numbers);
    for (const query of ['on=soon', 'jurisdiction=x', 'status=none', 'count=0', 'count=501', 'practitioner=x'])
      expect((await send('regulator', `GET /licences?${query}`)).status, query).to.equal(422);
  });

  it('takes a list of exclusions once, tells first what it changes, and names the rows that it cannot read', async () => {
    await put('5000000001');
    await put('5000000002', { status: 'excluded', effective: '2026-01-01' });
    const rows = [
      '"DOE, JR",5000000001,1128a1,20260215,00000000',
      'ROE,5000000002,1128a1,20260301,00000000',
      'POE,5000000003,1128b4,20250401,00000000',
      'LOE,0000000000,1128b4,20250401,00000000',
      'MOE,5000000004,1128b4,20251399,00000000',
      'NOE,"50 00",1128b4,20250401,00000000',
      'QOE,5000000005,1128b4,20250401,20260401',
    ];
    const told = {
      changes: [
        { number: '5000000001', act: 'exclude', effective: '2026-02-15' },
        { number: '5000000003', act: 'exclude', effective: '2025-04-01' },
      ],
      ...{ unchanged: 1, withoutLicence: ['5000000005'], withoutNumber: 1 },
      unusable: [
        { line: 6, reason: 'EXCLDATE is no day' },
        { line: 7, reason: 'NPI is no number of a licence' },
      ],
    };
    const preview = await excluded(rows, '?preview=true');
    expect(preview.body).to.deep.equal({ preview: true, ...told, transactionIds: [] });
    expect((await send('regulator', 'GET /licences/5000000003')).status, 'nothing was written').to.equal(404);
    const { transactionIds, ...taken } = (await excluded(rows)).body;
    expect(taken).to.deep.equal({ preview: false, ...told });
    expect(transactionIds).to.have.length(1);
    const at = async (number: string) => (await send('regulator', `GET /licences/${number}`)).body;
    expect(await at('5000000001')).to.include({ status: 'excluded', effective: '2026-02-15', start: '2024-01-01' });
    expect(await at('5000000001').then(({ history }) => history)).to.have.length(1);
    expect(await at('5000000003')).to.include({ status: 'excluded', start: '2025-04-01', end: '9999-12-31' });
    const again = (await excluded(rows)).body;
    expect(again).to.deep.include({ changes: [], unchanged: 3, transactionIds: [] });
    const back = (await excluded(['X,5000000001,1128a1,20260215,20260501'])).body;
    expect(back.changes).to.deep.equal([{ number: '5000000001', act: 'reinstate', effective: '2026-05-01' }]);
    const { licences } = await listed('on=2026-05-02&inForce=true');
    expect(licences.map(({ number }: { number: string }) => number)).to.include('5000000001');
  });

  it('is counted in the regulators’ overview, which is nobody else’s', async () => {
    await put('8000000001');
    await put('8000000002', { status: 'suspended' });
    const { status, body } = await send('regulator auditor', 'GET /oversight?days=1');
    expect(status).to.equal(200);
    expect(body.licences.inForce).to.be.greaterThan(0);
    expect(body.licences.notInForce['licence-suspended']).to.be.greaterThan(0);
    const { total, inForce, notInForce } = body.licences;
    expect(Object.values(notInForce as Record<string, number>).reduce((sum, one) => sum + one, inForce)).to.equal(
      total,
    );
    expect(body.transactions.valid.LicenceSet).to.be.greaterThan(1);
    expect(body.alarms).to.deep.equal([]);
    for (const as of ['hospital', 'regulator operator', 'hospital practitioner'])
      expect((await send(as, 'GET /oversight')).status, as).to.equal(403);
    expect((await send('regulator', 'GET /oversight?days=0')).status).to.equal(422);
  });

  it('refuses what is no list, and anybody but a regulator', async () => {
    const refused: [string, string, Record<string, string>, number][] = [
      ['regulator', 'NAME\nx', CSV, 400],
      ['regulator', `${HEAD}\n"x`, CSV, 400],
      ['regulator', `${HEAD}\nx,y`, CSV, 400],
      ['regulator', '', CSV, 422],
      ['regulator', '[]', { 'content-type': 'application/json' }, 415],
      ['hospital', HEAD, CSV, 403],
      ['regulator operator', HEAD, CSV, 403],
    ];
    for (const [as, body, headers, status] of refused) {
      const answer = await send(as, 'POST /licences/exclusions', body, headers);
      expect(answer.status, `${as} ${body} ${JSON.stringify(answer.body)}`).to.equal(status);
    }
  });

  it('takes a list of licences once, row by row, tells first what it changes, and goes on where it was interrupted', async () => {
    await put('7000000001');
    const list = (rows: string[], query = '', as = 'regulator system') =>
      send(
        as,
        `POST /licences/list${query}`,
        ['Number,Start,End,Status,Effective,Jurisdictions,Practitioners', ...rows].join('\n'),
        CSV,
      );
    const rows = [
      '7000000001,2024-01-01,2029-12-31,,,,',
      '7000000002,2024-01-01,2029-12-31,,,US-MA; US-NY,hospital Practitioner/11111111-1111-4111-8111-111111111111',
      '7000000003,2024-01-01,2029-12-31,suspended,2026-02-01,,',
      '7000000004,2024-13-01,2029-12-31,,,,',
      '7000000005,2024-01-01,2023-12-31,,,,',
      '7000000006,2024-01-01,2029-12-31,,,,nobody Practitioner/11111111-1111-4111-8111-111111111111',
      '7000000003,2025-01-01,2029-12-31,,,,',
      '"not a number",2024-01-01,2029-12-31,,,,',
    ];
    const told = {
      changes: [
        { line: 3, number: '7000000002', act: 'issue' },
        { line: 4, number: '7000000003', act: 'suspend' },
      ],
      unchanged: 1,
      unusable: [
        { line: 5, reason: 'missing or malformed', expression: 'START' },
        { line: 6, reason: 'ends before it begins', expression: 'END' },
        { line: 7, reason: 'names no member of the consortium', expression: 'PRACTITIONERS' },
        { line: 8, reason: 'its number stands in line 4 too: send one after the other', expression: 'NUMBER' },
        { line: 9, reason: 'missing or malformed', expression: 'NUMBER' },
      ],
    };
    const preview = await list(rows, '?preview=true');
    expect(preview.body).to.deep.equal({ preview: true, ...told, transactionIds: [] });
    expect((await send('regulator', 'GET /licences/7000000002')).status, 'nothing was written').to.equal(404);
    // Interrupted after its first rows, it is sent again as a whole.
    await list(rows.slice(0, 2));
    const { transactionIds, ...taken } = (await list(rows)).body;
    expect(taken).to.deep.equal({ preview: false, ...told, changes: told.changes.slice(1), unchanged: 2 });
    expect(transactionIds).to.have.length(1);
    const { updatedAt: _, ...held } = (await send('regulator', 'GET /licences/7000000002')).body;
    expect(held).to.deep.include({ status: 'active', jurisdictions: ['US-MA', 'US-NY'] });
    expect(held['practitioners']).to.have.length(1);
    const again = (await list(rows)).body;
    expect(again).to.deep.include({ changes: [], unchanged: 3, transactionIds: [] });
    for (const as of ['hospital system', 'regulator operator'])
      expect((await list(rows, '', as)).status, as).to.be.oneOf([403, 404, 405]);
    expect((await list(['x'], '', 'regulator system')).status).to.equal(400);
  });

  it('takes more at once than one transaction holds', async () => {
    const numbers = Array.from({ length: 620 }, (_, index) => String(6_000_000_000 + index));
    const { status, body } = await excluded(numbers.map((number) => `X,${number},1128a1,20260215,`));
    expect(status, JSON.stringify(body)).to.equal(200);
    expect(body.transactionIds).to.have.length(3);
    expect((await listed('status=excluded&count=500&after=5999999999')).licences).to.have.length(500);
    const { body: again } = await excluded(
      numbers.map((number) => `X,${number},1128a1,20260215,`),
      '?preview=true',
    );
    expect(again).to.include({ unchanged: 620 });
  });

  describe('of whoever records', () => {
    const PERSON = 'Practitioner/r1';
    const rules = (change: object = {}, as = 'regulator auditor') =>
      send(as, 'PUT /consortium-rules', {
        ...{ emergencyHours: 24, denialStopsBreakGlass: true, recordingLicence: 'named' },
        ...change,
      });
    const record = async (as = `hospital practitioner ${PERSON}`) => {
      const { status, body } = await send(as, 'POST /fhir/R4/Patient', { resourceType: 'Patient' });
      return status === 201 ? 'recorded' : `${status} ${body.issue[0].diagnostics}`;
    };
    const licensed = async (change: object = {}) => {
      const practitioners = [{ organisation: 'hospital', practitioner: PERSON }];
      const { updatedAt } = await put('7000000001', { practitioners, ...change });
      const isHere = async () => (await send('hospital', 'GET /licences/7000000001')).body.updatedAt === updatedAt;
      await until(isHere);
    };

    it('stops a suspended practitioner, alone and in company, until he is reinstated', async () => {
      expect(await record(), 'the register does not name him').to.equal('recorded');
      await licensed();
      expect(await record()).to.equal('recorded');
      await licensed({ status: 'suspended', effective: '2026-01-01' });
      const answers = await Promise.all(Array.from({ length: 8 }, () => record()));
      for (const answer of answers) expect(answer).to.match(/^403 .*licence-suspended/);
      expect(await record('hospital practitioner Practitioner/r2')).to.equal('recorded');
      await licensed({ effective: new Date().toISOString().slice(0, 10) });
      expect(await record()).to.equal('recorded');
    });

    it('is asked of all where the rules say so, which everybody reads and a regulator sets', async () => {
      expect((await rules({ recordingLicence: 'required' }, 'hospital')).status).to.equal(403);
      const { status, body } = await rules({ recordingLicence: 'required', emergencyHours: 12 });
      expect(status).to.equal(200);
      expect(body).to.include({ recordingLicence: 'required', emergencyHours: 12 });
      expect(body.updatedAt).to.be.a('string');
      await until(async () => (await send('hospital', 'GET /consortium-rules')).body.emergencyHours === 12);
      expect(await record('hospital practitioner Practitioner/r2')).to.match(/^403 .*licence-absent/);
      expect(await record('hospital practitioner')).to.match(/^403 .*licence-absent/);
      expect(await record()).to.equal('recorded');
      expect(await record('hospital')).to.equal('recorded');
      await rules();
      expect(await record('hospital practitioner Practitioner/r2')).to.equal('recorded');
      for (const change of [{ emergencyHours: 0 }, { recordingLicence: 'x' }, { other: 1 }])
        expect((await rules(change)).status).to.equal(422);
    });
  });
});
