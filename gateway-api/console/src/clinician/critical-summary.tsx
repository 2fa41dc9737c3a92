/** What one must know of a patient before anything else, at the top of her visit. */
import type { Bundle } from '@medplum/fhirtypes';
import { useCallback } from 'preact/hooks';
import { ask, fhirPath } from '../api.ts';
import { useWords } from '../language.ts';
import { useLoaded } from '../parts/loading.ts';
import { WhenLoaded } from '../parts/states.tsx';
import { CRITICAL, type Line, type Part, partsIn } from './critical.ts';

export function CriticalSummary({ patient }: { patient: string }) {
  const { t } = useWords();
  const load = useCallback(
    async (signal: AbortSignal): Promise<Part[]> =>
      partsIn((await ask<Bundle>({ path: fhirPath(`Patient/${patient}/$summary`), signal })).body),
    [patient],
  );
  const summary = useLoaded(load);
  return (
    <section aria-labelledby="critical">
      <h2 id="critical">{t('criticalFirst')}</h2>
      <WhenLoaded of={summary}>
        {(parts) => {
          const others = parts.filter(({ code, lines }) => lines.length > 0 && !isCritical(code));
          return (
            <>
              <div class="critical">
                {(['allergies', 'conditions', 'medication'] as const).map((name) => {
                  const lines = parts.find(({ code }) => code === CRITICAL[name])?.lines ?? [];
                  return (
                    <div key={name} class={name === 'allergies' && lines.length > 0 ? 'card warn' : 'card'}>
                      <h3>{t(name)}</h3>
                      <Lines of={lines} />
                    </div>
                  );
                })}
              </div>
              {others.length === 0 ? null : (
                <details>
                  <summary>{t('summaryMore')}</summary>
                  {others.map(({ code, title, lines }) => (
                    <div key={code}>
                      <h3 dir="auto">{title}</h3>
                      <Lines of={lines} />
                    </div>
                  ))}
                </details>
              )}
            </>
          );
        }}
      </WhenLoaded>
    </section>
  );
}

const isCritical = (code: string): boolean => (Object.values(CRITICAL) as string[]).includes(code);

function Lines({ of }: { of: readonly Line[] }) {
  const { t } = useWords();
  if (of.length === 0) return <p class="soft">{t('nothingRecorded')}</p>;
  return (
    <ul>
      {of.map(({ text, more, isHigh }, index) => (
        <li key={`${text} ${index}`}>
          <bdi>{text}</bdi>{' '}
          {more === '' ? null : (
            <small>
              <bdi>{more}</bdi>
            </small>
          )}{' '}
          {isHigh ? <span class="tag bad">{t('highRisk')}</span> : null}
        </li>
      ))}
    </ul>
  );
}
