/** What a route is sent is never repeated in what it answers: through every schema of every route, at every depth. */
import { LedgerError } from '@telemed-ledger/chaincode/model/errors.ts';
import { expect } from 'chai';
import { z } from 'zod';
import { ROUTES } from '../subjects/table.ts';
import { faultOf, parsedInput } from './bodies.ts';

const SECRET = 'Mary Jones has hepatitis';

/** Definitions hold schemas as they are, in lists (`options`, `items`) and under names (`shape`). */
function innerIn(member: unknown): z.core.$ZodType[] {
  if (isSchema(member)) return [member];
  return typeof member === 'object' && member !== null ? Object.values(member).filter(isSchema) : [];
}
const isSchema = (value: unknown): value is z.core.$ZodType => value instanceof z.core.$ZodType;

/** The parts of a schema: what stands in its objects, arrays, choices, maps and behind its conversions. */
function partsOf(schema: z.core.$ZodType, seen = new Set<z.core.$ZodType>()): Set<z.core.$ZodType> {
  if (seen.has(schema)) return seen;
  seen.add(schema);
  const { checks: _, ...def } = (schema as z.core.$ZodTypes)._zod.def;
  for (const one of Object.values(def).flatMap((member: unknown) => innerIn(member))) partsOf(one, seen);
  return seen;
}

describe('What is wrong with the input of a route', () => {
  it('is told without any of its keys and values, whatever the route', () => {
    const sent = [SECRET, { [SECRET]: SECRET }, [SECRET], [{ [SECRET]: SECRET }], { [SECRET]: { [SECRET]: 1 } }, 0.5];
    let [unknown, told] = [0, 0];
    for (const { method, path, ...row } of ROUTES) {
      for (const schema of [row.parameters, row.query, row.body].filter((one) => one !== undefined)) {
        for (const part of partsOf(schema)) {
          for (const value of sent) {
            for (const issue of z.safeParse(part, value).error?.issues ?? []) {
              const { place, reason } = faultOf(issue);
              expect(`${place} ${reason}`, `${method} ${path}`).to.not.include('Mary').and.not.include('hepatitis');
              told += 1;
              if (issue.code === 'unrecognized_keys') unknown += 1;
            }
          }
        }
      }
    }
    expect(told).to.be.greaterThan(500);
    expect(unknown).to.be.greaterThan(50);
  });

  it('is told with its place and how many members are not known', () => {
    const schema = z.strictObject({ parts: z.array(z.strictObject({ amount: z.int() })) });
    const faultIn = (value: unknown): string => {
      try {
        parsedInput(schema, value);
      } catch (error) {
        if (error instanceof LedgerError) return `${error.expression} ${error.reason}`;
      }
      return 'nothing';
    };
    expect(faultIn({ parts: [], [SECRET]: 1 })).to.equal('$ has a member that is not known');
    expect(faultIn({ parts: [{ amount: 1, [SECRET]: 1, x: 2 }] })).to.equal('parts.0 has 2 members that are not known');
    expect(faultIn({ parts: [{ amount: SECRET }] })).to.match(/^parts\.0\.amount /);
    expect(faultIn({ parts: [{ amount: 1 }] })).to.equal('nothing');
  });

  it('is told of a map without its keys', () => {
    const { error } = z.record(z.string(), z.int()).safeParse({ [SECRET]: SECRET });
    expect(faultOf(error!.issues[0]!).place).to.equal('*');
  });
});
