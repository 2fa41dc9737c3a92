/** What stands around every page: who one is, where one can go, the language, and whether the gateway can be reached. */
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { actsFor } from '../acting.ts';
import { speak, useWords } from '../language.ts';
import { hrefOf, route } from '../route.ts';
import { session, signIn, signOut } from '../sign-in.ts';
import { useValue } from '../value.ts';
import { LANGUAGES, type Language } from '../words.ts';
import { type Page, pagesOf } from './pages.ts';
import { turnTheme } from './theme.ts';
import { Welcome } from './welcome.tsx';

export function Shell() {
  const words = useWords();
  const who = useValue(session);
  const path = useValue(route);
  const pages = pagesOf(who, useValue(actsFor)?.acts);
  const page = pages.find((one) => one.path === path) ?? (who === undefined ? undefined : pages[0]);
  return (
    <>
      <a class="skip" href="#main">
        {words.t('skip')}
      </a>
      <header class="top">
        <a class="mark" href={hrefOf('')}>
          <Mark />
          Telemed Ledger
        </a>
        <div class="tools">
          <LanguageChoice />
          <button
            type="button"
            class="plain"
            aria-label={words.t('theme')}
            title={words.t('theme')}
            onClick={turnTheme}
          >
            <span aria-hidden="true">◐</span>
          </button>
          {who === undefined ? (
            <button type="button" class="main" onClick={() => void signIn()}>
              {words.t('signIn')}
            </button>
          ) : (
            <button type="button" onClick={() => void signOut()}>
              {words.t('signOut')}
            </button>
          )}
        </div>
      </header>
      <Menu pages={pages} current={page} />
      <Connection />
      <main id="main" tabIndex={-1}>
        {page === undefined ? <Welcome /> : <Shown key={page.path} page={page} />}
      </main>
      <footer>
        <a href="/docs">{words.t('forProgrammers')}</a>
      </footer>
    </>
  );
}

const Mark = () => (
  <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
    <rect width="32" height="32" rx="8" class="mark-ground" />
    <path d="M6 17h5l3-8 4 14 3-6h5" class="mark-line" />
  </svg>
);

function LanguageChoice() {
  const { t, language } = useWords();
  return (
    <label class="language">
      <span class="unseen">{t('language')}</span>
      <select value={language} onChange={({ currentTarget }) => void speak(currentTarget.value as Language)}>
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Menu({ pages, current }: { pages: readonly Page[]; current: Page | undefined }) {
  const { t } = useWords();
  const shown = pages.filter(({ isInner }) => isInner !== true);
  const isIn = ({ path }: Page): boolean => current !== undefined && current.path.split('/')[0] === path;
  return (
    <nav aria-label={t('menu')}>
      <ul>
        {shown.map((page) => (
          <li key={page.path}>
            <a href={hrefOf(page.path)} aria-current={isIn(page) ? 'page' : undefined}>
              {t(page.title)}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** Says that the browser is offline, as soon as it knows. */
function Connection() {
  const { t } = useWords();
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = (): void => setOnline(navigator.onLine);
    addEventListener('online', look);
    addEventListener('offline', look);
    return () => {
      removeEventListener('online', look);
      removeEventListener('offline', look);
    };
  }, []);
  return <div role="status">{isOnline ? null : <p class="notice warn">{t('offline')}</p>}</div>;
}

/** A page, which is loaded first; its heading gets the focus, so that a screen reader says where one is. */
function Shown({ page }: { page: Page }) {
  const { t } = useWords();
  const [Component, setComponent] = useState<ComponentType | undefined>();
  const [isBroken, setBroken] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const title = t(page.title);
  useEffect(() => {
    page.load().then(
      (loaded) => setComponent(() => loaded),
      () => setBroken(true),
    );
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [page]);
  useEffect(() => {
    document.title = `${title} · Telemed Ledger`;
  }, [title]);
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {isBroken ? <p class="notice warn">{t('pageMissing')}</p> : null}
      {Component === undefined ? null : <Component />}
    </>
  );
}
