/** How far one is with what takes several steps. */
import { useWords } from '../language.ts';
import type { Key } from '../messages/en.ts';

export function Progress({ of, step }: { of: readonly Key[]; step: number }) {
  const { t } = useWords();
  return (
    <ol class="progress" aria-label={t('steps')}>
      {of.map((one, index) => (
        <li key={one} aria-current={index === step ? 'step' : undefined} class={index < step ? 'done' : ''}>
          {t(one)}
        </li>
      ))}
    </ol>
  );
}
