/** Messages: texts with places for values, and texts by the plural of a number. */

/** By the plural categories of CLDR; `other` stands for all that a language does not tell apart. */
export type Plural = { other: string } & Partial<Record<'zero' | 'one' | 'two' | 'few' | 'many', string>>;
export type Message = string | Plural;
export type Filled = Readonly<Record<string, string | number>>;

/** A message with its values: `{name}` is put in as it is, `{count}` chooses the plural and is written as the language does. */
export function filled(message: Message, values: Filled, locale: string): string {
  const text = typeof message === 'string' ? message : pluralOf(message, Number(values['count'] ?? 0), locale);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? new Intl.NumberFormat(locale).format(value) : isolated(value);
  });
}

const pluralOf = (message: Plural, count: number, locale: string): string =>
  message[new Intl.PluralRules(locale).select(count)] ?? message.other;

/** A name of either direction stands in a text of either without turning it round (U+2068, U+2069). */
const isolated = (value: string): string => `\u2068${value}\u2069`;
