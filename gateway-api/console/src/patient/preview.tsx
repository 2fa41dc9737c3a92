/** What a consent would let be seen if it were given: the gateway's own decision about each record (Consent/$evaluate), and the giving. */
import type { Consent, Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { useCallback, useMemo } from 'preact/hooks';
import { ask, fhirPath } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Failure } from '../parts/failure.tsx';
import { ORGANISATIONS } from '../parts/fhir-texts.ts';
import { useLoaded } from '../parts/loading.ts';
import { WhenLoaded } from '../parts/states.tsx';
import { SaidPart } from './consents.tsx';
import { type Kind, kindsOf } from './draft.ts';
import { consentSaid } from './saying.ts';

export interface PreviewProps {
  consent: Consent;
  /** Name of the organisation that would ask. */
  receiver: string;
  purpose: string;
  onGiven(given: { isKept: boolean; transactionId: string | undefined }): void;
}

interface Seen {
  /** Records that would be seen, by kind. */
  permitted: Map<Kind | 'other', number>;
  permittedCount: number;
  allCount: number;
  isIncomplete: boolean;
}

/** What the answer says of each record. */
function seenIn(parameters: readonly ParametersParameter[]): Seen {
  const permitted = new Map<Kind | 'other', number>();
  const decisions = parameters.filter(({ name }) => name === 'decision');
  const partOf = (one: ParametersParameter, name: string) => one.part?.find((part) => part.name === name);
  const allowed = decisions.filter((one) => partOf(one, 'outcome')?.valueCode === 'permit');
  for (const one of allowed) {
    const type = partOf(one, 'record')?.valueReference?.reference?.split('/')[0] ?? '';
    const kind = kindsOf([type]).kinds[0] ?? 'other';
    permitted.set(kind, (permitted.get(kind) ?? 0) + 1);
  }
  const isIncomplete = parameters.some(({ name }) => name === 'incomplete');
  return { permitted, permittedCount: allowed.length, allCount: decisions.length, isIncomplete };
}

async function evaluated({ consent, receiver, purpose }: PreviewProps, signal: AbortSignal): Promise<Seen> {
  const actor = consent.provision?.actor?.[0]?.reference;
  const person = actor?.type === 'Practitioner' ? actor.identifier?.value : undefined;
  const parameter = [
    { name: 'requestor', valueReference: { identifier: { system: ORGANISATIONS, value: receiver } } },
    { name: 'purpose', valueCode: purpose },
    ...(person === undefined
      ? [{ name: 'role', valueCode: 'practitioner' }]
      : [{ name: 'practitioner', valueReference: { reference: person } }]),
    { name: 'consent', resource: consent },
  ];
  const body = { resourceType: 'Parameters', parameter };
  const answer = await ask<Parameters>({ method: 'POST', path: fhirPath('Consent/$evaluate'), body, signal });
  return seenIn(answer.body.parameter ?? []);
}

export function Preview(props: PreviewProps) {
  const words = useWords();
  const { t } = words;
  const written = JSON.stringify(props.consent);
  const consent = useMemo(() => props.consent, [written]);
  const { receiver, purpose, onGiven } = props;
  const load = useCallback(
    (signal: AbortSignal) => evaluated({ consent, receiver, purpose, onGiven }, signal),
    [consent, receiver, purpose, onGiven],
  );
  const seen = useLoaded(load);
  const doing = useDoing();
  const give = (): void =>
    doing.run(async (key) => {
      const path = fhirPath('Consent');
      const headers = { 'Idempotency-Key': key };
      const { status, headers: answered } = await ask({ method: 'POST', path, body: consent, headers });
      onGiven({ isKept: status === 202, transactionId: answered.get('x-transaction-id') ?? undefined });
    });
  const said = consentSaid(consent, words);
  return (
    <>
      <div class="card">{said === undefined ? null : <SaidPart said={said} />}</div>
      <h3>{t('afterThis')}</h3>
      <WhenLoaded of={seen}>
        {({ permitted, permittedCount, allCount, isIncomplete }) => (
          <>
            <p>{t('wouldSee', { who: receiver, count: permittedCount, all: allCount })}</p>
            <ul>
              {[...permitted].map(([kind, count]) => (
                <li key={kind}>
                  {t(`kind-${kind}`)}: {words.number(count)}
                </li>
              ))}
            </ul>
            {isIncomplete ? <p class="soft">{t('notAllShown')}</p> : null}
            <p class="soft">{t('alsoLater')}</p>
            <p class="actions">
              <button type="button" class="main" onClick={give} disabled={doing.isBusy}>
                {t(doing.isBusy ? 'working' : 'give')}
              </button>
            </p>
          </>
        )}
      </WhenLoaded>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} isWrite again={give} />}
    </>
  );
}
