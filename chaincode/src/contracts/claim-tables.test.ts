import { expect } from 'chai';
import type { Request } from '../ledger/memory-ledger.fixture.ts';
import { exampleIds, exampleSalt } from '../model/example-claim.fixture.ts';
import { codeOf, PAYER, PROVIDER, Story, wideConsortium } from './example-story.fixture.ts';

const SNOMED = 'http://snomed.info/sct';
const CPT = 'http://www.ama-assn.org/go/cpt';
const EFFECTIVE = 'http://hl7.org/fhir/StructureDefinition/resource-effectivePeriod';

interface Target {
  code: string;
  equivalence?: string;
  end?: string;
}

const mapOf = (from: string, targets: Target[], more: object = {}) => ({
  ...{ resourceType: 'ConceptMap', id: exampleIds.other, status: 'active', ...more },
  group: [
    {
      ...{ source: SNOMED, target: CPT },
      element: [
        {
          code: from,
          target: targets.map(({ code, equivalence = 'equivalent', end }) => ({
            ...{ code, equivalence },
            ...(end === undefined ? {} : { extension: [{ url: EFFECTIVE, valuePeriod: { end } }] }),
          })),
        },
      ],
    },
  ],
});

describe('the tables of a payer', () => {
  let story: Story;
  beforeEach(async () => {
    story = new Story(wideConsortium);
    const { claim, encounter } = story.example;
    claim['item'].pop();
    delete claim['total'];
    Object.assign(encounter, { type: [{ coding: [{ system: SNOMED, code: '448337001' }] }] });
    claim['item'][0].productOrService = { coding: [{ system: CPT, code: '99213' }] };
    await story.prepare();
  });

  const load = (resource: ReturnType<typeof mapOf>, version = 1) => {
    const map = { id: exampleIds.other, version, salt: exampleSalt('6'), resource };
    return story.ledger.submit('LoadClaimTables', story.loading({ map }));
  };
  const loadTables = (tables: object) => story.ledger.submit('LoadClaimTables', story.loading({ tables }));
  const submitted = async () => {
    await story.submitClaim();
    return story.status();
  };

  it('lie with the payer and with every provider, and nothing of them is public', async () => {
    const { writes } = await load(mapOf('448337001', [{ code: '99213' }]));
    expect(writes.public).to.deep.equal({});
    expect(writes.event).to.equal(undefined);
    const names = ['payer', 'hospital', 'clinic'].flatMap((name) => [
      `billing_${name} claim-tables/payer/1`,
      `billing_${name} concept-map/${exampleIds.other}/1`,
    ]);
    expect(Object.keys(writes.private)).to.have.members(names);
    const maps = [{ id: exampleIds.other, version: 1 }];
    expect(story.ledger.read(PAYER, 'claim-tables/payer/1')).to.deep.include({ maps });
  });

  it('are no crosswalk where a map is of reasons alone: what fits no record of it is paid', async () => {
    const reasons = mapOf('50', [{ code: '0C' }]);
    reasons.group[0]!.target = 'https://codesystem.x12.org/external/886';
    await load(reasons);
    expect(await submitted()).to.include({ status: 'submitted' });
    await story.adjudicate();
    expect(story.status()).to.include({ status: 'approved' });
  });

  it('have what fits a record paid, and nothing else, at submission and at adjudication', async () => {
    await load(mapOf('448337001', [{ code: '99213' }]));
    expect(await submitted()).to.include({ status: 'submitted' });
    await story.adjudicate();
    expect(story.status()).to.include({ status: 'approved' });
    story.example.claim['id'] = exampleIds.otherClaim;
    story.example.claim['item'][0].productOrService.coding[0].code = '99215';
    await story.submitClaim();
    expect(story.status(exampleIds.otherClaim)).to.include({ status: 'denied', reason: 'code-not-of-record' });
  });

  it('deny a claim that they were changed about before it was decided', async () => {
    await load(mapOf('448337001', [{ code: '99213' }]));
    await story.submitClaim();
    await load(mapOf('448337001', [{ code: '99212' }]), 2);
    await story.adjudicate();
    expect(story.status()).to.include({ status: 'denied', reason: 'code-not-of-record' });
  });

  it('count on the days that they say, and no more once they are retired', async () => {
    await load(mapOf('448337001', [{ code: '99213', end: '2026-02-09' }]));
    expect(await submitted()).to.include({ status: 'denied', reason: 'code-not-of-record' });
    await load(mapOf('448337001', [{ code: '99212' }], { status: 'retired' }), 2);
    expect(story.ledger.read(PAYER, 'claim-tables/payer/2')).to.deep.include({ maps: [] });
    story.example.claim['id'] = exampleIds.otherClaim;
    await story.submitClaim();
    expect(story.status(exampleIds.otherClaim)).to.include({ status: 'submitted' });
  });

  it('keep their maps where other tables are loaded, and their tables where a map is', async () => {
    await load(mapOf('448337001', [{ code: '99213' }]));
    await loadTables({ version: '2026-1', durations: [{ code: '99213', minutes: 60 }] });
    expect(story.ledger.read(PROVIDER, 'claim-tables/payer/2')).to.deep.include({
      ...{ version: '2026-1', maps: [{ id: exampleIds.other, version: 1 }] },
    });
    await load(mapOf('448337001', [{ code: '99213' }]), 2);
    expect(await submitted()).to.include({ status: 'denied', reason: 'duration-too-short' });
    const { edits } = story.ledger.read(PAYER, `claim/${exampleIds.claim}`) as { edits: { facts?: object }[] };
    expect(edits.flatMap(({ facts }) => facts ?? [])).to.deep.equal([
      { item: 1, minutes: 40, required: 60, tables: 3 },
    ]);
  });

  const HIDDEN: [string, (terms: ReturnType<Story['tables']>) => void, string][] = [
    ['no tables', (shown) => delete shown.tables, 'CONFLICT tables'],
    ['earlier tables', (shown) => (shown.tables!.generation = 1), 'CONFLICT tables'],
    ['other tables', (shown) => (shown.tables!.text = '{}'), 'INVALID tables'],
    ['no maps', (shown) => (shown.tables!.maps = []), 'INVALID tables.maps'],
    ['another map', (shown) => (shown.tables!.maps = ['{}']), 'INVALID tables.maps[0]'],
    ['what has no generation', (shown) => (shown.tables!.generation = 7), 'NOT_FOUND tables'],
  ];
  for (const [title, change, code] of HIDDEN)
    it(`cannot be left out: a claim that shows ${title} is refused`, async () => {
      await load(mapOf('448337001', [{ code: '99213' }]));
      await loadTables({ version: '2026-1' });
      const request = story.submission();
      const shown = request.private as ReturnType<Story['tables']>;
      change(shown);
      expect(await codeOf(story.ledger.submit('SubmitClaim', request))).to.equal(code);
    });

  type Refused = [
    string,
    (request: Request<'LoadClaimTables'> & { private: ReturnType<Story['loading']>['private'] }) => void,
    string,
  ];
  const REFUSED: Refused[] = [
    ['a provider', (request) => Object.assign(request, { from: 'hospital', role: 'system' }), 'FORBIDDEN undefined'],
    ['an earlier generation', ({ private: hidden }) => (hidden.known = 0), 'CONFLICT known'],
    ['other tables as those there are', ({ private: hidden }) => (hidden.current = '{}'), 'INVALID current'],
    ['no tables as those there are', ({ private: hidden }) => delete hidden.current, 'INVALID current'],
    ['a version that is there', ({ private: hidden }) => (hidden.map!.version = 1), 'CONFLICT map.version'],
    ['a version beyond the next', ({ private: hidden }) => (hidden.map!.version = 3), 'CONFLICT map.version'],
    ['another type', ({ private: hidden }) => (hidden.map!.resource['resourceType'] = 'Claim'), 'INVALID map.resource'],
    ['another id', ({ private: hidden }) => (hidden.map!.resource.id = exampleIds.claim), 'INVALID map.resource.id'],
    [
      'what is mapped on a condition',
      ({ private: hidden }) => {
        const [group] = hidden.map!.resource['group'] as { element: { target: object[] }[] }[];
        Object.assign(group!.element[0]!.target[0]!, { dependsOn: [{ property: 'x', value: 'y' }] });
      },
      'INVALID ConceptMap.group[0].element[0].target[0].dependsOn',
    ],
  ];
  for (const [title, change, code] of REFUSED)
    it(`refuse ${title} and write nothing`, async () => {
      await load(mapOf('448337001', [{ code: '99213' }]));
      const map = { id: exampleIds.other, version: 2, salt: exampleSalt('6'), resource: mapOf('1', [{ code: '2' }]) };
      const request = story.loading({ map });
      change(request);
      const before = story.snapshot();
      expect(await codeOf(story.ledger.submit('LoadClaimTables', request))).to.equal(code);
      expect(story.snapshot()).to.equal(before);
    });
});
