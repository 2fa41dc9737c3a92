/** My consents: each in plain words, those in force first, with a way to withdraw it and a word about what that cannot undo. */
import type { Consent } from '@medplum/fhirtypes';
import { useState } from 'preact/hooks';
import { ask, fhirPath } from '../api.ts';
import { useWords } from '../language.ts';
import { Confirm } from '../parts/confirm.tsx';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { usePaged } from '../parts/loading.ts';
import { Narrative } from '../parts/narrative.tsx';
import { Empty, More, WhenLoaded } from '../parts/states.tsx';
import { hrefOf } from '../route.ts';
import { consentSaid, type Said } from './saying.ts';

const isInForce = ({ status }: Consent): boolean => status === 'active';

export function Consents() {
  const { t } = useWords();
  const consents = usePaged<Consent>('Consent?_count=50');
  const [withdrawn, setWithdrawn] = useState<readonly string[]>([]);
  const [asked, setAsked] = useState<Consent | undefined>();
  const shown = (all: readonly Consent[]): Consent[] =>
    all.map((one) => (withdrawn.includes(one.id ?? '') ? { ...one, status: 'inactive' as const } : one));
  return (
    <>
      <p class="lead">{t('consentsLead')}</p>
      <p class="actions">
        <a class="button main" href={hrefOf('consents/new')}>
          {t('newConsent')}
        </a>
      </p>
      <div role="status">{withdrawn.length > 0 ? <p class="notice good">{t('withdrawn')}</p> : null}</div>
      <WhenLoaded of={consents}>
        {(found) => {
          const all = shown(found);
          const [inForce, ended] = [all.filter(isInForce), all.filter((one) => !isInForce(one))];
          return (
            <>
              <h2>{t('inForce')}</h2>
              {inForce.length === 0 ? <Empty>{t('noConsents')}</Empty> : null}
              <ul class="cards">
                {inForce.map((one) => (
                  <ConsentCard key={one.id} consent={one} onWithdraw={() => setAsked(one)} />
                ))}
              </ul>
              {ended.length === 0 ? null : (
                <details>
                  <summary>{t('ended', { count: ended.length })}</summary>
                  <ul class="cards">
                    {ended.map((one) => (
                      <ConsentCard key={one.id} consent={one} />
                    ))}
                  </ul>
                </details>
              )}
            </>
          );
        }}
      </WhenLoaded>
      <More of={consents} />
      {asked === undefined ? null : (
        <Withdrawing
          consent={asked}
          onDone={() => setWithdrawn([...withdrawn, asked.id ?? ''])}
          onLeave={() => setAsked(undefined)}
        />
      )}
    </>
  );
}

function ConsentCard({ consent, onWithdraw }: { consent: Consent; onWithdraw?: () => void }) {
  const words = useWords();
  const { t, date } = words;
  const said = consentSaid(consent, words);
  return (
    <li class="card">
      {said === undefined ? <p>{t('consentOther')}</p> : <SaidPart said={said} />}
      {said?.hasMore === true || said === undefined ? <p class="soft">{t('consentMore')}</p> : null}
      {consent.text?.div === undefined ? null : (
        <details>
          <summary>{t('narrative')}</summary>
          <Narrative div={consent.text.div} />
        </details>
      )}
      <p class="soft">{t('given', { day: date(consent.dateTime ?? consent.meta?.lastUpdated) })}</p>
      {onWithdraw === undefined ? null : (
        <p class="actions">
          <button type="button" onClick={onWithdraw}>
            {t('withdraw')}
          </button>
        </p>
      )}
    </li>
  );
}

export function SaidPart({ said }: { said: Said }) {
  const { t } = useWords();
  return (
    <>
      <p>
        <span class={said.isPermit ? 'tag good' : 'tag bad'}>{t(said.isPermit ? 'permits' : 'denies')}</span>{' '}
        {said.sentence}
      </p>
      {said.exceptions.length === 0 ? null : (
        <>
          <p>{t('except')}</p>
          <ul>
            {said.exceptions.map((one) => (
              <li key={one.sentence}>
                <SaidPart said={one} />
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

interface WithdrawingProps {
  consent: Consent;
  onDone(): void;
  onLeave(): void;
}

function Withdrawing({ consent, onDone, onLeave }: WithdrawingProps) {
  const { t } = useWords();
  const doing = useDoing();
  const withdraw = (): void =>
    doing.run(async (key) => {
      const { meta, text: _text, ...rest } = consent;
      await ask({
        ...{ method: 'PUT', path: fhirPath(`Consent/${consent.id}`), body: { ...rest, status: 'inactive' } },
        headers: { 'If-Match': `W/"${meta?.versionId}"`, 'Idempotency-Key': key },
      });
      onDone();
      onLeave();
    });
  return (
    <Confirm title={t('withdrawTitle')} action={t('withdraw')} isBusy={doing.isBusy} onDo={withdraw} onLeave={onLeave}>
      <ul>
        <li>{t('withdrawFromNow')}</li>
        <li>{t('withdrawCopies')}</li>
        <li>{t('withdrawSeen')}</li>
        <li>{t('withdrawForGood')}</li>
      </ul>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite />}
    </Confirm>
  );
}
