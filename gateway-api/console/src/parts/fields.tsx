/** What a person writes or chooses, each with its name, a hint, and what is wrong with it where something is. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface Named {
  label: string;
  value: string;
  hint?: string | undefined;
  /** What is wrong with it. */
  fault?: string | undefined;
}

interface FieldProps extends Named {
  onInput(value: string): void;
  /** A number's are digits on phones, also where it is written as text. */
  type?: 'text' | 'date' | 'number' | 'decimal';
  /** Several lines. */
  rows?: number;
  isNeeded?: boolean;
  /** What is typed in is of Latin letters, as codes are. */
  isCode?: boolean;
  max?: number;
}

export function Field({ label, value, hint, fault, onInput, type = 'text', ...asked }: FieldProps) {
  const more = useMore({ hint, fault });
  const shared = {
    ...{ value, required: asked.isNeeded, maxLength: asked.max, ...more.of },
    ...{ autocomplete: 'off' as const, dir: asked.isCode === true ? ('ltr' as const) : ('auto' as const) },
    onInput: ({ currentTarget }: { currentTarget: { value: string } }) => onInput(currentTarget.value),
  };
  const number = type === 'number' ? { step: 'any', min: '0' } : {};
  const typed = type === 'decimal' ? 'text' : type;
  return (
    <div class="field">
      <label for={more.of.id}>
        {label}
        {asked.rows === undefined ? (
          <input
            {...shared}
            {...number}
            type={typed as 'text'}
            inputMode={type === 'decimal' ? 'decimal' : undefined}
          />
        ) : (
          <textarea {...shared} rows={asked.rows} />
        )}
      </label>
      {more.said}
    </div>
  );
}

/** What is said below a field, outside of its name. */
function useMore({ hint, fault }: Pick<Named, 'hint' | 'fault'>) {
  const id = useId();
  const isThere = hint !== undefined || fault !== undefined;
  return {
    of: {
      ...{ id, 'aria-describedby': isThere ? `${id}-more` : undefined },
      'aria-invalid': fault === undefined ? undefined : true,
    },
    said: isThere ? (
      <div id={`${id}-more`}>
        {hint === undefined ? null : <small>{hint}</small>}
        {fault === undefined ? null : <p class="fault">{fault}</p>}
      </div>
    ) : null,
  };
}

interface ChoiceProps<T extends string> extends Named {
  value: NoInfer<T>;
  options: readonly (readonly [value: T, label: string])[];
  onChoose(value: NoInfer<T>): void;
}

/** One of some, as a list that opens. */
export function Choice<T extends string>({ label, value, hint, fault, options, onChoose }: ChoiceProps<T>) {
  const more = useMore({ hint, fault });
  return (
    <div class="field">
      <label>
        {label}
        <select value={value} {...more.of} onChange={({ currentTarget }) => onChoose(currentTarget.value as T)}>
          {options.map(([one, said]) => (
            <option key={one} value={one}>
              {said}
            </option>
          ))}
        </select>
      </label>
      {more.said}
    </div>
  );
}

interface FormProps {
  title?: string;
  children: ComponentChildren;
  onSend(): void;
}

/** Sent by its button or by the key, and by the page alone. */
export const Form = ({ title, children, onSend }: FormProps) => (
  <form
    class="form"
    onSubmit={(event) => {
      event.preventDefault();
      onSend();
    }}
  >
    {title === undefined ? null : <h2>{title}</h2>}
    {children}
  </form>
);
