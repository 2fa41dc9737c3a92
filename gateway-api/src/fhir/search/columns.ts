/** Parameters that a column of the versions answers, at the beginning of a query and at the end of a chain: ids and times. */
import { refuse } from '../outcomes.ts';
import type { Search } from '../repository.ts';
import { splitEscaped } from '../tokens.ts';
import { rangeOf } from './dates.ts';

export const badValue = (name: string, expected: string): never => refuse(400, 'value', `Expected ${expected}.`, name);

const INSTANT =
  /^(eq|ne|gt|ge|lt|le|sa|eb)?(\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)?)$/;

export function parseDate(name: string, text: string): NonNullable<Search['lastUpdated']>[number] {
  const found = INSTANT.exec(text.replace(' ', '+'));
  const value = found?.[2];
  if (value === undefined || rangeOf(value) === undefined) {
    return badValue(name, 'a date or instant, with eq, ne, gt, ge, lt, le, sa or eb before it');
  }
  return { prefix: (found?.[1] ?? 'eq') as 'eq', value };
}

/** Ids of `id`, `Type/id` or this server's `base/Type/id`; what names another type or server matches nothing. */
export function parseIds(name: string, type: string, text: string, baseUrl: string): string[] {
  const values = splitEscaped(text, ',');
  if (values.includes('')) badValue(name, 'ids, separated by commas');
  return values.flatMap((value) => {
    const relative = value.startsWith(`${baseUrl}/`) ? value.slice(baseUrl.length + 1) : value;
    const id = relative.startsWith(`${type}/`) ? relative.slice(type.length + 1) : relative;
    return /^[A-Za-z0-9.-]{1,64}$/.test(id) ? [id] : [];
  });
}
