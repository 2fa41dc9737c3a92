/** What a consent comes to is told: when it is given or changed, and by a dry run, to its patient and the custodian alone. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { type Answer, until } from '../../consortium.fixture.ts';
import { AccessScene, type ExamplePatient } from '../access/access-scene.fixture.ts';

const ORGANISATIONS = 'https://telemed-ledger.example/organisations';
const OUTCOME = { Prefer: 'return=OperationOutcome' };
const LONG_MS = 20_000;

interface Part {
  name: string;
  valueCode?: string;
  valueString?: string;
  valueDateTime?: string;
  valueBoolean?: boolean;
  valueReference?: { reference: string };
}
interface Parameter extends Part {
  part?: Part[];
}

describe('What a consent comes to', function () {
  this.timeout(90_000);
  let scene: AccessScene;
  let patient: ExamplePatient;
  let other: ExamplePatient;
  let first: string;
  let second: string;

  before(async () => {
    scene = await AccessScene.open('hospital', 'clinic', 'patients');
    other = await scene.patient();
  });
  after(() => scene?.close());
  beforeEach(async () => {
    patient = await scene.patient();
    [first, second] = [await scene.observation(patient), await scene.observation(patient)];
    await until(
      async () => (await scene.send('patients', `GET /fhir/R4/Observation/${second}`)).status === 200,
      LONG_MS,
    );
  });

  const herself = (one = patient) => `patients patient Patient/${one.id}`;
  const toClinic = [
    { role: { text: 'recipient' }, reference: { identifier: { system: ORGANISATIONS, value: 'clinic' } } },
  ];
  const data = (id: string) => [{ meaning: 'instance', reference: { reference: `Observation/${id}` } }];
  const consent = (provision: object) => ({
    ...{ resourceType: 'Consent', status: 'active', category: [{ text: 'privacy' }], provision },
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    patient: { reference: `Patient/${patient.id}` },
    policy: [{ uri: 'https://telemed-ledger.example/policies/by-provision' }],
  });
  const textsIn = ({ body }: Answer): string[] =>
    body.issue.map(({ diagnostics }: { diagnostics: string }) => diagnostics);
  const idIn = ({ headers }: Answer): string => /Consent\/([^/]+)/.exec(headers.get('location') ?? '')?.[1] ?? '';

  describe('is told in plain words', () => {
    it('when it is given, amended and revoked, to who prefers an OperationOutcome', async () => {
      const given = consent({ type: 'permit', actor: toClinic, provision: [{ type: 'deny', data: data(first) }] });
      const granted = await scene.send(herself(), 'POST /fhir/R4/Consent', given, OUTCOME);
      expect(granted.status, JSON.stringify(granted.body)).to.equal(201);
      expect(textsIn(granted)).to.deep.equal([
        'Committed to the ledger.',
        'The organisation clinic may be shown everything that hospital holds, for any purpose, until this is revoked.',
        `Except: The organisation clinic is not shown those records of hospital that are Observation/${first}, for any purpose but breaking the glass, until this is revoked, whatever other consents permit.`,
        'It permits nothing else. What another consent permits stays permitted.',
      ]);
      expect(granted.body.issue[2]).to.deep.include({
        ...{ severity: 'information', code: 'informational', expression: ['Consent.provision.provision[0]'] },
      });
      const id = idIn(granted);
      const period = { end: '2099-12-31' };
      const amended = { ...consent({ type: 'permit', actor: toClinic, period }), id };
      const changed = await scene.send(herself(), `PUT /fhir/R4/Consent/${id}`, amended, OUTCOME);
      expect(textsIn(changed)[1]).to.match(/, until 2099-12-31, which is included, if this is not revoked before\.$/);
      const ended = { ...amended, status: 'inactive' };
      const revoked = await scene.send(herself(), `PUT /fhir/R4/Consent/${id}`, ended, OUTCOME);
      expect(textsIn(revoked)[1]).to.equal('It has ended: it permits and denies nothing.');
    });

    it('where it has to wait, beside what is in force meanwhile', async () => {
      await scene.whileFails('hospital', 'drop', async () => {
        const kept = await scene.send(herself(), 'POST /fhir/R4/Consent', consent({ type: 'permit', actor: toClinic }));
        expect(kept.status).to.equal(202);
        expect(textsIn(kept)[0]).to.match(/^Kept\./);
        expect(textsIn(kept)[1]).to.match(/^The organisation clinic may be shown everything/);
      });
    });

    it('in a Bundle’s entry', async () => {
      const entry = [{ resource: consent({ type: 'deny' }), request: { method: 'POST', url: 'Consent' } }];
      const bundle = { resourceType: 'Bundle', type: 'batch', entry };
      const { body } = await scene.send(herself(), 'POST /fhir/R4', bundle, OUTCOME);
      expect(body.entry[0].response.outcome.issue[1].diagnostics).to.match(
        /is not shown everything that hospital holds/,
      );
    });
  });

  describe('is foreseen by Consent/$evaluate', () => {
    const requestor = { name: 'requestor', valueReference: { identifier: { system: ORGANISATIONS, value: 'clinic' } } };
    const purpose = (valueCode: string) => ({ name: 'purpose', valueCode });
    const evaluate = (parameter: object[], as = herself()): Promise<Answer> =>
      scene.send(as, 'POST /fhir/R4/Consent/$evaluate', { resourceType: 'Parameters', parameter });
    const partsOf = ({ body }: Answer, name: string): Record<string, Part>[] =>
      ((body.parameter ?? []) as Parameter[])
        .filter((one) => one.name === name)
        .map(({ part = [] }) => Object.fromEntries(part.map((one) => [one.name, one])));
    /** `Observation/<id> outcome reason` of each record. */
    const decisionsIn = (answer: Answer): string[] => {
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
      return partsOf(answer, 'decision').map(({ record, outcome, reason }) =>
        [record?.valueReference?.reference, outcome?.valueCode, reason?.valueCode].join(' '),
      );
    };
    const ofBoth = (one: string, two: string) => [`Observation/${first} ${one}`, `Observation/${second} ${two}`];
    const asked = [requestor, purpose('TREAT'), { name: 'type', valueCode: 'Observation' }];

    it('with a decision for each record, the consent that decides, its words, and when it ends', async () => {
      const period = { end: '2099-12-31' };
      const { headers } = await scene.send(
        herself(),
        'POST /fhir/R4/Consent',
        consent({ type: 'permit', actor: toClinic, data: data(second), period }),
      );
      const id = /Consent\/([^/]+)/.exec(headers.get('location') ?? '')?.[1];
      const answer = await evaluate(asked);
      expect(decisionsIn(answer)).to.have.members(ofBoth('deny consent-absent', 'permit consent-permits'));
      const permitted = partsOf(answer, 'decision').find(({ outcome }) => outcome?.valueCode === 'permit')!;
      expect(permitted['consent']?.valueReference).to.deep.equal({ reference: `Consent/${id}/_history/1` });
      expect(permitted['provision']?.valueString).to.equal('Consent.provision');
      expect(permitted['until']?.valueDateTime).to.equal('2100-01-01T00:00:00.000Z');
      expect(permitted['text']?.valueString).to.match(/^It would be shown: a consent permits it\. That ends at 2100/);
      const [statement] = partsOf(answer, 'statement');
      expect(statement?.['consent']?.valueReference?.reference).to.equal(`Consent/${id}/_history/1`);
      expect(statement?.['text']?.valueString).to.match(
        /^The organisation clinic may be shown those records of hospital/,
      );
      expect(
        await scene
          .ask(patient)
          .then((access) => scene.becomes('clinic', access, ({ status }) => status === 'granted')),
      ).to.be.an('object');
    });

    it('of a consent that is not given yet, and of one as it would be amended', async () => {
      const draft = (provision: object, id?: string) => ({
        ...{ name: 'consent', resource: { ...consent(provision), ...(id === undefined ? {} : { id }) } },
      });
      const considered = await evaluate([...asked, draft({ type: 'permit', actor: toClinic, data: data(first) })]);
      expect(decisionsIn(considered)).to.have.members(ofBoth('permit consent-permits', 'deny consent-absent'));
      expect(partsOf(considered, 'statement')[0]?.['considered']?.valueBoolean).to.equal(true);
      expect(decisionsIn(await evaluate(asked))).to.have.members(ofBoth('deny consent-absent', 'deny consent-absent'));
      const id = idIn(
        await scene.send(herself(), 'POST /fhir/R4/Consent', consent({ type: 'permit', actor: toClinic })),
      );
      expect(decisionsIn(await evaluate(asked))).to.have.members(
        ofBoth('permit consent-permits', 'permit consent-permits'),
      );
      const amended = await evaluate([...asked, draft({ type: 'deny' }, id)]);
      expect(decisionsIn(amended)).to.have.members(ofBoth('deny consent-denied', 'deny consent-denied'));
      const doubtful = await evaluate([...asked, draft({ actor: toClinic })]);
      expect(doubtful.status).to.equal(422);
      expect(textsIn(doubtful)[0]).to.match(/can be read in two ways/);
    });

    it('of the records that are named, and of a person, in an emergency too', async () => {
      const record = { name: 'record', valueReference: { reference: `Observation/${first}` } };
      const doctor = { name: 'practitioner', valueReference: { reference: 'Practitioner/d1' } };
      const treated = await evaluate([requestor, purpose('TREAT'), record, doctor]);
      expect(decisionsIn(treated)).to.deep.equal([`Observation/${first} deny consent-absent`]);
      const broken = await evaluate([requestor, purpose('BTG'), record, doctor]);
      expect(decisionsIn(broken)).to.deep.equal([`Observation/${first} permit emergency`]);
      expect(partsOf(broken, 'decision')[0]?.['text']?.valueString).to.match(/in an emergency, for a day/);
    });

    it('for the custodian, who names the patient', async () => {
      const named = { name: 'patient', valueReference: { reference: `Patient/${patient.id}` } };
      expect(decisionsIn(await evaluate([...asked, named], 'patients'))).to.have.length(2);
      expect((await evaluate(asked, 'patients')).status).to.equal(422);
    });

    it('for nobody else, and without telling what there is of others', async () => {
      const about = (id: string) => ({ name: 'patient', valueReference: { reference: `Patient/${id}` } });
      const answers = await Promise.all([other.id, randomUUID()].map((id) => evaluate([...asked, about(id)])));
      expect(answers.map(({ status }) => status)).to.deep.equal([403, 403]);
      expect(answers[0]!.body).to.deep.equal(answers[1]!.body);
      const theirs = await scene.observation(other);
      await until(
        async () => (await scene.send('patients', `GET /fhir/R4/Observation/${theirs}`)).status === 200,
        LONG_MS,
      );
      const records = await Promise.all(
        [theirs, randomUUID()].map((id) =>
          evaluate([
            requestor,
            purpose('TREAT'),
            { name: 'record', valueReference: { reference: `Observation/${id}` } },
          ]),
        ),
      );
      expect(records.map(({ status }) => status)).to.deep.equal([404, 404]);
      expect(records[0]!.body).to.deep.equal(records[1]!.body);
      for (const as of ['patients operator', 'patients caretaker RelatedPerson/1', 'patients auditor'])
        expect((await evaluate(asked, as)).status, as).to.equal(403);
      for (const as of ['clinic', 'hospital practitioner Practitioner/1'])
        expect((await evaluate([...asked, about(patient.id)], as)).status, as).to.be.oneOf([403, 404, 405]);
    });

    const WRONG: [string, object[]][] = [
      ['without who asks', [purpose('TREAT')]],
      [
        'of an organisation that is none',
        [{ ...requestor, valueReference: { reference: 'Organization/nobody' } }, purpose('TREAT')],
      ],
      [
        'of the holder itself',
        [{ ...requestor, valueReference: { reference: 'Organization/hospital' } }, purpose('TREAT')],
      ],
      ['without a purpose', [requestor]],
      ['of an unknown purpose', [requestor, purpose('WHY')]],
      ['of a purpose twice', [requestor, purpose('TREAT'), purpose('BTG')]],
      ['with a parameter that is not known', [requestor, purpose('TREAT'), { name: 'when', valueString: 'x' }]],
      [
        'of another organisation’s practitioner',
        [
          ...[requestor, purpose('TREAT')],
          { name: 'practitioner', valueReference: { reference: `${ORGANISATIONS}/hospital/Practitioner/d1` } },
        ],
      ],
    ];
    for (const [what, parameter] of WRONG)
      it(`refuses what is asked ${what}`, async () => {
        const answer = await evaluate(parameter);
        expect(answer.status, JSON.stringify(answer.body)).to.equal(422);
        expect(answer.body.issue[0].expression).to.be.an('array');
      });

    it('and stands in the metadata of the custodian alone', async () => {
      const operations = async (as: string): Promise<unknown[]> => {
        const { body } = await scene.send(as, 'GET /fhir/R4/metadata');
        const type = body.rest[0].resource.find((one: { type: string }) => one.type === 'Consent');
        return (type?.operation ?? []).map(({ name }: { name: string }) => name);
      };
      expect(await operations('patients')).to.include('evaluate');
      expect(await operations('clinic')).to.not.include('evaluate');
    });
  });
});
