import { expect } from 'chai';
import { FixtureConsortium } from '../../consortium.fixture.ts';
import { changed } from './price-list.ts';
import { rowsOf } from './register-csv.ts';

const of = (rows: string[], prices: Record<string, number> = { '99213': 8_000, '99214': 12_000, G0425: 5_000 }) =>
  changed(prices, rowsOf(['code,price', ...rows].join('\n'), ['CODE', 'PRICE']), 'USD');

describe('A list of prices', () => {
  it('changes, adds and takes away what its rows say, and nothing else', () => {
    expect(of(['99213,85.50', '99214,120.00', 'g0425,', '99499,7'])).to.deep.equal({
      prices: { '99213': 8_550, '99214': 12_000, '99499': 700 },
      changes: [
        { line: 2, code: '99213', before: 8_000, after: 8_550 },
        { line: 4, code: 'G0425', before: 5_000 },
        { line: 5, code: '99499', after: 700 },
      ],
      ...{ unchanged: 1, unusable: [] },
    });
  });

  it('says of each row that cannot be read where, and takes the others', () => {
    const bad = ['99213,8O', '99213,-1', '99213,1.234', '99213,"1,000"', ',5', '99214,1', '99214,2'];
    const { changes, unusable, prices } = of(bad);
    expect(unusable.map(({ line, expression }) => [line, expression])).to.deep.equal([
      ...[2, 3, 4, 5].map((line) => [line, 'PRICE']),
      ...[6, 8].map((line) => [line, 'CODE']),
    ]);
    expect(changes).to.deep.equal([{ line: 7, code: '99214', before: 12_000, after: 100 }]);
    expect(prices['99213']).to.equal(8_000);
  });

  it('changes nothing when it is sent again', () => {
    const rows = ['99213,85.50', '99499,7', 'G0425,'];
    expect(of(rows, of(rows).prices)).to.deep.include({ changes: [], unchanged: 3, unusable: [] });
  });
});

describe('Lists of prices that come at once', function () {
  this.timeout(120_000);
  let consortium: FixtureConsortium;
  before(async () => {
    consortium = await FixtureConsortium.start(['payer']);
  });
  after(() => consortium?.close());

  const CSV = { 'content-type': 'text/csv' };
  const PATH = '/fee-schedules/hospital';
  const asPayer = 'payer adjudicator';

  for (const [what, before] of [
    ['where there is no fee schedule yet', undefined],
    ['on a fee schedule', { version: 'v1', currency: 'USD', prices: { A0001: 100 } }],
  ] as const)
    it(`are each taken whole, or refused as one that was made of older prices, ${what}`, async () => {
      if (before !== undefined) expect((await consortium.send(asPayer, `PUT ${PATH}`, before)).status).to.equal(200);
      const codes = Array.from({ length: 5 }, (_, index) => `${before === undefined ? 'B' : 'C'}000${index}`);
      const answers = await Promise.all(
        codes.map((code) => {
          const path = `${PATH}/list?version=${code}&currency=USD`;
          return consortium.send(asPayer, `POST ${path}`, `CODE,PRICE\n${code},7\n`, CSV);
        }),
      );
      const statuses = answers.map(({ status }) => status);
      expect(
        statuses.filter((status) => ![200, 409].includes(status)),
        JSON.stringify(answers[0]?.body),
      ).to.deep.equal([]);
      const { body } = await consortium.send(asPayer, `GET ${PATH}`);
      const taken = codes.filter((_, index) => statuses[index] === 200);
      expect(taken).to.not.deep.equal([]);
      const own = Object.keys(body.prices).filter((code) => codes.includes(code));
      expect(own.sort()).to.deep.equal(taken);
      for (const { status, body: refusal } of answers)
        if (status === 409) expect(refusal.issue[0].expression).to.deep.equal(['version']);
    });
});
