/** The way into the video call: its link is asked for when somebody wants in, is kept for a moment, and is shown to nobody else. */
import type { Parameters } from '@medplum/fhirtypes';
import { useEffect, useState } from 'preact/hooks';
import { ask, fhirPath } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from './doing.ts';
import { Failure } from './failure.tsx';

export function Join({ encounter }: { encounter: string }) {
  const { t, time } = useWords();
  const doing = useDoing();
  const [link, setLink] = useState<{ url: string; until: string } | undefined>();
  const getLink = (): void =>
    doing.run(async () => {
      const { body } = await ask<Parameters>({ method: 'POST', path: fhirPath(`Encounter/${encounter}/$join`) });
      const named = (name: string) => body.parameter?.find((one) => one.name === name);
      const url = named('link')?.valueUrl ?? named('link')?.valueUri ?? '';
      if (/^https:\/\//.test(url)) setLink({ url, until: named('until')?.valueInstant ?? '' });
    });
  useEffect(() => {
    if (link === undefined) return;
    const timer = setTimeout(() => setLink(undefined), Math.max(0, Date.parse(link.until) - Date.now()));
    return () => clearTimeout(timer);
  }, [link]);
  return (
    <>
      <p class="actions">
        {link === undefined ? (
          <button type="button" onClick={getLink} disabled={doing.isBusy}>
            {t(doing.isBusy ? 'working' : 'getLink')}
          </button>
        ) : (
          <>
            <a class="button main" href={link.url} target="_blank" rel="noopener noreferrer">
              {t('joinCall')}
            </a>
            <small>{t('linkUntil', { time: time(link.until) })}</small>
          </>
        )}
      </p>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} again={getLink} />}
    </>
  );
}
