/** The accounting of disclosures: what is in the file, whose, and that nobody's words become a formula of a spreadsheet. */
import { expect } from 'chai';
import { parse } from 'csv-parse/sync';
import { accessState } from '../../index/values.fixture.ts';
import { AccessScene, type ExamplePatient, type Shown } from './access-scene.fixture.ts';
import { accountOf, csvOf } from './accounting.ts';

const LONG_MS = 60_000;
type Account = Record<string, string>;

describe('An accounting of disclosures', function () {
  this.timeout(LONG_MS);
  let scene: AccessScene;
  let patient: ExamplePatient;
  before(async function () {
    this.timeout(150_000);
    scene = await AccessScene.open('hospital', 'clinic', 'patients');
  });
  after(() => scene?.close());
  beforeEach(async () => {
    patient = await scene.patient();
    await scene.observation(patient);
  });

  const rowsOf = (text: string): Account[] => parse(text, { columns: true });
  const accounts = async (as: string, query = ''): Promise<Account[]> => {
    const { status, headers, body } = await scene.send(as, `GET /accounting${query}`);
    expect(status, JSON.stringify(body)).to.equal(200);
    expect(headers.get('content-type')).to.match(/^text\/csv/);
    const years = (Date.now() - Date.parse(headers.get('x-complete-since')!)) / (365.25 * 24 * 3_600_000);
    expect(years).to.be.within(5.99, 6.01);
    return rowsOf(body);
  };

  it('has what was granted, refused and taken back, with whom, what, why and until when', async () => {
    const consent = await scene.consented(patient);
    const granted = await scene.ask(patient);
    await scene.becomes('clinic', granted, ({ status }: Shown) => status === 'granted');
    const herself = `patients patient Patient/${patient.id}`;
    const revoked = await scene.send(herself, `GET /fhir/R4/Consent/${consent}`);
    const body = { ...revoked.body, status: 'inactive' };
    const headers = { 'if-match': revoked.headers.get('etag')! };
    expect((await scene.send(herself, `PUT /fhir/R4/Consent/${consent}`, body, headers)).status).to.equal(200);
    await scene.becomes('patients', granted, ({ status }: Shown) => status === 'purged');
    const refused = await scene.ask(patient, { types: [] });
    await scene.becomes('hospital', refused, ({ status }: Shown) => status === 'refused');
    const rows = await accounts(herself);
    expect(rows.map(({ access }) => access)).to.have.members([granted, refused]);
    const [one, other] = [granted, refused].map((id) => rows.find(({ access }) => access === id)!);
    expect(one).to.include({ holder: 'hospital', recipient: 'clinic', purpose: 'TREAT', outcome: 'purged' });
    expect(one).to.include({ consent: `${consent}/1`, because: 'consent-revoked', 'records asked for': 'Observation' });
    for (const column of ['requested', 'decided', 'until', 'taken back']) expect(one![column], column).to.match(/^20/);
    expect(other).to.include({ outcome: 'refused', 'records asked for': 'all', until: '' });
    expect(other!['because']).to.match(/^consent-/);
    const atHolder = await accounts('hospital', `?patient=${patient.id}`);
    expect(atHolder.map(({ access }) => access)).to.include.members([granted, refused]);
    const { body: log } = await scene.send(herself, 'GET /reads?count=500');
    expect(
      log.reads.filter(({ interaction, type }: Account) => interaction === 'log' && type === 'AccessRequest').length,
    ).to.equal(2);
  });

  it('is of nobody else', async () => {
    const other = await scene.patient();
    const herself = `patients patient Patient/${patient.id}`;
    expect((await scene.send(herself, `GET /accounting?patient=${other.id}`)).status).to.equal(404);
    expect((await scene.send('patients', 'GET /accounting')).status).to.equal(404);
    for (const role of ['practitioner', 'operator', 'auditor'])
      expect((await scene.send(`hospital ${role}`, `GET /accounting?patient=${patient.id}`)).status, role).to.equal(
        403,
      );
    expect(await accounts(`patients patient Patient/${other.id}`)).to.deep.equal([]);
  });

  it('keeps commas, quotes and lines as they are, and what begins like a formula from being one', () => {
    const state = accessState({ purpose: 'BTG', status: 'granted' });
    const reasons = ['=HYPERLINK("http://x","y")', '+1', '-1', '@x', 'a "quoted", word\nand a line'];
    const rows = reasons.map((reason) => {
      const identifier = { system: 's', value: 'v' };
      const request = {
        id: state.id,
        salt: '',
        holder: 'hospital',
        patient: identifier,
        types: [],
        purpose: 'BTG' as const,
      };
      return accountOf({ state, transactionId: 't', block: 1, request: { ...request, reason } });
    });
    const found = rowsOf(csvOf(rows)).map((row) => row['written reason']);
    expect(found.slice(0, 4)).to.deep.equal(reasons.slice(0, 4).map((reason) => `'${reason}`));
    expect(found[4]).to.equal(reasons[4]);
  });
});
