/** A language's messages, and dates, numbers and money as it writes them. */
import { type Filled, filled } from './message.ts';
import type { Key, Messages } from './messages/en.ts';
import type { StaffKey, StaffMessages } from './messages/staff/en.ts';

export const LANGUAGES = { en: 'English', de: 'Deutsch', es: 'Español', ar: 'العربية' } as const;
export type Language = keyof typeof LANGUAGES;

export interface Words {
  language: Language;
  /** A message with its values in it. */
  t(key: Key | StaffKey, values?: Filled): string;
  /** Of an ISO 8601 date or time; what is none stands as it is. */
  date(text: string | undefined): string;
  time(text: string | undefined): string;
  /** The time of day alone. */
  hour(text: string | undefined): string;
  /** How far a time is from now: in 3 hours, 2 days ago. */
  fromNow(text: string): string;
  number(value: number): string;
  money(value: number, currency: string): string;
  list(parts: readonly string[]): string;
  /** A heading's word as it stands in the middle of a sentence. */
  inText(word: string): string;
}

interface Spoken {
  language: Language;
  /** Those of the desks only where one of them was opened. */
  messages: Messages & Partial<StaffMessages>;
}

/** How a language writes; each is made once. */
export function wordsOf({ language: one, messages }: Spoken): Words {
  // Arabic's digits are those of the whole page, so that numbers in running text and in tables are alike.
  const locale = one === 'en' ? navigatorLocale('en') : one;
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
  const wholeDay = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' });
  const minute = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
  const ofDay = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
  const numbers = new Intl.NumberFormat(locale, { maximumFractionDigits: 4 });
  const distances = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const lists = new Intl.ListFormat(locale, { type: 'conjunction' });
  const shown = (format: Intl.DateTimeFormat, text = ''): string => {
    const at = new Date(text);
    if (Number.isNaN(at.getTime())) return text;
    return (/^\d{4}-\d{2}-\d{2}$/.test(text) ? wholeDay : format).format(at);
  };
  return {
    language: one,
    t: (key, values = {}) => filled(messages[key] ?? '', values, locale),
    date: (text) => shown(day, text),
    time: (text) => shown(minute, text),
    hour: (text) => shown(ofDay, text),
    fromNow: (text) => distances.format(...distanceOf(Date.parse(text) - Date.now())),
    number: (value) => numbers.format(value),
    money: (value, currency) => new Intl.NumberFormat(locale, { style: 'currency', currency }).format(value),
    list: (parts) => lists.format(parts),
    inText: (word) => (one === 'de' ? word : word.charAt(0).toLocaleLowerCase(locale) + word.slice(1)),
  };
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** In the largest unit that there are two of. */
function distanceOf(ms: number): [number, 'day' | 'hour' | 'minute'] {
  const size = Math.abs(ms);
  if (size >= 2 * DAY_MS) return [Math.trunc(ms / DAY_MS), 'day'];
  return size >= 2 * HOUR_MS ? [Math.trunc(ms / HOUR_MS), 'hour'] : [Math.trunc(ms / MINUTE_MS), 'minute'];
}

const navigatorLocale = (start: string): string =>
  globalThis.navigator?.languages.find((one) => one.toLowerCase().startsWith(start)) ?? start;
