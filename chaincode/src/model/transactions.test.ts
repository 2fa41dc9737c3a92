import { expect } from 'chai';
import type { z } from 'zod';
import { accumulatorSchema, returnSchema } from './accumulators.ts';
import { claimRecordSchema, claimResponseRecordSchema, feeScheduleSchema, remittanceRecordSchema } from './claims.ts';
import { reviewOutcomeSchema, reviewSchema } from './emergencies.ts';
import { erasedMarkSchema, erasureSchema } from './erasures.ts';
import { resourceSchema } from './fhir.ts';
import { planRecordSchema } from './plans.ts';
import { contentSchema, copiesSchema, placeSchema, sheetSchema } from './sheets.ts';
import {
  accessRequestSchema,
  accessStateSchema,
  anchoredSchema,
  claimStateSchema,
  consentStateSchema,
  licenceStateSchema,
  markSchema,
  type Transaction,
  transactions,
} from './transactions.ts';

interface Def {
  type: string;
  format?: string;
  shape?: Record<string, z.ZodType>;
  catchall?: z.ZodType;
  element?: z.ZodType;
  innerType?: z.ZodType;
  options?: z.ZodType[];
  keyType?: z.ZodType;
  valueType?: z.ZodType;
  pattern?: unknown;
  checks?: { _zod: { def: { check: string; pattern?: unknown; maximum?: number; minimum?: number } } }[];
}

const defOf = (schema: z.ZodType): Def => schema.def as unknown as Def;

/** What a schema leaves open: places of strings without length or character set, numbers without range, lists without end. */
function openPlaces(schema: z.ZodType, at: string): string[] {
  // A resource is bounded as a whole, by its own walk.
  if (schema === (resourceSchema as z.ZodType)) return [];
  const def = defOf(schema);
  const checks = (def.checks ?? []).map((check) => check._zod.def);
  const has = (...kinds: string[]): boolean => kinds.every((kind) => checks.some(({ check }) => check === kind));
  switch (def.type) {
    case 'string': {
      const patterns = [def.pattern, ...checks.map(({ pattern }) => pattern)];
      const isPatterned =
        patterns.some((pattern) => pattern instanceof RegExp) || schema.meta()?.['characters'] !== undefined;
      return has('max_length') && isPatterned ? [] : [`${at}: a string without length or character set`];
    }
    case 'number':
      return has('less_than', 'greater_than') ? [] : [`${at}: a number without range`];
    case 'array':
      return [
        ...(has('max_length') || has('length_equals') ? [] : [`${at}: a list without end`]),
        ...openPlaces(def.element!, `${at}[]`),
      ];
    case 'record':
      return [
        ...(schema.meta()?.['maxProperties'] === undefined ? [`${at}: a table without end`] : []),
        ...openPlaces(def.keyType!, `${at}.*`),
        ...openPlaces(def.valueType!, `${at}.*`),
      ];
    case 'object':
      return [
        ...(defOf(def.catchall!).type === 'never' ? [] : [`${at}: members that are not named`]),
        ...Object.entries(def.shape!).flatMap(([name, member]) => openPlaces(member, `${at}.${name}`)),
      ];
    case 'optional':
    case 'nullable':
    case 'default':
      return openPlaces(def.innerType!, at);
    case 'union':
      return def.options!.flatMap((option) => openPlaces(option, at));
    case 'enum':
    case 'literal':
    case 'boolean':
    // Facts of a finding: made by the rules, never by a caller.
    case 'lazy':
      return [];
    default:
      return [`${at}: a ${def.type}`];
  }
}

describe('the transaction table', () => {
  for (const [name, definition] of Object.entries(transactions) as [string, Transaction][])
    it(`bounds every string, number and list of ${name}`, () => {
      const { input, output } = definition;
      const found = [...openPlaces(input, 'input'), ...openPlaces(output, 'output')];
      if (definition.private !== undefined) found.push(...openPlaces(definition.private, 'private'));
      expect(found).to.deep.equal([]);
    });

  it('bounds every string, number and list of what lies on the ledger', () => {
    const stored = {
      accessRequestSchema,
      reviewSchema,
      reviewOutcomeSchema,
      accessStateSchema,
      anchoredSchema,
      claimStateSchema,
      consentStateSchema,
      copiesSchema,
      contentSchema,
      sheetSchema,
      placeSchema,
      erasedMarkSchema,
      erasureSchema,
      markSchema,
    };
    const more = {
      licenceStateSchema,
      planRecordSchema,
      accumulatorSchema,
      returnSchema,
      claimRecordSchema,
      claimResponseRecordSchema,
      feeScheduleSchema,
    };
    const all = Object.entries({ ...stored, ...more, remittanceRecordSchema });
    expect(all.flatMap(([name, schema]) => openPlaces(schema, name))).to.deep.equal([]);
  });

  it('notices what is left open', async () => {
    const { z: zod } = await import('zod');
    const open = zod.strictObject({
      a: zod.string(),
      b: zod.array(zod.int().min(1)),
      c: zod.record(zod.string(), zod.any()),
    });
    expect(openPlaces(open, '$')).to.have.length(6);
  });
});

describe('a resource', () => {
  const resource = (content: object) => ({ resourceType: 'Observation', id: 'a', ...content });
  const deep = (levels: number): object => (levels === 0 ? {} : { extension: [deep(levels - 1)] });
  const refused: [string, object][] = [
    ['U+0000', { note: 'a\0b' }],
    ['another control character', { note: 'a\u0007b' }],
    ['half of a surrogate pair', { code: { text: '\ud800' } }],
    ['its other half, in a list', { category: [{ text: 'x' }, { text: 'a\udc00' }] }],
    ['a noncharacter', { note: '\uffff' }],
    ['a control character in a name', { 'no\0te': 1 }],
    ['a name longer than any element has', { ['n'.repeat(300)]: 1 }],
    ['levels without end', deep(40)],
  ];
  for (const [what, content] of refused)
    it(`is refused with ${what}`, () => {
      expect(resourceSchema.safeParse(resource(content)).success).to.equal(false);
    });

  it('is read whole, however long its texts are', () => {
    const data = 'ab\u{1F600}c'.repeat(3_000_000);
    expect(resourceSchema.safeParse(resource({ data })).success).to.equal(true);
    expect(resourceSchema.safeParse(resource({ data: `${data}\0` })).success).to.equal(false);
  });

  it('holds tabs, line ends, every language and an astral character', () => {
    const text = 'a\tb\r\nc – ß ü 漢字 عربى 👩‍⚕️ \u{1F600}';
    expect(resourceSchema.safeParse(resource({ text: { div: text }, note: [text] })).success).to.equal(true);
  });
});
