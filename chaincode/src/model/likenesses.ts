/**
 * What two Patients that are one human may have in common where neither a number nor a whole name is: enough for somebody to look at
 * both, and too little to tell that they are one. Each is a hash; the screening of claims looks for it under a key of its own.
 */
import { z } from 'zod';
import { sha256Hex } from './canonical.ts';
import { objectsOf } from './claim-evidence.ts';
import { LedgerError } from './errors.ts';
import type { Resource } from './fhir.ts';
import { hashSchema } from './texts.ts';

/** What is alike. */
const LIKE = [
  'name-and-birth-date',
  'name-and-contact',
  'birth-date-and-contact',
  'birth-date-and-postal-code',
] as const;

/** The most that a claim is looked for by: each is a key in every day that it bills. */
const MAX_LIKENESSES = 40;

export const likenessSchema = z.strictObject({ by: z.enum(LIKE), hash: hashSchema });
export type Likeness = z.infer<typeof likenessSchema>;
/** An item of a claim, and by what it is like another claim's. */
export const alikeItemSchema = z.strictObject({
  item: z.int().min(1).max(1_000_000),
  by: z.array(z.enum(LIKE)).min(1),
});
export type AlikeItem = z.infer<typeof alikeItemSchema>;
export const likenessesSchema = z.array(likenessSchema).max(MAX_LIKENESSES);

/** From this age on twins are not taken to one visit by one parent. */
const OF_AGE = 18;

/**
 * The likenesses of a Patient, each once. Twins share birth date, address and telephone: of children, and of whoever is said to be of a
 * multiple birth, the given name counts as well.
 * @param day of the service, YYYY-MM-DD
 * @throws LedgerError INVALID at `Patient` where there are more than anybody has
 */
export function likenessesOf(patient: Resource, day: string): Likeness[] {
  const { birthDate } = patient as { birthDate?: unknown };
  const born = typeof birthDate === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(birthDate) ? birthDate : undefined;
  const names = objectsOf(patient['name']).flatMap(namesIn);
  const contacts = objectsOf(patient['telecom']).flatMap(contactIn);
  const codes = objectsOf(patient['address']).flatMap(postalCodeIn);
  const firsts = born !== undefined && isToldByName(patient, born, day) ? names.map(({ first }) => first) : [''];
  const found = new Map<string, Likeness>();
  const add = (by: Likeness['by'], ...parts: string[]): void => {
    const hash = sha256Hex(`likeness/${JSON.stringify([by, ...parts])}`);
    found.set(hash, { by, hash });
  };
  for (const { whole } of names) {
    if (born !== undefined) add('name-and-birth-date', whole, ...dateParts(born));
    for (const contact of contacts) add('name-and-contact', whole, contact);
  }
  for (const first of born === undefined ? [] : firsts) {
    for (const contact of contacts) add('birth-date-and-contact', born!, contact, first);
    for (const code of codes) add('birth-date-and-postal-code', born!, code, first);
  }
  if (found.size > MAX_LIKENESSES)
    throw new LedgerError('INVALID', 'has too many names, contacts and addresses', 'Patient');
  return [...found.values()];
}

const isToldByName = (patient: Resource, born: string, day: string): boolean =>
  `${Number(born.slice(0, 4)) + OF_AGE}${born.slice(4)}` > day ||
  patient['multipleBirthBoolean'] === true ||
  patient['multipleBirthInteger'] !== undefined;

/** Day and month are told apart by nobody who mistakes one for the other. */
function dateParts(born: string): string[] {
  const [year = '', ...rest] = born.split('-');
  return [year, ...rest.sort()];
}

interface Named {
  /** The first given name as it sounds; empty where there is none. */
  first: string;
  /** It and the family name as they sound, whichever is called which. */
  whole: string;
}

/** A name of several families is each of them, and all together. */
function namesIn({ family, given, text }: Record<string, unknown>): Named[] {
  const words = typeof text === 'string' ? lettersOf(text).split(' ') : [];
  const firsts = typeof [given].flat()[0] === 'string' ? lettersOf(String([given].flat()[0])).split(' ') : words;
  const families = typeof family === 'string' ? lettersOf(family).split(' ') : words.slice(-1);
  const first = soundOf(firsts[0] ?? '');
  const all = [...new Set([families.join(''), ...families.filter((word) => word.length > 3)].map(soundOf))];
  return all
    .filter((one) => one !== '' && first !== '')
    .map((one) => ({ first, whole: [first, one].sort().join(' ') }));
}

/** Without accents, apostrophes and case; hyphens part words. */
const lettersOf = (name: string): string =>
  name
    .normalize('NFD')
    .replace(/[\p{M}'’`.]/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** American Soundex of Latin letters (archives.gov/research/census/soundex); other scripts as they are written. */
function soundOf(word: string): string {
  if (!/^[a-z]+$/.test(word)) return word;
  let sound = word[0]!;
  let before = digitOf(sound);
  for (const letter of word.slice(1)) {
    const digit = digitOf(letter);
    if (digit !== '' && digit !== before) sound += digit;
    // H and W part no equal sounds; vowels do.
    if (!'hw'.includes(letter)) before = digit;
  }
  return sound.padEnd(SOUND_LENGTH, '0').slice(0, SOUND_LENGTH);
}
const SOUND_LENGTH = 4;
const SOUNDS = ['bfpv', 'cgjkqsxz', 'dt', 'l', 'mn', 'r'];
const digitOf = (letter: string): string => {
  const at = SOUNDS.findIndex((letters) => letters.includes(letter));
  return at < 0 ? '' : String(at + 1);
};

/** Digits of a telephone number without its country's; an e-mail address in small letters. */
function contactIn({ system, value }: Record<string, unknown>): string[] {
  if (typeof value !== 'string') return [];
  if (system === 'email') return value.includes('@') ? [value.trim().toLowerCase()] : [];
  if (system !== 'phone' && system !== 'sms') return [];
  const digits = value.replace(/\D/g, '').replace(/^0+/, '');
  return digits.length < LEAST_DIGITS || /^(\d)\1*$/.test(digits) ? [] : [digits.slice(-LONGEST_NUMBER)];
}
const LEAST_DIGITS = 7;
const LONGEST_NUMBER = 10;

/** Of the United States the first five digits. */
function postalCodeIn({ postalCode }: Record<string, unknown>): string[] {
  if (typeof postalCode !== 'string') return [];
  const code = postalCode.toUpperCase().replace(/[^0-9A-Z]/g, '');
  if (code.length < 3 || /^0+$/.test(code)) return [];
  return [/^\d{9}$/.test(code) ? code.slice(0, 5) : code];
}
