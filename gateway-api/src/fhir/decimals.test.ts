/**
 * Numbers come back with the digits that they were sent with (hl7.org/fhir/R4/datatypes.html#decimal), through every
 * interaction, and are numbers to validation, invariants and conditions.
 */
import { numberText } from '@telemed-ledger/chaincode/model/numbers.fixture.ts';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Response } from 'supertest';
import { observation, patient } from './fixtures/resources.ts';
import { bodyOf, issuesOf, request, type Server, serverOf } from './fixtures/server.ts';

const OBSERVATION = JSON.stringify({
  ...observation(),
  identifier: [{ system: 'urn:example', value: 'IDENTIFIER' }],
  valueQuantity: { value: 'VALUE' },
  referenceRange: [{ low: { value: 'VALUE' }, text: 'from VALUE, on' }],
  extension: [{ url: 'urn:example:decimal', valueDecimal: 'VALUE' }],
});
/** An Observation full of a number, whose text has it as well. */
const observed = (number: string, identifier = 'x'): string =>
  OBSERVATION.replaceAll('"VALUE"', number).replace('VALUE', number).replace('IDENTIFIER', identifier);
/** The numbers of a text that stand where `observed` puts them. */
const numbersIn = ({ text }: Response): string[] =>
  [...text.matchAll(/"(?:value|valueDecimal)":(-?\d[^,}\]]*)/g)].map(([, number]) => number!);
const bundle = (type: 'transaction' | 'batch', ...entries: string[]): string =>
  `{"resourceType":"Bundle","type":"${type}","entry":[${entries.join(',')}]}`;
const created = (resource: string, more = ''): string =>
  `{"resource":${resource},"request":{"method":"POST","url":"Observation"${more}}}`;

describe('decimals', () => {
  let server: Server;
  beforeEach(() => {
    server = serverOf();
    server.repository.seed(patient());
  });
  const send = (method: 'post' | 'put', path: string, text: string, headers: Record<string, string> = {}) =>
    request(server.app)
      [method](`/fhir/R4${path}`)
      .set({ 'Content-Type': 'application/fhir+json', Prefer: 'return=representation', ...headers })
      .send(text);
  const updated = (number: string, id: string): string => observed(number).replace('client-id', id);

  it('come back as they were sent from create, read, search, update, history and version', async () => {
    await fc.assert(
      fc.asyncProperty(numberText, numberText, async (first, second) => {
        const one = [first, first, first];
        const two = [second, second, second];
        const answer = await send('post', '/Observation', observed(first)).expect(201);
        const { id } = bodyOf(answer) as { id: string };
        expect(numbersIn(answer)).to.deep.equal(one);
        expect(numbersIn(await server.get(`/Observation/${id}`).expect(200))).to.deep.equal(one);
        const put = await send('put', `/Observation/${id}`, updated(second, id), { 'If-Match': 'W/"1"' }).expect(200);
        expect(numbersIn(put)).to.deep.equal(two);
        expect(numbersIn(await server.get(`/Observation/${id}`).expect(200))).to.deep.equal(two);
        expect(numbersIn(await server.get(`/Observation/${id}/_history/1`).expect(200))).to.deep.equal(one);
        expect(numbersIn(await server.get(`/Observation/${id}/_history`).expect(200))).to.deep.equal([...two, ...one]);
        expect(numbersIn(await server.get(`/Observation?_id=${id}`).expect(200))).to.deep.equal(two);
      }),
      { numRuns: 40 },
    );
  });

  it('come back as they were sent from transactions and batches, however long', async () => {
    const numbers = fc.array(numberText, { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(numbers, fc.constantFrom('transaction', 'batch'), fc.boolean(), async (texts, type, isLong) => {
        const padding = isLong
          ? `{"resource":${JSON.stringify({ ...patient(), language: 'en', text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${'x'.repeat(70_000)}</div>` } })},"request":{"method":"POST","url":"Patient"}}`
          : undefined;
        const entries = texts.map((text) => created(observed(text)));
        const answer = await send(
          'post',
          '',
          bundle(type as 'batch', ...entries, ...(padding === undefined ? [] : [padding])),
        ).expect(200);
        expect(numbersIn(answer)).to.deep.equal(texts.flatMap((text) => [text, text, text]));
        const written = server.repository.transactions.at(-1)!.map(({ resource }) => JSON.stringify(resource));
        for (const [index, text] of texts.entries())
          expect(written[index]).to.include(`"valueQuantity":{"value":${text}}`);
      }),
      { numRuns: 30 },
    );
  });

  it('come back as they were sent where a condition finds them, and where reads stand in a Bundle', async () => {
    const condition = { 'If-None-Exist': 'identifier=urn:example|one' };
    await send('post', '/Observation', observed('1.50', 'one'), condition).expect(201);
    const found = await send('post', '/Observation', observed('1.5', 'one'), condition).expect(200);
    expect(numbersIn(found)).to.deep.equal(['1.50', '1.50', '1.50']);
    const { id } = bodyOf(found) as { id: string };
    const again = created(observed('1.500', 'one'), ',"ifNoneExist":"identifier=urn:example|one"');
    const read = `{"request":{"method":"GET","url":"Observation/${id}"}}`;
    const answer = await send('post', '', bundle('transaction', again, read)).expect(200);
    expect(numbersIn(answer)).to.deep.equal(Array.from({ length: 6 }, () => '1.50'));
  });

  it('make another request of it: under one Idempotency-Key 1.0 is not 1', async () => {
    const key = { 'Idempotency-Key': 'k' };
    const first = await send('post', '/Observation', observed('1.0'), key).expect(201);
    expect(numbersIn(await send('post', '/Observation', observed('1.0'), key).expect(201))).to.deep.equal(
      numbersIn(first),
    );
    const other = await send('post', '/Observation', observed('1'), key);
    expect(other.status).to.be.within(409, 422);
  });

  it('are compared as numbers by invariants', async () => {
    const ranged = (low: string, high: string): string =>
      observed('1.0').replace(
        /"valueQuantity":\{"value":1.0\}/,
        `"valueRange":{"low":{"value":${low}},"high":{"value":${high}}}`,
      );
    for (const [low, high] of [
      ['1.0', '1.0'],
      ['9.50', '10.0'],
      ['1e1', '9E+2'],
      ['-0', '0.0'],
      ['1', '1e400'],
      ['1.00', '1e+1'],
    ] as const)
      await send('post', '/Observation', ranged(low, high)).expect(201);
    for (const [low, high] of [
      ['10.0', '9.50'],
      ['9E+2', '1e1'],
      ['1e400', '1'],
      ['0.0', '-1e-400'],
    ] as const)
      expect(
        issuesOf(await send('post', '/Observation', ranged(low, high)).expect(422)),
        `${low} to ${high}`,
      ).to.deep.equal(['invariant Observation.valueRange']);
  });
});
