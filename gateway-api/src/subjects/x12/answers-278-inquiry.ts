/** The requests for authorization that an inquiry means, each as a patient event of the 278 that answers it (005010X215). Pure. */

import { objectsOf } from '@telemed-ledger/chaincode/model/claim-evidence.ts';
import { firstDay } from '@telemed-ledger/chaincode/model/days.ts';
import type { Resource } from '@telemed-ledger/chaincode/model/fhir.ts';
import { type Fault278, faultSegment, inParts, isPended, named, ofEvent } from './answers-278.ts';
import { codeIn } from './decided-lines.ts';
import type { Inquiry278, ReadInquiry278 } from './inquiries-278.ts';
import type { Level } from './levels.ts';
import { effectiveSegment, messageSegments, reviewOf, reviewSegment } from './reviews-278.ts';
import { CPT, HCPCS, ITEM_TRACE_NUMBER, PLACES, SERVICE_TYPES } from './terms.ts';
import { compactDay, type Written } from './writing.ts';

type Members = Record<string, unknown>;

/** A request for authorization, as its newest step left it. */
export interface Standing278 {
  claim: Resource;
  response: Resource;
}
export type Found278 = { found: readonly Standing278[] } | { fault: Fault278 };

/** The segments between ST and SE. @param now ISO 8601 UTC */
export function answerInquiry278(
  { levels, inquiries, reference, component }: ReadInquiry278,
  answers: ReadonlyMap<Inquiry278, Found278>,
  now: string,
): Written[] {
  const all = [...answers.values()].flatMap((one) => ('found' in one ? one.found : []));
  const isOpen = all.some(({ response }) => isPended(response));
  const writer = new Writer();
  const said = levels
    .filter(({ code }) => code !== 'SS')
    .flatMap((level) => {
      const inquiry = inquiries.find((one) => one.level === level);
      return inquiry === undefined
        ? writer.above(level, inquiries, answers)
        : writer.events(inquiry, answers.get(inquiry));
    });
  const time = now.slice(11, 16).replace(':', '');
  return [
    ['BHT', '0007', '11', reference, compactDay(now), time, isOpen ? '19' : '18'],
    ...said.map((one) => inParts(one, component)),
  ];
}

/** Levels are numbered anew: each request that is found has some of its own. */
class Writer {
  readonly #ids = new Map<Level, string>();
  #next = 1;

  #hl(parent: string, code: string, hasChildren: boolean): { id: string; segment: Written } {
    const id = String(this.#next++);
    return { id, segment: ['HL', id, parent, code, hasChildren ? '1' : '0'] };
  }

  above(level: Level, inquiries: readonly Inquiry278[], answers: ReadonlyMap<Inquiry278, Found278>): Written[] {
    const { id, segment } = this.#hl(this.#ids.get(level.parent!) ?? '', level.code, level.hasChildren);
    this.#ids.set(level, id);
    const below = inquiries.filter((one) => one.level.parent === level).map((one) => answers.get(one));
    const fault = below.find((one) => one !== undefined && 'fault' in one && one.fault.at === level.code);
    return [segment, ...named(level), ...(fault !== undefined && 'fault' in fault ? [faultSegment(fault.fault)] : [])];
  }

  events({ level, trace }: Inquiry278, answer: Found278 | undefined): Written[] {
    const parent = this.#ids.get(level.parent!) ?? '';
    const found = answer !== undefined && 'found' in answer ? answer.found : [];
    const own: Written[] = trace === '' ? [] : [['TRN', '2', trace]];
    if (found.length > 0) return found.flatMap((one) => this.#event(one, parent, own));
    const fault: Fault278 = { code: 'AA', at: 'EV' };
    const isAbove = answer !== undefined && 'fault' in answer && answer.fault.at !== 'EV';
    return [this.#hl(parent, 'EV', false).segment, ...own, ...(isAbove ? [] : [faultSegment(fault)])];
  }

  #event({ claim, response }: Standing278, parent: string, own: readonly Written[]): Written[] {
    const items = objectsOf(claim['item']);
    const { id, segment } = this.#hl(parent, 'EV', items.length > 0);
    const isInstitutional = codeIn(claim['type'], CLAIM_TYPES) === 'institutional';
    const decided = objectsOf(response['item']);
    return [
      segment,
      ...own,
      ['UM', isInstitutional ? 'AR' : 'HS', 'I'],
      ...ofEvent(response),
      ...items.flatMap((item) => {
        const line = decided.find(({ itemSequence }) => itemSequence === item['sequence']);
        return [this.#hl(id, 'SS', false).segment, ...serviceSegments(item, line)];
      }),
    ];
  }
}

const CLAIM_TYPES = 'http://terminology.hl7.org/CodeSystem/claim-type';

function serviceSegments(item: Members, decided: Members | undefined): Written[] {
  const review = decided && reviewOf(decided);
  const kind = codeIn(item['category'], SERVICE_TYPES) ?? codeIn(item['productOrService'], SERVICE_TYPES);
  const place = codeIn(item['locationCodeableConcept'], PLACES);
  return [
    ...traceOf(item),
    ...(kind === undefined && place === undefined
      ? []
      : [['UM', 'HS', 'I', kind ?? '', ...(place === undefined ? [] : [[place, 'B']])] as Written]),
    ...(review === undefined ? [] : [reviewSegment(review), ...effectiveSegment(review)]),
    ...daysOf(item),
    ...codeSegment(item, review?.quantity),
    ...(review === undefined ? [] : messageSegments(review)),
  ];
}

function traceOf(item: Members): Written[] {
  const trace = objectsOf(item['extension']).find(({ url }) => url === ITEM_TRACE_NUMBER)?.['valueIdentifier'];
  const value = (trace as { value?: string } | undefined)?.value;
  return value === undefined ? [] : [['TRN', '2', value]];
}

function daysOf(item: Members): Written[] {
  const { start, end = start } = (item['servicedPeriod'] ?? {}) as { start?: string; end?: string };
  const first = (item['servicedDate'] as string | undefined) ?? start;
  if (first === undefined) return [];
  const last = (item['servicedDate'] as string | undefined) ?? end ?? first;
  const [from, to] = [first, last].map((one) => compactDay(firstDay(one)));
  return [from === to ? ['DTP', '472', 'D8', from!] : ['DTP', '472', 'RD8', `${from}-${to}`]];
}

function codeSegment(item: Members, authorized: string | undefined): Written[] {
  const code = codeIn(item['productOrService'], CPT) ?? codeIn(item['productOrService'], HCPCS);
  if (code === undefined) return [];
  const asked = (item['quantity'] as { value?: unknown } | undefined)?.value;
  const quantity = authorized ?? (asked === undefined ? undefined : String(asked));
  return [['SV1', ['HC', code], ...(quantity === undefined ? [] : ['', 'UN', quantity])]];
}
