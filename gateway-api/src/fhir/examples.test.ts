/** HL7's own examples of every type that providers write go in and come out as they are, with the digits of their numbers. */
import { canonicalJson } from '@telemed-ledger/chaincode/model/canonical.ts';
import { parseExact } from '@telemed-ledger/chaincode/model/numbers.ts';
import { expect } from 'chai';
import { examples } from './fixtures/examples/examples.ts';
import type { Json } from './fixtures/resources.ts';
import { BASE, issuesOf, request, serverOf } from './fixtures/server.ts';
import { supportedTypes } from './types.ts';

/** Examples that break R4's rules, or say what this server refuses on purpose. */
const REFUSED: Readonly<Record<string, string>> = {
  // An element that leads to a type which its definition does not allow.
  'DeviceMetric/example': 'structure DeviceMetric.parent.reference',
  'DeviceUseStatement/example': 'structure DeviceUseStatement.reasonReference[0].reference',
  'MedicationRequest/medrx0301': 'structure MedicationRequest.dispenseRequest.performer.reference',
  'Observation/clinical-gender': 'structure Observation.performer[0].reference',
  // What R4 requires is missing.
  'Questionnaire/qs1': 'required Questionnaire.item[0].item[0].linkId',
  'Questionnaire/zika-virus-exposure-assessment': 'invariant Questionnaire.text.div',
  // An image from elsewhere: whoever serves it would see who reads the record, and when.
  'Media/1.2.840.11361907579238403408700.3.1.04.19970327150033': 'invariant Media.text.div',
};
const REPORTED = 'ExplanationOfBenefit';

/** Without what a server gives; the tag of what a provider reports is the server's too. */
function content(text: string): string {
  const { id: _, meta, ...rest } = parseExact(text) as Json;
  const { versionId: _version, lastUpdated: _time, ...kept } = (meta ?? {}) as Json;
  if (rest['resourceType'] === REPORTED) delete kept['tag'];
  return canonicalJson(Object.keys(kept).length === 0 ? rest : { ...rest, meta: kept });
}

describe('HL7’s examples', () => {
  const server = serverOf();
  // They refer to each other, and to more.
  server.repository.missing = async () => [];
  const all = examples();
  const post = (type: string, text: string) =>
    request(server.app).post(`${BASE}/${type}`).set('Content-Type', 'application/fhir+json').send(text);
  const raw = (path: string) =>
    request(server.app)
      .get(BASE + path)
      .parse((response, done) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('end', () => done(null, Buffer.concat(pieces).toString('utf8')));
      });

  for (const { name } of supportedTypes.filter((type) => type.writer === 'provider')) {
    it(`of ${name} are kept as they are`, async () => {
      const own = all.filter(({ type }) => type === name);
      expect(own).to.not.deep.equal([]);
      for (const { id, text } of own) {
        const created = await post(name, text);
        const refused = REFUSED[`${name}/${id}`];
        if (refused !== undefined) {
          expect([created.status, issuesOf(created)[0]], id).to.deep.equal([422, refused]);
          continue;
        }
        expect(created.status, `${id} ${JSON.stringify(created.body.issue)}`).to.equal(201);
        const read = await raw(`/${name}/${created.body.id}`).expect(200);
        expect(content(String(read.body)), id).to.equal(content(text));
      }
    });
  }

  it('have numbers whose digits a double does not keep', () => {
    const numbers = all.flatMap(({ text }) => text.match(/(?<=[:,[])-?\d+\.\d*0(?=[,}\]])/g) ?? []);
    expect(numbers.length).to.be.above(100);
  });
});
