/**
 * Whether a provision inside another is within it: R4's nested provisions are exceptions, so what one names beyond the outer one is
 * said of nothing, though it looks as if it were. Told from the text; what records alone could tell is no doubt.
 * @see https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision.provision
 */
import { actorNamed, keyOfActor, type NamedActor } from '../model/actors.ts';
import { type Code, classKind } from '../model/consent-codes.ts';
import type { Doubt } from '../model/consent-refusals.ts';
import { overlaps, spanOf, spanOfPeriod } from '../model/periods.ts';
import { coversPurpose } from '../model/purposes.ts';
import type { Actor, BoundActors, ConsentContent, Data, Provision } from './consent-content.ts';

/** The values of a criterion that are not within what the outer provision names: `[place]` of each, or '' for the whole. */
type Beyond = (inner: Provision, outer: Provision, home: Home) => string[];

/** Where relative references lead, and whom they were found to be. */
interface Home {
  provider: string;
  bound: BoundActors;
}

const CRITERIA: Record<string, Beyond> = {
  period: ({ period: inner }, { period: outer }) => beyondPeriod(inner, outer),
  dataPeriod: ({ dataPeriod: inner }, { dataPeriod: outer }) => beyondPeriod(inner, outer),
  purpose: ({ purpose: inner = [] }, { purpose: outer = [] }) =>
    placesOf(inner, ({ code = '' }) => outer.some((one) => one.code === code || coversPurpose(one.code ?? '', code))),
  class: (inner, outer) =>
    placesOf(inner.class ?? [], (one) => isAmong(one, outer.class ?? [], (other) => isOneKind(one, other), isOneClass)),
  code: ({ code: inner = [] }, { code: outer = [] }) => {
    const codings = outer.flatMap(({ coding = [] }) => coding);
    const isWithin = (one: Code) => isAmong(one, codings, ({ system }) => system === one.system, isOneCode);
    return placesOf(inner, ({ coding = [] }) => coding.every(isWithin));
  },
  data: ({ data: inner = [] }, { data: outer = [] }) => placesOf(inner, (one) => isAmongData(one, outer)),
  actor: ({ actor: inner = [] }, { actor: outer = [] }, home) =>
    placesOf(inner, (one) => isAmongActors(one, outer, home)),
};

/**
 * What nested provisions name beyond those around them, each with its place. Labels are no part of it: who permits what is normal
 * says by a denial of what is restricted how a record that is both is to be read (IHE PCF does so).
 * @param bound whom the actors were found to be
 * @param doubts of the same consent: in what is doubted anyhow nothing more is looked for
 */
export function beyondOuter(
  { provision }: ConsentContent,
  { provider, bound }: Home,
  doubts: readonly Doubt[],
): Doubt[] {
  if (provision === undefined) return [];
  const beyond = beyondIn(provision, 'Consent.provision', [provision], { provider, bound });
  return beyond.filter(({ expression }) => !doubts.some((known) => expression.startsWith(known.expression)));
}

function beyondIn({ provision = [] }: Provision, at: string, around: readonly Provision[], home: Home): Doubt[] {
  return provision.flatMap((inner, index) => {
    const place = `${at}.provision[${index}]`;
    const beyond = Object.entries(CRITERIA).flatMap(([name, check]) =>
      around
        .filter((outer) => outer[name] !== undefined && inner[name] !== undefined)
        .flatMap((outer) => check(inner, outer, home).map((within) => `${place}.${name}${within}`)),
    );
    const doubts = [...new Set(beyond)].map((expression): Doubt => ({ rule: 'nested-beyond', expression }));
    return [...doubts, ...beyondIn(inner, place, [...around, inner], home)];
  });
}

const placesOf = <T>(list: readonly T[], isWithin: (one: T) => boolean): string[] =>
  list.flatMap((one, index) => (isWithin(one) ? [] : [`[${index}]`]));

/** Whether one is among others, where it can be held against any of them: a record has codes of several systems. */
function isAmong<T>(
  one: T,
  others: readonly T[],
  isComparable: (other: T) => boolean,
  isSame: (one: T, other: T) => boolean,
): boolean {
  const comparable = others.filter(isComparable);
  return comparable.length < others.length || comparable.some((other) => isSame(one, other));
}

const isOneCode = (one: Code, other: Code): boolean => one.code === other.code;
const isOneKind = (one: Code, other: Code): boolean =>
  classKind(one) === classKind(other) && (classKind(one) !== 'coding' || one.system === other.system);
/** A profile without a version is of every version. */
const isOneClass = ({ code = '' }: Code, { code: outer = '' }: Code): boolean =>
  code === outer || code.split('|')[0] === outer;

/** A side that is left open is that of the outer one. */
function beyondPeriod(inner: Provision['period'], outer: Provision['period']): string[] {
  const [span, around] = [spanOfPeriod(inner), spanOfPeriod(outer)];
  if (span === undefined || around === undefined) return [];
  const isBefore = inner?.start !== undefined && (spanOf(inner.start)?.start ?? 0) < around.start;
  const isAfter = inner?.end !== undefined && (spanOf(inner.end)?.end ?? 0) > around.end;
  return isBefore || isAfter || !overlaps(span, around) ? [''] : [];
}

/** What is related to a record, or depends on it, and what somebody authored may be any. */
function isAmongData({ meaning, reference }: Data, outer: readonly Data[]): boolean {
  if (meaning !== 'instance' || outer.some((one) => one.meaning !== 'instance')) return true;
  return outer.some((one) => one.reference?.reference === reference?.reference);
}

/** Whom an actor may be: of one of some organisations, one of some people, or anybody. */
interface Whom {
  organisations: readonly string[];
  /** Names of people with their organisation; undefined where all of the organisations are meant. */
  people?: readonly string[];
}

function isAmongActors(actor: Actor, outer: readonly Actor[], home: Home): boolean {
  const recipients = outer.filter((one) => !isCustodian(one));
  const whom = isCustodian(actor) ? undefined : whomOf(actor, home);
  if (whom === undefined || recipients.length === 0) return true;
  return recipients.some((one) => {
    const around = whomOf(one, home);
    if (around === undefined) return true;
    if (!whom.organisations.every((name) => around.organisations.includes(name))) return false;
    return around.people === undefined || (whom.people?.every((one) => around.people!.includes(one)) ?? false);
  });
}

/** Of whom the data is, which is said beside who sees it. */
const isCustodian = ({ role }: Actor): boolean => (role?.coding ?? []).some(({ code }) => code === 'CST');

/** Undefined where the text does not tell: a role alone, or a caretaker. */
function whomOf({ reference }: Actor, { provider, bound }: Home): Whom | undefined {
  if (reference === undefined) return undefined;
  const named: NamedActor = actorNamed(reference, provider);
  if (named.kind === 'organisation') return { organisations: [named.name] };
  const people = bound[keyOfActor(named) ?? ''];
  if (people !== undefined)
    return {
      organisations: people.map(({ organisation }) => organisation),
      people: people.map(({ organisation, practitioner }) => `${organisation}/${practitioner}`),
    };
  if (named.kind !== 'practitioner' || named.organisation === undefined || named.isRelative) return undefined;
  return { organisations: [named.organisation], people: [`${named.organisation}/${named.fhirUser}`] };
}
