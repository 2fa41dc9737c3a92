/** The edits about where a service was rendered, and about the modifiers of a line: what contradicts itself or its visit. */
import type { BillItem } from '../../model/bill.ts';
import { classOf, targetOf } from '../../model/claim-evidence.ts';
import type { ClaimEdit, ClaimFacts, DenialFacts } from '../claim-facts.ts';
import { billedLeaves, type Leaf } from './leaves.ts';
import { rowsFor } from './payer-tables.ts';

/** CMS's places of telehealth (https://www.cms.gov/medicare/coding-billing/place-of-service-codes). */
const TELEHEALTH_PLACES = ['02', '10'];
/** Modifiers of a service by audio or video. */
const TELEHEALTH_MODIFIERS = ['93', '95', 'FQ', 'GQ', 'GT'];
const VIRTUAL = 'VR';
const CLASS = /[A-Z]/;

/** Classes of the visits that an item was part of, as far as they are shown. */
function classesOf({ services }: BillItem, { evidence }: ClaimFacts): string[] {
  const visits = services.map((service) => {
    const record = evidence.get(service)?.resource;
    return record?.resourceType === 'Encounter'
      ? record
      : evidence.get(targetOf(record?.['encounter']) ?? '')?.resource;
  });
  return [...new Set(visits.flatMap((visit) => classOf(visit) ?? []))];
}

export const isVirtual = (item: BillItem, facts: ClaimFacts): boolean => classesOf(item, facts).includes(VIRTUAL);

/** What place and visit of a line say against each other. */
function contradiction(item: Leaf, facts: ClaimFacts): DenialFacts | undefined {
  const classes = classesOf(item, facts);
  const { places = [], modifiers } = item;
  if (classes.length === 0) return undefined;
  const isRemote = classes.includes(VIRTUAL);
  const modifier = modifiers.find((one) => TELEHEALTH_MODIFIERS.includes(one));
  const here = places.find((place) => /^\d\d$/.test(place) && !TELEHEALTH_PLACES.includes(place));
  const there = places.find((place) => TELEHEALTH_PLACES.includes(place));
  const visit = classes.join(' ');
  if (!isRemote && there !== undefined) return { ...item.place, place: there, visit };
  if (!isRemote && modifier !== undefined) return { ...item.place, modifier, visit };
  return isRemote && here !== undefined && modifier === undefined ? { ...item.place, place: here, visit } : undefined;
}

/** What the payer's table says against the place of a line. */
function elsewhere(item: Leaf, facts: ClaimFacts): DenialFacts | undefined {
  const classes = classesOf(item, facts);
  const { places = classes.includes(VIRTUAL) ? TELEHEALTH_PLACES : [] } = item;
  for (const { code, places: allowed } of rowsFor(facts.tables?.places, item)) {
    const [ofVisits, ofPlaces] = [true, false].map((isClass) => allowed.filter((one) => CLASS.test(one) === isClass));
    const isOutside = (are: readonly string[], may: readonly string[]): boolean =>
      are.length > 0 && may.length > 0 && !are.some((one) => may.includes(one));
    if (isOutside(places, ofPlaces!) || isOutside(classes, ofVisits!)) {
      const where = { place: places.join(' '), visit: classes.join(' '), allowed: allowed.join(' ').slice(0, 200) };
      return { ...item.place, code, ...where, tables: facts.tables?.generation ?? null };
    }
  }
  return undefined;
}

/** A service was rendered where its line says, and where it is paid: at a visit, or at a distance. */
export const placeOfVisit: ClaimEdit = {
  name: 'place-mismatch',
  version: '1',
  after: ['patient-mismatch'],
  judge: (facts) =>
    billedLeaves(facts.bill).flatMap((item): DenialFacts[] => {
      const found = contradiction(item, facts) ?? elsewhere(item, facts);
      return found === undefined ? [] : [found];
    }),
};

/** Modifiers that take each other back: both sides and one of them, a part of a service and the other. */
const CONFLICTS: readonly (readonly [string, string])[] = [
  ['50', 'RT'],
  ['50', 'LT'],
  ['26', 'TC'],
];

export const modifiersAgree: ClaimEdit = {
  name: 'modifier-conflict',
  version: '1',
  after: [],
  judge: ({ bill }) =>
    billedLeaves(bill).flatMap(({ place, modifiers }): DenialFacts[] => {
      const found = CONFLICTS.find((pair) => pair.every((one) => modifiers.includes(one)));
      return found === undefined ? [] : [{ ...place, modifiers: found.join(' ') }];
    }),
};
