/**
 * Ways to be paid for what was not done, or twice for what was. Each begins with a visit that was made and an honest bill for it, where
 * it needs one, and ends with the claim that must not be paid. To add one, enter it in the table.
 */
import { randomUUID } from 'node:crypto';
import type { Chance } from './random.ts';
import type { Insured, Outcome, Provider, Recorded, Scene } from './scene.ts';
import { moved, type Planned } from './synthea.ts';

/** Where a way starts: somebody who is insured, and a visit of hers that is to come. */
export interface Start {
  scene: Scene;
  chance: Chance;
  visit: Planned;
  insured: Insured;
  other: Provider;
  /** YYYY-MM-DD */
  today: string;
}

export interface Way {
  name: string;
  /** What the ledger's own data disproves is refused or denied; what only looks odd is pended, or noted where honest claims look alike. */
  expected: 'stopped' | 'pended' | 'noted';
  run(start: Start): Promise<Outcome>;
}

const CPT = 'http://www.ama-assn.org/go/cpt';
const cpt = (code: string) => ({ system: CPT, code });
const at = (day: string, time: string): string => `${day}T${time}:00+00:00`;
const dayAfter = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
const dayOf = ({ start }: Planned): string => start.slice(0, 10);

/** A visit, and an honest bill for it. @throws Error where that is not taken: the way would show nothing */
async function honestly({ scene, insured, visit }: Start): Promise<Recorded> {
  const recorded = await scene.recorded(insured, visit);
  const { came, by } = await scene.billed(recorded);
  if (came !== 'paid') throw new Error(`the honest bill was ${came} by ${by.join(', ')}`);
  return recorded;
}

const twice: readonly Way[] = [
  {
    name: 'the same claim again',
    expected: 'stopped',
    run: async (start) => start.scene.billed(await honestly(start)),
  },
  {
    name: 'one visit under another code',
    expected: 'stopped',
    run: async (start) => start.scene.billed(await honestly(start), { code: cpt('99215') }),
  },
  {
    name: 'one visit billed by hospital and clinic',
    expected: 'stopped',
    run: async (start) => {
      await honestly(start);
      const there = await start.scene.insured(start.other, start.visit.person, start.insured);
      return start.scene.billed(await start.scene.recorded(there, start.visit));
    },
  },
  {
    name: 'one visit over midnight, for both days',
    expected: 'stopped',
    run: async (start) => {
      const day = dayOf(start.visit);
      const over = { ...start.visit, start: at(day, '23:40'), end: at(dayAfter(day, 1), '00:20') };
      return start.scene.billed(await honestly({ ...start, visit: over }), { day: dayAfter(day, 1) });
    },
  },
  {
    name: 'a visit moved to another day',
    expected: 'stopped',
    run: async (start) => {
      const recorded = await honestly(start);
      const later = moved(start.visit, start.chance.between(1, 20), start.today);
      await start.scene.changed(recorded, { period: { start: later.start, end: later.end } });
      return start.scene.billed(recorded, { day: dayOf(later) });
    },
  },
  {
    name: 'a visit given to another patient',
    expected: 'stopped',
    run: async (start) => {
      const recorded = await honestly(start);
      const insured = await start.scene.insured(start.insured.provider, start.visit.person);
      await start.scene.changed(recorded, { subject: { reference: `Patient/${insured.id}` } });
      return start.scene.billed(recorded, { insured });
    },
  },
  {
    name: 'a second Patient of the same human',
    expected: 'stopped',
    run: async (start) => {
      await honestly(start);
      const again = await start.scene.insured(start.insured.provider, start.visit.person, start.insured);
      return start.scene.billed(await start.scene.recorded(again, start.visit));
    },
  },
  {
    name: 'the visit recorded a second time',
    expected: 'stopped',
    run: async (start) => {
      await honestly(start);
      return start.scene.billed(await start.scene.recorded(start.insured, start.visit));
    },
  },
];

/** What the second Patient has in common with the first beside gender and birth date; each has a number and a coverage of her own. */
function alike(
  name: string,
  expected: Way['expected'],
  commonOf: (chance: Chance) => readonly [Record<string, unknown>, Record<string, unknown>],
): Way {
  return {
    ...{ name, expected },
    run: async (start) => {
      const { scene, visit, insured, chance } = start;
      const [first, second] = commonOf(chance);
      const as = (more: Record<string, unknown>) => scene.insured(insured.provider, visit.person, undefined, {}, more);
      await honestly({ ...start, insured: await as(first) });
      return scene.billed(await scene.recorded(await as(second), visit));
    },
  };
}

const named = (family: string) => ({ name: [{ family, given: ['Bench'] }] });
const human: readonly Way[] = [
  alike('a second Patient whose social security number is written otherwise', 'stopped', (chance) => {
    const number = String(chance.between(100_000_000, 699_999_999));
    const dashed = `${number.slice(0, 3)}-${number.slice(3, 5)}-${number.slice(5)}`;
    const called = (value: string) => ({ identifier: [{ system: 'http://hl7.org/fhir/sid/us-ssn', value }] });
    return [called(number), called(dashed)];
  }),
  alike('a second Patient whose name is spelt otherwise', 'pended', () => [named('Schmidt'), named('Schmitt')]),
  alike('a second Patient of another name with the same telephone number', 'pended', (chance) => {
    const telecom = [{ system: 'phone', value: `+1 617 ${chance.between(2_000_000, 9_999_999)}` }];
    return [
      { ...named('Abbott'), telecom },
      { ...named('Zuniga'), telecom },
    ];
  }),
];

const undone: readonly Way[] = [
  {
    name: 'a visit that was cancelled',
    expected: 'stopped',
    run: async ({ scene, insured, visit }) =>
      scene.billed(await scene.recorded(insured, visit, { status: 'cancelled' })),
  },
  {
    name: 'a visit voided after the claim',
    expected: 'stopped',
    run: async ({ scene, insured, visit }) => {
      const recorded = await scene.recorded(insured, visit);
      const answer = await scene.submitted(recorded);
      await scene.changed(recorded, { status: 'entered-in-error' });
      return scene.adjudicated(answer);
    },
  },
  {
    name: 'a visit of another patient',
    expected: 'stopped',
    run: async (start) => {
      const recorded = await start.scene.recorded(start.insured, start.visit);
      const insured = await start.scene.insured(start.insured.provider, start.visit.person);
      return start.scene.billed(recorded, { insured });
    },
  },
  {
    name: 'a visit on another day than recorded',
    expected: 'stopped',
    run: async ({ scene, insured, visit }) =>
      scene.billed(await scene.recorded(insured, visit), { day: dayAfter(dayOf(visit), -3) }),
  },
  {
    name: 'a visit after the patient’s death',
    expected: 'stopped',
    run: async ({ scene, insured, visit }) => {
      const path = `/fhir/R4/Patient/${insured.id}`;
      const patient = await scene.at(insured.provider).ask({ path });
      const body = { ...patient, deceasedDateTime: dayAfter(dayOf(visit), -30) };
      await scene.at(insured.provider).write({ method: 'PUT', path, body });
      return scene.billed(await scene.recorded(insured, visit));
    },
  },
  {
    name: 'a death recorded after the claim',
    expected: 'stopped',
    run: async ({ scene, insured, visit }) => {
      const answer = await scene.submitted(await scene.recorded(insured, visit));
      const path = `/fhir/R4/Patient/${insured.id}`;
      const patient = await scene.at(insured.provider).ask({ path });
      const body = { ...patient, deceasedDateTime: dayAfter(dayOf(visit), -30) };
      await scene.at(insured.provider).write({ method: 'PUT', path, body });
      return scene.adjudicated(answer);
    },
  },
  {
    name: 'a visit without a licence',
    expected: 'stopped',
    run: async ({ scene, insured, visit, chance }) => {
      const npi = String(chance.between(1_000_000_000, 1_999_999_999));
      await scene.practitioner(insured.provider, npi, { status: 'suspended' });
      return scene.billed(await scene.recorded(insured, { ...visit, npi }));
    },
  },
  {
    name: 'a code that no record bears out',
    expected: 'stopped',
    run: async ({ scene, insured, visit }) =>
      scene.billed(await scene.recorded(insured, visit), { code: cpt('27447') }),
  },
  {
    name: 'amounts that do not add up',
    expected: 'stopped',
    run: async ({ scene, insured, visit }) => {
      const total = { value: visit.units / 100 + 100, currency: 'USD' };
      return scene.billed(await scene.recorded(insured, visit), { claim: { total } });
    },
  },
  {
    name: 'a visit billed for longer than it lasted',
    expected: 'stopped',
    run: async ({ scene, insured, visit }) => {
      const day = dayOf(visit);
      const recorded = await scene.recorded(insured, { ...visit, start: at(day, '09:00'), end: at(day, '09:15') });
      const served = { start: at(day, '09:00'), end: at(day, '17:00') };
      return scene.billed(recorded, { item: { servicedDate: undefined, servicedPeriod: served } });
    },
  },
  {
    name: 'one visit billed twelve times in a line',
    expected: 'stopped',
    run: async ({ scene, insured, visit }) =>
      scene.billed(await scene.recorded(insured, visit), { quantity: 12, units: visit.units * 12 }),
  },
];

const limited: readonly Way[] = [
  {
    name: 'more of a service than is paid of a day, by two claims',
    expected: 'stopped',
    run: async (start) => {
      const day = dayOf(start.visit);
      const early = { ...start.visit, start: at(day, '08:00'), end: at(day, '08:20') };
      await honestly({ ...start, visit: early });
      const late = { ...start.visit, start: at(day, '14:00'), end: at(day, '14:20') };
      return start.scene.billed(await start.scene.recorded(start.insured, late));
    },
  },
  {
    name: 'the same for a second Patient with a coverage of her own',
    expected: 'stopped',
    run: async (start) => {
      const { scene, visit, insured } = start;
      const day = dayOf(visit);
      const name = [{ family: `Bench ${randomUUID()}`, given: ['Twice'] }];
      const her = () => scene.insured(insured.provider, visit.person, undefined, {}, { name });
      const early = { ...visit, start: at(day, '08:00'), end: at(day, '08:20') };
      await honestly({ ...start, insured: await her(), visit: early });
      const late = { ...visit, start: at(day, '14:00'), end: at(day, '14:20') };
      const again = await her();
      return scene.billed(await scene.recorded(again, late));
    },
  },
  {
    name: 'a service without its authorization',
    expected: 'stopped',
    run: async ({ scene, insured: { provider }, visit }) => {
      const insured = await scene.insured(provider, visit.person, undefined, scene.terms);
      return scene.billed(await scene.recorded(insured, visit), { code: cpt('99213') });
    },
  },
  {
    name: 'a service under a number of nobody’s authorization',
    expected: 'stopped',
    run: async ({ scene, insured: { provider }, visit }) => {
      const insured = await scene.insured(provider, visit.person, undefined, scene.terms);
      const coverage = { reference: `Coverage/${insured.coverage}` };
      const insurance = [{ sequence: 1, focal: true, coverage, preAuthRef: ['PA-00000000-1'] }];
      return scene.billed(await scene.recorded(insured, visit), { code: cpt('99213'), claim: { insurance } });
    },
  },
];

/** Visits of one practitioner, each of somebody else and honestly billed. @returns what came of the last */
async function seenBy(
  { scene, chance, visit, today: _, ...start }: Start,
  hours: readonly { start: string; end: string; provider?: Provider }[],
): Promise<Outcome> {
  const npi = String(chance.between(1_000_000_000, 1_999_999_999));
  let last: Outcome | undefined;
  for (const { provider = start.insured.provider, ...times } of hours) {
    const insured = await scene.insured(provider, visit.person);
    last = await scene.billed(await scene.recorded(insured, { ...visit, ...times, npi }));
  }
  return last!;
}

const odd: readonly Way[] = [
  {
    name: 'a practitioner who works 27 hours of a day',
    expected: 'pended',
    run: (start) => {
      const day = dayOf(start.visit);
      const hours = [
        ['00:00', '09:00'],
        ['09:00', '18:00'],
        ['13:00', '22:00'],
      ];
      return seenBy(
        start,
        hours.map(([from = '', to = '']) => ({ start: at(day, from), end: at(day, to) })),
      );
    },
  },
  {
    name: 'a practitioner in two places at once',
    expected: 'pended',
    run: (start) => {
      const day = dayOf(start.visit);
      const times = { start: at(day, '10:00'), end: at(day, '11:00') };
      return seenBy(start, [times, { ...times, provider: start.other }]);
    },
  },
  {
    // Few patients confirm their visits: to pend what nobody has confirmed would pend most honest ones.
    name: 'a telehealth visit that the patient knows nothing of',
    expected: 'noted',
    run: async ({ scene, insured, visit }) => scene.billed(await scene.recorded(insured, { ...visit, class: 'VR' })),
  },
  {
    name: 'a facility’s fee for a telehealth visit',
    expected: 'pended',
    run: async ({ scene, insured, visit }) => {
      const type = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'institutional' }] };
      return scene.billed(await scene.recorded(insured, { ...visit, class: 'VR' }), { claim: { type } });
    },
  },
  {
    name: 'a visit billed more than a year later',
    expected: 'pended',
    run: async ({ scene, insured, visit, chance, today }) =>
      scene.billed(await scene.recorded(insured, moved(visit, chance.between(400, 700), today))),
  },
];

export const WAYS: readonly Way[] = [...twice, ...human, ...undone, ...limited, ...odd];
