/** The languages of the log, one file each in texts/: what a language must say, and which is chosen. */
import { ar } from './texts/ar.ts';
import { de } from './texts/de.ts';
import { en } from './texts/en.ts';
import { es } from './texts/es.ts';

export const TEXTS = { en, de, es, ar } as const;
export type Language = keyof typeof TEXTS;
export const LANGUAGES = Object.keys(TEXTS) as Language[];

const isLanguage = (text: string): text is Language => text in TEXTS;

/** The first language of an Accept-Language (RFC 9110, section 12.5.4) that there is, English where there is none. */
export function languageIn(header: string | undefined): Language {
  const wanted = (header ?? '')
    .split(',', 50)
    .map((part) => {
      const [tag = '', weight = ''] = part.trim().split(/\s*;\s*q\s*=\s*/i);
      return { language: tag.toLowerCase().split('-')[0] ?? '', q: weight === '' ? 1 : Number(weight) };
    })
    .filter(({ q }) => q > 0)
    .sort((one, other) => other.q - one.q);
  return wanted.map(({ language }) => language).find(isLanguage) ?? 'en';
}
