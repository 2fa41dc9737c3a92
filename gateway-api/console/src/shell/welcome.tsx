/** What whoever is not signed in sees: what this is, why nobody is signed in, and the way in. */
import { useEffect, useState } from 'preact/hooks';
import { useWords } from '../language.ts';
import type { Key } from '../messages/en.ts';
import { hrefOf } from '../route.ts';
import { left, signIn } from '../sign-in.ts';
import { useValue } from '../value.ts';

const WHY: Partial<Record<typeof left.now, Key>> = {
  'signed-out': 'signedOut',
  idle: 'signedOutIdle',
  ended: 'signedOutEnded',
  denied: 'signInDenied',
  failed: 'signInFailed',
};

export function Welcome() {
  const { t } = useWords();
  const why = WHY[useValue(left)];
  const [isNone, setNone] = useState(false);
  useEffect(() => {
    document.title = 'Telemed Ledger';
  }, []);
  const begin = async (): Promise<void> => setNone(!(await signIn().catch(() => false)));
  return (
    <section class="welcome">
      {why === undefined ? null : (
        <p class="notice" role="status">
          {t(why)}
        </p>
      )}
      <h1>{t('welcome')}</h1>
      <p class="lead">{t('welcomeLead')}</p>
      <ul class="points">
        <li>{t('welcomeLog')}</li>
        <li>{t('welcomeConsents')}</li>
        <li>{t('welcomeBills')}</li>
      </ul>
      <p class="actions">
        <button type="button" class="main" onClick={() => void begin()}>
          {t('signIn')}
        </button>
        <a class="button" href={hrefOf('network')}>
          {t('seeNetwork')}
        </a>
      </p>
      {isNone ? (
        <p class="notice warn" role="alert">
          {t('signInElsewhere')}
        </p>
      ) : null}
    </section>
  );
}
