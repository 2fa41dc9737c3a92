/** Every message in every language: there, with the same values in it, and with all plural forms that the language tells apart. */
import { expect } from 'chai';
import type { Message } from '../message.ts';
import { LANGUAGES, type Language, wordsOf } from '../words.ts';
import { messages as ar } from './ar.ts';
import { messages as de } from './de.ts';
import { messages as en, type Key, type Messages } from './en.ts';
import { messages as es } from './es.ts';
import { messages as staffAr } from './staff/ar.ts';
import { messages as staffDe } from './staff/de.ts';
import type { StaffKey, StaffMessages } from './staff/en.ts';
import { messages as staffEn } from './staff/en.ts';
import { messages as staffEs } from './staff/es.ts';

const OF_PATIENTS: Record<Language, Messages> = { en, de, es, ar };
const OF_STAFF: Record<Language, StaffMessages> = { en: staffEn, de: staffDe, es: staffEs, ar: staffAr };
const whole = (language: Language): Record<Key | StaffKey, Message> => ({
  ...OF_PATIENTS[language],
  ...OF_STAFF[language],
});
const ENGLISH = whole('en');
const KEYS = Object.keys(ENGLISH) as (Key | StaffKey)[];
const textsOf = (message: Message): string[] => (typeof message === 'string' ? [message] : Object.values(message));
const valuesIn = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? '').sort();

describe('Messages of the pages', () => {
  for (const language of Object.keys(LANGUAGES) as Language[]) {
    const messages = whole(language);

    it(`are all there in ${language}, and no others`, () => {
      expect(Object.keys(OF_PATIENTS[language])).to.have.members(Object.keys(en));
      expect(Object.keys(OF_STAFF[language])).to.have.members(Object.keys(staffEn));
      // None stands in both, where one would hide the other.
      expect(KEYS).to.have.length(Object.keys(en).length + Object.keys(staffEn).length);
      const empty = KEYS.filter((key) => textsOf(messages[key]).some((text) => text.trim() === ''));
      expect(empty).to.deep.equal([]);
    });

    it(`name no value in ${language} that English does not`, () => {
      const differing = KEYS.filter((key) => {
        const known = new Set(textsOf(ENGLISH[key]).flatMap(valuesIn));
        const isPlural = typeof ENGLISH[key] !== 'string';
        return textsOf(messages[key]).some((text) => {
          const values = valuesIn(text);
          const isSame = values.every((value) => known.has(value)) && values.length >= known.size;
          // A plural form of one or two may say the number in words.
          return isPlural ? !values.every((value) => known.has(value)) : !isSame;
        });
      });
      expect(differing).to.deep.equal([]);
    });

    it(`have every plural form of ${language}`, () => {
      const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
      // Spanish tells millions apart, which are written alike here.
      const needed = forms.filter((form) => !(language === 'es' && form === 'many'));
      const lacking = KEYS.filter((key) => {
        const message = messages[key];
        return typeof message !== 'string' && needed.some((form) => !(form in message));
      });
      expect(lacking).to.deep.equal([]);
    });
  }

  it('differ from English, but for what is called alike', () => {
    const alike = KEYS.filter((key) => textsOf(ENGLISH[key]).join() === textsOf(whole('ar')[key]).join());
    expect(alike).to.deep.equal([]);
  });

  it('are filled with values, isolated from the direction around them, and with numbers as the language writes them', () => {
    const german = wordsOf({ language: 'de', messages: de });
    expect(german.t('requestId', { id: 'x-1' })).to.equal('Nummer für die Hilfe: \u2068x-1\u2069');
    expect(german.t('networkLeaves', { count: 12_345 })).to.equal('12.345 Transaktionen');
    expect(german.t('networkLeaves', { count: 1 })).to.equal('1 Transaktion');
    expect(german.money(1234.5, 'EUR')).to.match(/^1\.234,50\s€$/);
    expect(wordsOf({ language: 'ar', messages: ar }).t('networkLeaves', { count: 2 })).to.equal('معاملتان');
  });

  it('write a day as that day, wherever the reader is, and leave what is no date as it is', () => {
    const { date } = wordsOf({ language: 'en', messages: en });
    expect(date('2026-03-01'))
      .to.match(/\b1\b.*2026|2026/)
      .and.to.include('Mar');
    expect(date('last spring')).to.equal('last spring');
    expect(date(undefined)).to.equal('');
  });
});
