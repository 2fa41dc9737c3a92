/**
 * hl7.org/fhir/R4/search.html as a table: what a query finds, by the read model on each database and by the text of each
 * resource. Each row is asked as a client asks it.
 */
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { expect } from 'chai';
import { onEachDatabase } from '../../index/databases.fixture.ts';
import { FixtureIndex, recordWrites } from '../../index/index.fixture.ts';
import type { Search } from '../repository.ts';
import { parametersOf } from '../search-parameters.ts';
import { parseSearch } from '../search-query.ts';
import { supportedType, supportedTypes } from '../types.ts';
import { isAsked } from './matching.ts';

const BASE = 'https://hospital.example/fhir/R4';
const LOINC = 'http://loinc.org';
const UCUM = 'http://unitsofmeasure.org';
const coded = (code: string, display?: string, system = LOINC) => ({
  coding: [{ system, code, ...(display === undefined ? {} : { display }) }],
});
const quantity = (value: number, code = 'mm[Hg]', unit = code) => ({ value, system: UCUM, code, unit });

const part = (code: string, value: number) => ({ code: coded(code), valueQuantity: quantity(value) });

/** By labels; `@label` in them is the reference to what is recorded as that. */
const RECORDED: Record<string, object> = {
  clinic: { resourceType: 'Organization', name: 'Klinik Süd', alias: ['South'] },
  ward: { resourceType: 'Location', name: 'Ward 3', managingOrganization: { reference: '@clinic' } },
  jane: {
    resourceType: 'Patient',
    active: true,
    identifier: [
      {
        ...{ system: 'urn:mrn', value: 'M|1' },
        type: coded('MR', 'Medical record number', 'http://terminology.hl7.org/CodeSystem/v2-0203'),
      },
    ],
    name: [{ family: 'Müller', given: ['Ana María'] }],
    gender: 'female',
    birthDate: '1970-05',
    address: [{ city: 'Köln', postalCode: '50667' }],
    telecom: [
      { system: 'phone', value: '+49 221 1' },
      { system: 'email', value: 'a@example.org' },
    ],
    managingOrganization: { reference: '@clinic' },
  },
  john: {
    resourceType: 'Patient',
    active: false,
    identifier: [{ system: 'urn:mrn', value: 'M2' }],
    name: [{ family: 'Muller' }, { text: 'Johnny' }],
    gender: 'male',
    birthDate: '1980-05-12',
    deceasedDateTime: '2020-01-01',
  },
  visit: {
    resourceType: 'Encounter',
    ...{ status: 'finished', class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'VR' } },
    subject: { reference: '@jane' },
    period: { start: '2024-03-01T10:00:00Z', end: '2024-03-01T10:30:00Z' },
    location: [{ location: { reference: '@ward' } }],
  },
  stay: {
    resourceType: 'Encounter',
    ...{ status: 'in-progress', class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP' } },
    subject: { reference: '@john' },
    period: { start: '2024-03-01T09:00:00+02:00' },
  },
  pressure: {
    resourceType: 'Observation',
    ...{ status: 'final', code: coded('85354-9', 'Blood pressure panel'), subject: { reference: '@jane' } },
    ...{ encounter: { reference: '@visit' }, effectiveDateTime: '2024-03-01T10:05:00Z' },
    component: [part('8480-6', 140), part('8462-4', 85)],
  },
  weight: {
    resourceType: 'Observation',
    meta: { tag: [{ system: 'urn:tags', code: 'checked' }], profile: ['http://example.org/profiles/weight'] },
    ...{ status: 'amended', code: coded('29463-7', 'Körpergewicht'), subject: { reference: '@jane' } },
    ...{ effectiveDateTime: '2024-03', valueQuantity: quantity(72.4, 'kg', 'Kilo') },
  },
  glucose: {
    resourceType: 'Observation',
    ...{ status: 'final', code: coded('2339-0'), subject: { reference: '@john' } },
    ...{ effectivePeriod: { start: '2023-12-31', end: '2024-01-02' }, valueQuantity: quantity(5, 'mmol/L') },
    performer: [{ identifier: { system: 'urn:npi', value: '7' } }],
    method: coded('m1', undefined, 'urn:methods'),
  },
  eyes: {
    resourceType: 'Observation',
    ...{ status: 'preliminary', code: { text: 'colour of the eyes' }, subject: { reference: '@john' } },
    ...{ valueCodeableConcept: { ...coded('blue', 'Blue eyes', 'urn:colours'), text: '100% blue_ish' } },
    derivedFrom: [{ reference: 'https://elsewhere.example/fhir/Observation/9' }],
  },
  doctor: { resourceType: 'Practitioner', name: [{ family: 'Adams' }] },
  nuts: { resourceType: 'AllergyIntolerance', patient: { reference: '@jane' }, recorder: { reference: '@doctor' } },
  milk: { resourceType: 'AllergyIntolerance', patient: { reference: '@john' }, asserter: { reference: '@doctor' } },
};

/** What is asked, and by their labels who is found, in the order in which they were recorded. */
const CASES: readonly (readonly [query: string, ...found: string[]])[] = [
  // token
  [`Observation?code=${LOINC}|2339-0`, 'glucose'],
  ['Observation?code=2339-0,29463-7', 'weight', 'glucose'],
  ['Observation?code=|2339-0'],
  [`Observation?code=${LOINC}|`, 'pressure', 'weight', 'glucose'],
  ['Observation?code:not=2339-0', 'pressure', 'weight', 'eyes'],
  ['Observation?code:text=blood', 'pressure'],
  ['Observation?code:text=KORPER', 'weight'],
  ['Observation?code:text=pressure'],
  ['Observation?status=final&code:not=2339-0', 'pressure'],
  ['Observation?status=http://hl7.org/fhir/observation-status|final', 'pressure', 'glucose'],
  ['Observation?status=urn:other|final'],
  ['Observation?code:missing=true', 'eyes'],
  ['Observation?method:missing=false', 'glucose'],
  ['Patient?gender=female', 'jane'],
  ['Patient?gender:not=female', 'john'],
  ['Patient?active=false', 'john'],
  ['Patient?deceased=true', 'john'],
  ['Patient?deceased=false', 'jane'],
  ['Patient?identifier=urn:mrn|', 'jane', 'john'],
  [String.raw`Patient?identifier=urn:mrn|M\|1`, 'jane'],
  [String.raw`Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|M\|1`, 'jane'],
  ['Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|SS|M2'],
  ['Patient?email=a@example.org', 'jane'],
  ['Patient?phone=a@example.org'],
  ['Patient?telecom=a@example.org', 'jane'],
  ['Encounter?class=VR', 'visit'],
  ['Observation?value-concept=urn:colours|blue', 'eyes'],
  ['Observation?combo-code=8480-6', 'pressure'],
  ['Observation?combo-code:text=blood', 'pressure'],
  ['Observation?component-code=85354-9'],
  ['Observation?_tag=urn:tags|checked', 'weight'],
  // string
  ['Patient?name=mull', 'jane', 'john'],
  ['Patient?family:exact=Muller', 'john'],
  ['Patient?family:exact=muller'],
  ['Patient?given=maria'],
  ['Patient?given:contains=MARI', 'jane'],
  ['Patient?name:contains=ohnn', 'john'],
  ['Patient?phonetic=johnny', 'john'],
  ['Patient?address=koln', 'jane'],
  ['Patient?address-postalcode=50', 'jane'],
  ['Patient?name:missing=true'],
  ['Observation?value-string=100% blue_', 'eyes'],
  ['Observation?value-string:contains=_ish', 'eyes'],
  ['Observation?value-string:contains=%_ish'],
  ['Organization?name=south', 'clinic'],
  // date
  ['Patient?birthdate=1970', 'jane'],
  ['Patient?birthdate=1970-05-01'],
  ['Patient?birthdate=ne1970', 'john'],
  ['Patient?birthdate=lt1980-05-12', 'jane'],
  ['Patient?birthdate=le1980-05-12', 'jane', 'john'],
  ['Patient?birthdate=ge1970-05', 'jane', 'john'],
  ['Patient?birthdate=gt1970-05', 'john'],
  ['Patient?birthdate=sa1970-05&birthdate=eb1981', 'john'],
  ['Observation?date=2024-03-01', 'pressure'],
  ['Observation?date=2024-03', 'pressure', 'weight'],
  ['Observation?date=2024-03-01T12:05%2B02:00', 'pressure'],
  ['Observation?date=gt2024-03-01', 'weight'],
  ['Observation?date=ge2024-03-01', 'pressure', 'weight'],
  ['Observation?date=lt2024', 'glucose'],
  ['Observation?date=eb2024'],
  ['Observation?date=sa2024-01', 'pressure', 'weight'],
  ['Observation?date:missing=true', 'eyes'],
  ['Observation?date=ap2024-03', 'pressure', 'weight', 'glucose'],
  ['Encounter?date=ge2024-03-02', 'stay'],
  ['Encounter?date=2024-03-01', 'visit'],
  ['Encounter?date=lt2024-03-01T08:00:00Z', 'stay'],
  ['Patient?death-date=2020', 'john'],
  // quantity
  ['Observation?value-quantity=72.4', 'weight'],
  ['Observation?value-quantity=72', 'weight'],
  ['Observation?value-quantity=72.0'],
  ['Observation?value-quantity=7.2e1', 'weight'],
  [`Observation?value-quantity=72.4|${UCUM}|kg`, 'weight'],
  ['Observation?value-quantity=72.4||kg', 'weight'],
  ['Observation?value-quantity=72.4||Kilo', 'weight'],
  ['Observation?value-quantity=72.4||g'],
  [`Observation?value-quantity=72400|${UCUM}|g`, 'weight'],
  [`Observation?value-quantity=72|${UCUM}|kg`, 'weight'],
  [`Observation?value-quantity=72|${UCUM}|g`],
  [`Observation?value-quantity=gt159|${UCUM}|[lb_av]`, 'weight'],
  [`Observation?value-quantity=gt160|${UCUM}|[lb_av]`],
  [`Observation?value-quantity=72400000|${UCUM}|mg,7|${UCUM}|m,1||kg`, 'weight'],
  [`Observation?value-quantity=72.4|${UCUM}|m`],
  [`Observation?value-quantity=ne72.4|${UCUM}|kg`],
  [`Observation?value-quantity=ap75000|${UCUM}|g`, 'weight'],
  [`Observation?value-quantity=5000|${UCUM}|umol/L`, 'glucose'],
  [`Observation?value-quantity=5|${UCUM}|mmol/L`, 'glucose'],
  [`Observation?value-quantity=5|${UCUM}|nothing`],
  [`Observation?combo-value-quantity=gt13|${UCUM}|kPa`, 'pressure'],
  [`Patient?_has:Observation:subject:value-quantity=gt72000|${UCUM}|g`, 'jane'],
  [`Observation?code-value-quantity=2339-0$5|${UCUM}|mmol/L`, 'glucose'],
  [`Observation?value-quantity=72.4|urn:other|kg`],
  ['Observation?value-quantity=gt5', 'weight'],
  ['Observation?value-quantity=ge5', 'weight', 'glucose'],
  ['Observation?value-quantity=lt72.4', 'glucose'],
  ['Observation?value-quantity=le72.4', 'weight', 'glucose'],
  ['Observation?value-quantity=sa5,eb5', 'weight'],
  ['Observation?value-quantity=ne5', 'weight'],
  ['Observation?value-quantity=ap70', 'weight'],
  ['Observation?combo-value-quantity=gt100', 'pressure'],
  // composite
  [`Observation?component-code-value-quantity=${LOINC}|8480-6$gt130`, 'pressure'],
  ['Observation?component-code-value-quantity=8462-4$gt130'],
  ['Observation?component-code-value-quantity=8462-4$gt130,8462-4$lt90', 'pressure'],
  ['Observation?combo-code-value-quantity=8480-6$140||mm[Hg]', 'pressure'],
  ['Observation?combo-code-value-quantity=2339-0$5', 'glucose'],
  ['Observation?code-value-quantity=2339-0$5', 'glucose'],
  ['Observation?code-value-quantity=2339-0$6'],
  ['Observation?code-value-concept=x$blue'],
  // reference
  ['Observation?encounter=@visit', 'pressure'],
  ['Observation?encounter=#visit', 'pressure'],
  [`Observation?encounter=${BASE}/@visit`, 'pressure'],
  ['Observation?encounter:Encounter=#visit', 'pressure'],
  ['Observation?encounter=@visit/_history/1', 'pressure'],
  ['Observation?encounter=@jane'],
  ['Observation?_compartment=@visit', 'pressure'],
  ['Observation?_compartment=@visit&code=8480-6'],
  ['Observation?_compartment=@stay'],
  ['Encounter?_compartment=@visit', 'visit'],
  ['Encounter?_compartment=@visit&_id=@stay'],
  ['AllergyIntolerance?_compartment=@doctor', 'nuts', 'milk'],
  ['AllergyIntolerance?_compartment=@doctor&patient=@john', 'milk'],
  ['AllergyIntolerance?_compartment=Practitioner/nobody'],
  ['Observation?patient=@jane', 'pressure', 'weight'],
  ['Observation?subject:Patient=#john', 'glucose', 'eyes'],
  ['Observation?subject=Group/g'],
  ['Observation?patient:missing=true'],
  ['Observation?performer:identifier=urn:npi|7', 'glucose'],
  ['Observation?performer:missing=false'],
  ['Observation?derived-from=https://elsewhere.example/fhir/Observation/9', 'eyes'],
  ['Encounter?location=@ward', 'visit'],
  // uri
  ['Observation?_profile=http://example.org/profiles/weight', 'weight'],
  ['Observation?_profile:below=http://example.org/profiles', 'weight'],
  ['Observation?_profile:below=http://example.org/profiles/height'],
  ['Observation?_profile:above=http://example.org/profiles/weight/of/adults', 'weight'],
  // chains
  ['Observation?patient.name=ana', 'pressure', 'weight'],
  ['Observation?subject:Patient.gender=male', 'glucose', 'eyes'],
  ['Observation?subject.gender=male&status=final', 'glucose'],
  ['Observation?encounter.class=VR', 'pressure'],
  ['Observation?encounter.location.name=ward', 'pressure'],
  ['Observation?encounter.location.organization.name=klinik', 'pressure'],
  ['Observation?encounter.class=IMP'],
  ['Patient?organization.name=klinik', 'jane'],
  ['Observation?patient.identifier=urn:mrn|M2', 'glucose', 'eyes'],
  ['Observation?patient._id=#john', 'glucose', 'eyes'],
  ['Observation?subject:Patient._id=@john', 'glucose', 'eyes'],
  ['Observation?subject:Patient._id=nobody'],
  ['Observation?subject:Patient._id=a b'],
  ['Observation?subject._lastUpdated=ge2000&_id=#weight', 'weight'],
  ['Observation?subject._lastUpdated=lt2000'],
  ['Observation?encounter.patient=@jane', 'pressure'],
  ['Observation?encounter.subject._id=#jane', 'pressure'],
  ['Observation?encounter.location._id=#ward', 'pressure'],
  ['Observation?patient._profile:missing=true', 'pressure', 'weight', 'glucose', 'eyes'],
  // reverse chains
  ['Patient?_has:Observation:patient:_id=#weight', 'jane'],
  ['Patient?_has:Observation:patient:_id=nothing'],
  ['Patient?_has:Observation:patient:_lastUpdated=lt2000'],
  ['Encounter?_has:Observation:encounter:patient=@jane', 'visit'],
  ['Organization?_has:Patient:organization:_id=#jane', 'clinic'],
  ['Patient?_has:Observation:patient:code=2339-0', 'john'],
  ['Patient?_has:Observation:subject:status=final', 'jane', 'john'],
  ['Patient?_has:Observation:patient:encounter.class=VR', 'jane'],
  ['Encounter?_has:Observation:encounter:component-code=8480-6', 'visit'],
  ['Organization?_has:Location:organization:_has:Encounter:location:status=finished', 'clinic'],
  ['Patient?_has:Observation:patient:code=nothing'],
  // columns
  ['Patient?_id=#jane,#john', 'jane', 'john'],
  ['Patient?_id=#jane&name=nobody'],
  ['Patient?_lastUpdated=ge2000', 'jane', 'john'],
  ['Patient?_lastUpdated=lt2000'],
  // order
  ['Observation?_sort=status', 'weight', 'pressure', 'glucose', 'eyes'],
  ['Observation?_sort=-status,-value-quantity', 'eyes', 'glucose', 'pressure', 'weight'],
  ['Observation?_sort=date', 'eyes', 'glucose', 'weight', 'pressure'],
  ['Observation?_sort=-date', 'weight', 'pressure', 'glucose', 'eyes'],
  ['Patient?_sort=family', 'jane', 'john'],
  ['Patient?_sort=-birthdate', 'john', 'jane'],
];

const isSorted = (query: string): boolean => query.includes('_sort=');

onEachDatabase('A search', (kind) => {
  let fixture: FixtureIndex;
  const ids = new Map<string, string>();
  const labels = new Map<string, string>();
  const resources: { label: string; resource: Resource }[] = [];

  /** `@label` is `Type/id`, `#label` the id alone. */
  const named = (text: string): string =>
    text.replace(/(?<![a-z])([@#])([a-z]+)/g, (_, sign: string, label: string) => {
      const reference = ids.get(label)!;
      return sign === '@' ? reference : reference.slice(reference.indexOf('/') + 1);
    });

  before(async () => {
    fixture = await FixtureIndex.open('hospital', kind);
    for (const [label, fields] of Object.entries(RECORDED)) {
      const { resourceType, ...rest } = JSON.parse(
        JSON.stringify(fields).replace(/"@([a-z]+)"/g, (_, one: string) => `"${ids.get(one)}"`),
      ) as { resourceType: string };
      const writes = recordWrites(resourceType, rest);
      await fixture.block({ privateWrites: writes });
      ids.set(label, `${resourceType}/${writes.id}`);
      labels.set(writes.id, label);
      resources.push({ label, resource: { ...rest, resourceType, id: writes.id } as unknown as Resource });
    }
  });
  after(() => fixture.close());

  const searchOf = (query: string): Search => {
    const [type = '', text] = query.split(/\?(.*)/s);
    const parameters = [...new URLSearchParams(named(text ?? ''))];
    const { search, impossible } = parseSearch(supportedType(type)!, parameters, BASE, false);
    return impossible ? { ...search, ids: [] } : search;
  };

  /** What excludes itself is not asked for. */
  const foundBy = async (search: Search): Promise<string[]> => {
    const { matches } = search.ids?.length === 0 ? { matches: [] } : await fixture.index.search(search);
    return matches.map(({ resource }) => labels.get(resource.id)!);
  };

  for (const [query, ...expected] of CASES.filter((one) => one.length > 0))
    it(`${query} finds ${expected.length === 0 ? 'nothing' : expected.join(', ')}`, async () => {
      const search = searchOf(query);
      expect(await foundBy(search)).to.deep.equal(expected);
      const { chains = [], reverse = [], patients, ids: only, lastUpdated = [] } = search;
      if (chains.length + reverse.length + lastUpdated.length > 0 || patients !== undefined || only !== undefined)
        return;
      const byText = resources
        .filter(({ resource }) => resource.resourceType === search.type && isAsked(resource, search))
        .map(({ label }) => label);
      expect(byText).to.have.members(expected);
    });

  it('shows and counts in a patient’s compartment hers alone, whatever it is asked by', async () => {
    const compartment = ids.get('jane')!.slice('Patient/'.length);
    const hers = ['jane', 'visit', 'pressure', 'weight', 'nuts'];
    for (const [query, ...all] of CASES.filter((one) => one.length > 0)) {
      const search = searchOf(query);
      if (search.ids?.length === 0) continue;
      const { matches, total } = await fixture.index.search(search, { compartment });
      const found = matches.map(({ resource }) => labels.get(resource.id)!);
      expect(hers, query).to.include.members(found);
      expect(total, query).to.equal(found.length);
      // Nothing of others' or nobody's is looked into, so that a chain or what refers to it may find less, and `:not` no more.
      const [chains, reverse] = [search.chains ?? [], search.reverse ?? []];
      if (chains.length + reverse.length === 0)
        expect(found, query).to.have.members(all.filter((label) => hers.includes(label)));
    }
  });

  it('pages forth and back in any order, whatever is recorded in between', async () => {
    for (const query of CASES.map(([one]) => one).filter(
      (one) => one !== undefined && (isSorted(one) || /^Obs.*\?status/.test(one)),
    )) {
      const search = searchOf(query!);
      const all = await foundBy(search);
      const pages: string[][] = [];
      const places: (string | undefined)[] = [];
      let page = await fixture.index.search({ ...search, count: 1 });
      for (;;) {
        pages.push(page.matches.map(({ resource }) => labels.get(resource.id)!));
        places.push(page.previous);
        if (page.next === undefined) break;
        page = await fixture.index.search({ ...search, count: 1, after: page.next });
      }
      expect(pages.flat(), query).to.deep.equal(all);
      expect(places[0], query).to.equal(undefined);
      for (let index = places.length - 1; index > 0; index -= 1) {
        const before = await fixture.index.search({ ...search, count: 1, before: places[index]! });
        expect(
          before.matches.map(({ resource }) => labels.get(resource.id)),
          query,
        ).to.deep.equal(pages[index - 1]);
        expect(before.previous === undefined, query).to.equal(index === 1);
      }
    }
  });

  it('can be made by every parameter of every type, by :missing, and in both orders', async () => {
    const samples = { date: '2024', number: '5', quantity: '5', token: 'a', string: 'a', uri: 'urn:a', reference: 'a' };
    for (const { name } of supportedTypes.filter((type) => type.name !== 'AuditEvent'))
      for (const parameter of parametersOf(name)) {
        const parts = parameter.components?.map(({ type }) => samples[type as keyof typeof samples]);
        const value = parts === undefined ? samples[parameter.type as keyof typeof samples] : parts.join('$');
        await foundBy(searchOf(`${name}?${parameter.name}=${value}`));
        if (parts !== undefined) continue;
        await foundBy(searchOf(`${name}?_sort=-${parameter.name}`));
        if (!['id', 'last_updated'].includes(parameter.column))
          await foundBy(searchOf(`${name}?${parameter.name}:missing=true`));
      }
  });
});
