/** Values of a resource as the elements of a profile name them, and how they are compared with what it fixes. */
import { isNumber, textOfNumber } from '@telemed-ledger/chaincode/model/numbers.ts';

export type Members = Readonly<Record<string, unknown>>;

export interface Found {
  value: unknown;
  /** FHIRPath of its place. */
  path: string;
  /** Of a choice: as its JSON name says. */
  type?: string;
}

export const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isNumber(value);

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
const PRIMITIVE =
  /^(Base64Binary|Boolean|Canonical|Code|Date|DateTime|Decimal|Id|Instant|Integer|Markdown|Oid|PositiveInt|String|Time|UnsignedInt|Uri|Url|Uuid)$/;

/** The values of an element, `value[x]` of any type, in their order. A primitive that has extensions alone is there. */
export function valuesOf(holder: Members, name: string, path: string): Found[] {
  const choice = /^(.+)\[x\]$/.exec(name)?.[1];
  const names = choice === undefined ? [name] : namesOfChoice(holder, choice);
  return names.flatMap((one) => {
    const value = holder[one] ?? holder[`_${one}`];
    const type = choice === undefined ? {} : { type: typeIn(one.slice(choice.length)) };
    if (value === undefined) return [];
    if (!Array.isArray(value)) return [{ value, path: `${path}.${one}`, ...type }];
    return value.map((each, index) => ({ value: each as unknown, path: `${path}.${one}[${index}]`, ...type }));
  });
}

const namesOfChoice = (holder: Members, choice: string): string[] => [
  ...new Set(
    Object.keys(holder)
      .map((name) => name.replace(/^_/, ''))
      .filter((name) => name.startsWith(choice) && /^[A-Z]/.test(name.slice(choice.length))),
  ),
];

const typeIn = (suffix: string): string => (PRIMITIVE.test(suffix) ? lower(suffix) : suffix);

/** Everything under a path of names, with the arrays on the way. */
export const under = (value: unknown, names: readonly string[]): unknown[] =>
  names.reduce<unknown[]>(
    (all, name) => all.flatMap((one) => (isMembers(one) ? valuesOf(one, name, '').map((found) => found.value) : [])),
    [value],
  );

const numberOf = (value: unknown): string | undefined =>
  isNumber(value) ? String(Number(textOfNumber(value))) : undefined;

/** Whether a value is what a profile fixes (`isWhole`), or has at least what its pattern has. */
export function agrees(value: unknown, wanted: unknown, isWhole: boolean): boolean {
  const number = numberOf(wanted);
  if (number !== undefined) return numberOf(value) === number;
  if (Array.isArray(wanted)) {
    if (!Array.isArray(value) || (isWhole && value.length !== wanted.length)) return false;
    return wanted.every((one, index) =>
      isWhole ? agrees(value[index], one, true) : value.some((each) => agrees(each, one, false)),
    );
  }
  if (!isMembers(wanted)) return value === wanted;
  if (!isMembers(value) || (isWhole && Object.keys(value).length !== Object.keys(wanted).length)) return false;
  return Object.entries(wanted).every(([name, one]) => agrees(value[name], one, isWhole));
}
