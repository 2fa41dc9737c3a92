/** Which kinds of records: some of them, or everything. */
import type { ComponentChildren } from 'preact';
import { useWords } from '../language.ts';
import { KINDS, type Kind } from '../patient/draft.ts';

interface Chosen {
  kinds: readonly Kind[];
  isEverything: boolean;
}

interface KindChoiceProps extends Chosen {
  legend: string;
  onChange(some: Partial<Chosen>): void;
  /** What may be chosen beside. */
  children?: ComponentChildren;
}

export function KindChoice({ kinds, isEverything, legend, onChange, children }: KindChoiceProps) {
  const { t } = useWords();
  const turn = (kind: Kind, isOn: boolean): void =>
    onChange({ kinds: isOn ? [...kinds, kind] : kinds.filter((one) => one !== kind), isEverything: false });
  return (
    <fieldset>
      <legend>{legend}</legend>
      {(Object.keys(KINDS) as Kind[]).map((kind) => (
        <label key={kind} class="option">
          <input
            type="checkbox"
            checked={!isEverything && kinds.includes(kind)}
            onChange={({ currentTarget }) => turn(kind, currentTarget.checked)}
          />
          <span>{t(`kind-${kind}`)}</span>
        </label>
      ))}
      {children}
      <label class="option">
        <input
          type="checkbox"
          checked={isEverything}
          onChange={({ currentTarget }) => onChange({ isEverything: currentTarget.checked })}
        />
        <span>{t('everything')}</span>
      </label>
    </fieldset>
  );
}
