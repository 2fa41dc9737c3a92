/** A file is shown first with what it does, and taken once that was seen. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ask } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from './doing.ts';
import { Done } from './done.tsx';
import { Drop } from './drop.tsx';

interface FileTakingProps<T> {
  label: string;
  /** Takes it by POST; with `preview=true` it only says what it does. */
  path: string;
  /** Media type. */
  type: string;
  /** Whether there is anything to take. */
  isAny(previewed: T): boolean;
  children: (answer: T, isPreview: boolean) => ComponentChildren;
}

interface Answered<T> {
  answer: T;
  isPreview: boolean;
}

export function FileTaking<T>({ label, path, type, isAny, children }: FileTakingProps<T>) {
  const { t } = useWords();
  const doing = useDoing();
  const [file, setFile] = useState<File | undefined>();
  const [answered, setAnswered] = useState<Answered<T> | undefined>();
  const send = (isPreview: boolean): void =>
    doing.run(async (key) => {
      const body = (await file?.text()) ?? '';
      const asked = `${path}?preview=${isPreview}`;
      const headers = isPreview ? {} : { 'Idempotency-Key': key };
      const answer = await ask<T>({ method: 'POST', path: asked, body, type, headers });
      setAnswered({ answer: answer.body, isPreview });
    });
  const choose = (chosen: File | undefined): void => {
    setFile(chosen);
    setAnswered(undefined);
  };
  const isShown = answered?.isPreview === true;
  return (
    <>
      <Drop label={label} file={file} onFile={choose} />
      <p class="actions">
        <button type="button" disabled={file === undefined || doing.isBusy} onClick={() => send(true)}>
          {t(doing.isBusy ? 'working' : 'showWhatItDoes')}
        </button>
        <button
          type="button"
          class="main"
          disabled={!isShown || doing.isBusy || !isAny(answered.answer)}
          onClick={() => send(false)}
        >
          {t('takeFile')}
        </button>
      </p>
      <Done of={doing} />
      <div role="status">
        {answered === undefined ? null : (
          <>
            <p class={answered.isPreview ? 'notice' : 'notice good'}>
              {t(answered.isPreview ? 'previewOnly' : 'fileTaken')}
            </p>
            {children(answered.answer, answered.isPreview)}
          </>
        )}
      </div>
    </>
  );
}
