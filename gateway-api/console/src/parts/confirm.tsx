/** A question before what cannot be taken back: a dialog of the browser's own, which keeps the focus in it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useWords } from '../language.ts';

export interface ConfirmProps {
  title: string;
  /** What the button that does it says. */
  action: string;
  isBusy: boolean;
  children: ComponentChildren;
  onDo(): void;
  onLeave(): void;
}

export function Confirm({ title, action, isBusy, children, onDo, onLeave }: ConfirmProps) {
  const { t } = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={onLeave} aria-labelledby="confirm">
      <h2 id="confirm">{title}</h2>
      {children}
      <p class="actions">
        <button type="button" class="danger" disabled={isBusy} onClick={onDo}>
          {isBusy ? t('working') : action}
        </button>
        <button type="button" onClick={() => dialog.current?.close()}>
          {t('keepAsIs')}
        </button>
      </p>
    </dialog>
  );
}
