/** Asking another member for a patient's records: whose, from whom, which; or in an emergency, with what follows of it said first. */
import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { Confirm } from '../parts/confirm.tsx';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { nameOf } from '../parts/fhir-texts.ts';
import { Choice, Field } from '../parts/fields.tsx';
import { FindPatient } from '../parts/find-patient.tsx';
import { KindChoice } from '../parts/kind-choice.tsx';
import { useLoaded } from '../parts/loading.ts';
import { missingIn, NOTHING_WANTED, numberOf, requestOf, type Wanted } from './asked.ts';
import { otherProviders } from './members.ts';

const WAITS = [
  ['1', 'day1'],
  ['7', 'days7'],
  ['30', 'days30'],
] as const;

export function Asking({ first, onAsked, onLeave }: { first: Wanted['patient']; onAsked(): void; onLeave(): void }) {
  const { t } = useWords();
  const providers = useLoaded(otherProviders).data ?? [];
  const [wanted, setWanted] = useState<Wanted>({ ...NOTHING_WANTED, patient: first });
  const [isTried, setTried] = useState(false);
  const [isSure, setSure] = useState(false);
  const doing = useDoing();
  const change = (some: Partial<Wanted>): void => setWanted({ ...wanted, ...some });
  const missing = missingIn(wanted);
  const send = (): void =>
    doing.run(async (key, at) => {
      const headers = { 'Idempotency-Key': key };
      await ask({ method: 'POST', path: '/access-requests', body: requestOf(wanted, at), headers });
      onAsked();
    });
  const begin = (): void => {
    setTried(true);
    if (missing.length > 0) return;
    if (wanted.isEmergency) setSure(true);
    else send();
  };
  return (
    <>
      <p>
        <button type="button" onClick={onLeave}>
          {t('back')}
        </button>
      </p>
      <h2>{t('whosePatient')}</h2>
      {wanted.patient === undefined ? (
        <FindPatient action={t('chooseThis')} onChoose={(patient) => change({ patient })} />
      ) : (
        <p class="card row">
          <span>
            <strong>
              <bdi>{nameOf(wanted.patient.name) || t('nameless')}</bdi>
            </strong>{' '}
            <small>{numberOf(wanted.patient)?.value ?? t('noNumber')}</small>
          </span>
          <button type="button" onClick={() => change({ patient: undefined })}>
            {t('another')}
          </button>
        </p>
      )}
      <Choice
        label={t('fromWhom')}
        value={wanted.holder}
        options={[['', t('pleaseChoose')], ...providers.map((name) => [name, name] as const)]}
        onChoose={(holder) => change({ holder })}
      />
      <KindChoice
        {...{ kinds: wanted.kinds, isEverything: wanted.isEverything }}
        legend={t('whichWanted')}
        onChange={change}
      />
      <fieldset>
        <legend>{t('howAsked')}</legend>
        {([false, true] as const).map((isEmergency) => (
          <label key={String(isEmergency)} class="option">
            <input
              type="radio"
              name="how"
              checked={wanted.isEmergency === isEmergency}
              onChange={() => change({ isEmergency })}
            />
            <span>{t(isEmergency ? 'askEmergency' : 'askOrdinary')}</span>
          </label>
        ))}
      </fieldset>
      {wanted.isEmergency ? (
        <>
          <GlassNotice />
          <Field
            label={t('glassReason')}
            hint={t('glassReasonHint')}
            rows={3}
            value={wanted.reason}
            fault={isTried && missing.includes('reason') ? t('glassReasonFault') : undefined}
            onInput={(reason) => change({ reason })}
          />
        </>
      ) : (
        <Choice
          label={t('waitHowLong')}
          hint={t('waitHint')}
          value={String(wanted.waitDays)}
          options={WAITS.map(([days, key]) => [days as string, t(key)] as const)}
          onChoose={(days) => change({ waitDays: Number(days) })}
        />
      )}
      {isTried && missing.length > 0 ? (
        <p class="notice bad" role="alert">
          {t('askMissing')}
        </p>
      ) : null}
      <p class="actions">
        <button type="button" class={wanted.isEmergency ? 'danger' : 'main'} onClick={begin} disabled={doing.isBusy}>
          {t(doing.isBusy ? 'working' : wanted.isEmergency ? 'breakGlass' : 'askNow')}
        </button>
      </p>
      {doing.problem === undefined || isSure ? null : <Failure problem={doing.problem} isWrite again={send} />}
      {isSure ? (
        <Confirm
          {...{ title: t('glassTitle'), action: t('breakGlassNow'), isBusy: doing.isBusy }}
          onDo={send}
          onLeave={() => setSure(false)}
        >
          <GlassNotice />
          {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite />}
        </Confirm>
      ) : null}
    </>
  );
}

/** What follows of breaking the glass. */
function GlassNotice() {
  const { t } = useWords();
  return (
    <div class="notice bad">
      <p>
        <strong>{t('glassLead')}</strong>
      </p>
      <ul>
        <li>{t('glassAtOnce')}</li>
        <li>{t('glassPatient')}</li>
        <li>{t('glassReview')}</li>
        <li>{t('glassForEver')}</li>
      </ul>
    </div>
  );
}
