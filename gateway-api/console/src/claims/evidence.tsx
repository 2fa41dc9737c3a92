/** The records that a claim rests on, as far as the patient permits: asked for when somebody looks, since each look is in her log. */
import { useCallback, useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from '../parts/doing.ts';
import { Done } from '../parts/done.tsx';
import { conceptOf } from '../parts/fhir-texts.ts';
import { useLoaded } from '../parts/loading.ts';
import { Empty, WhenLoaded } from '../parts/states.tsx';

interface Kept {
  evidence: { record: string; resource?: Record<string, unknown> }[];
  purgedAt?: string;
}

export function Evidence({ id }: { id: string }) {
  const { t } = useWords();
  const [isShown, setShown] = useState(false);
  return (
    <section>
      <h2>{t('evidence')}</h2>
      {isShown ? (
        <Shown id={id} />
      ) : (
        <>
          <p class="soft">{t('evidenceLogged')}</p>
          <p class="actions">
            <button type="button" onClick={() => setShown(true)}>
              {t('showEvidence')}
            </button>
          </p>
        </>
      )}
    </section>
  );
}

const codeIn = ({ code, type, class: visit }: Record<string, unknown>): string =>
  conceptOf((code ?? [type].flat()[0] ?? (visit && { coding: [visit] })) as never);

function Shown({ id }: { id: string }) {
  const { t, date } = useWords();
  const doing = useDoing();
  const [isAsked, setAsked] = useState(false);
  const path = `/claims/${id}/evidence`;
  const load = useCallback(async (signal: AbortSignal) => (await ask<Kept>({ path, signal })).body, [path]);
  const loaded = useLoaded(load);
  const request = (): void =>
    doing.run(async (key) => {
      await ask({ method: 'POST', path, body: {}, headers: { 'Idempotency-Key': key } });
      setAsked(true);
    });
  return (
    <WhenLoaded of={loaded}>
      {({ evidence, purgedAt }) => (
        <>
          {purgedAt === undefined ? null : <p class="notice">{t('evidencePurged', { day: date(purgedAt) })}</p>}
          {evidence.length === 0 ? <Empty>{t('nothingRecorded')}</Empty> : null}
          <ul class="lines">
            {evidence.map(({ record, resource }) => (
              <li key={record}>
                <span class="what" dir="auto">
                  {record.split('/')[0]} {resource === undefined ? '' : codeIn(resource)}
                </span>
                <span class={resource === undefined ? 'tag warn' : 'tag good'}>
                  {t(resource === undefined ? 'evidenceWithheld' : 'evidenceShown')}
                </span>
              </li>
            ))}
          </ul>
          {evidence.some(({ resource }) => resource === undefined) && !isAsked ? (
            <p class="actions">
              <button type="button" onClick={request} disabled={doing.isBusy}>
                {t('askEvidence')}
              </button>
            </p>
          ) : null}
          <Done of={doing} again={request}>
            {isAsked ? t('evidenceAsked') : null}
          </Done>
        </>
      )}
    </WhenLoaded>
  );
}
