/** By which searches a person is looked for, and that when they are answered tells nothing. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { parseSearch } from '../../fhir/search-query.ts';
import { supportedType } from '../../fhir/types.ts';
import { AccessScene } from '../access/access-scene.fixture.ts';
import { looksForPerson } from './person-searches.ts';

const looks = (query: string): boolean => {
  const [type = '', text = ''] = query.split(/\?(.*)/s);
  return looksForPerson(parseSearch(supportedType(type)!, [...new URLSearchParams(text)], 'https://x', false).search);
};

describe('A search by a person’s identifier', function () {
  this.timeout(60_000);

  it('is told wherever the identifier stands, and nothing else is', () => {
    for (const query of [
      'Patient?identifier=urn:x|1',
      'Patient?identifier=1&name=Doe',
      'Observation?patient.identifier=urn:x|1',
      'Observation?subject:Patient.identifier=urn:x|1',
      'Observation?encounter.patient.identifier=1',
      'Encounter?_has:Observation:encounter:patient.identifier=1',
    ])
      expect(looks(query), query).to.equal(true);
    for (const query of [
      'Patient?name=Doe',
      'Patient?_id=1',
      'Observation?identifier=1',
      'Observation?patient=Patient/1',
    ])
      expect(looks(query), query).to.equal(false);
  });

  it('is answered at whole steps over HTTP, whether she is here for somebody else, for the caller, or for nobody', async () => {
    const scene = await AccessScene.open('hospital', 'clinic', 'patients');
    try {
      const patient = await scene.patient();
      const { system, value } = (await scene.send('hospital', `GET /fhir/R4/Patient/${patient.id}`)).body.identifier[0];
      for (const [as, wanted] of [
        ['hospital system', value],
        ['hospital system', randomUUID()],
        ['clinic practitioner Practitioner/x', value],
        ['clinic practitioner Practitioner/x', randomUUID()],
      ]) {
        const began = performance.now();
        const { status } = await scene.send(
          as!,
          `GET /fhir/R4/Patient?identifier=${encodeURIComponent(`${system}|${wanted}`)}`,
        );
        expect(status).to.equal(200);
        expect(performance.now() - began).to.be.at.least(49);
      }
    } finally {
      await scene.close();
    }
  });
});
