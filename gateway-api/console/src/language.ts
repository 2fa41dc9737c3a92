/** The language that the pages are shown in: chosen, kept, and its messages loaded alone. */
import type { Messages } from './messages/en.ts';
import type { StaffMessages } from './messages/staff/en.ts';
import { useValue, Value } from './value.ts';
import { LANGUAGES, type Language, type Words, wordsOf } from './words.ts';

const LOADED: Record<Language, () => Promise<{ messages: Messages }>> = {
  en: () => import('./messages/en.ts'),
  de: () => import('./messages/de.ts'),
  es: () => import('./messages/es.ts'),
  ar: () => import('./messages/ar.ts'),
};
/** What is said at the desks of those who work with claims, payments, licences and the network: loaded with the first of these. */
const OF_STAFF: Record<Language, () => Promise<{ messages: StaffMessages }>> = {
  en: () => import('./messages/staff/en.ts'),
  de: () => import('./messages/staff/de.ts'),
  es: () => import('./messages/staff/es.ts'),
  ar: () => import('./messages/staff/ar.ts'),
};
const KEPT = 'language';

const isRightToLeft = (one: Language): boolean => one === 'ar';
const isLanguage = (text: string): text is Language => text in LANGUAGES;

const chosen = (): Language => {
  const wanted = [localStorage.getItem(KEPT) ?? '', ...navigator.languages];
  return wanted.map((one) => one.slice(0, 2).toLowerCase()).find(isLanguage) ?? 'en';
};

interface Spoken {
  language: Language;
  messages: (Messages & Partial<StaffMessages>) | undefined;
  /** Those of the desks are among them. */
  isStaff: boolean;
}

const spoken = new Value<Spoken>({ language: chosen(), messages: undefined, isStaff: false });

export const language = (): Language => spoken.now.language;

/** Shows the pages in a language from now on. It is a taste and says nothing of health: the browser keeps it. */
export async function speak(next: Language = language(), isStaff = spoken.now.isStaff): Promise<void> {
  const [{ messages }, staff] = await Promise.all([LOADED[next](), isStaff ? OF_STAFF[next]() : undefined]);
  localStorage.setItem(KEPT, next);
  document.documentElement.lang = next;
  document.documentElement.dir = isRightToLeft(next) ? 'rtl' : 'ltr';
  spoken.set({ language: next, messages: { ...messages, ...staff?.messages }, isStaff });
}

/** Has the messages of the desks, too. */
export const speakToStaff = async (): Promise<void> => {
  if (!spoken.now.isStaff) await speak(language(), true);
};

let made: { of: Spoken; words: Words } | undefined;

/** The words of the language that is spoken; a page is drawn only once it has some. */
export function useWords(): Words {
  const of = useValue(spoken);
  const { messages } = of;
  if (messages === undefined) throw new Error('no language is spoken yet');
  if (made?.of !== of) made = { of, words: wordsOf({ language: of.language, messages }) };
  return made.words;
}
