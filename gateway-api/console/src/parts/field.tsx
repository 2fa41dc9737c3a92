/** What a person writes or chooses, with its name, a hint, and what is wrong with it where something is. */
import { useId } from 'preact/hooks';

interface Named {
  label: string;
  value: string;
  hint?: string;
  /** What is wrong with it. */
  fault?: string | undefined;
}

interface FieldProps extends Named {
  onInput(value: string): void;
  /** Several lines. */
  rows?: number;
  /** A number is typed: phones show digits. */
  isNumber?: boolean;
}

export function Field({ label, value, hint, fault, onInput, rows, isNumber = false }: FieldProps) {
  const id = useId();
  const shared = {
    ...{ id, value, dir: 'auto' as const, autocomplete: 'off' as const },
    'aria-describedby': hint === undefined && fault === undefined ? undefined : `${id}-more`,
    'aria-invalid': fault === undefined ? undefined : true,
    onInput: ({ currentTarget }: { currentTarget: { value: string } }) => onInput(currentTarget.value),
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {rows === undefined ? (
        <input {...shared} type="text" inputMode={isNumber ? 'decimal' : undefined} />
      ) : (
        <textarea {...shared} rows={rows} />
      )}
      <More id={id} hint={hint} fault={fault} />
    </div>
  );
}

const More = ({ id, hint, fault }: { id: string; hint: string | undefined; fault: string | undefined }) =>
  hint === undefined && fault === undefined ? null : (
    <div id={`${id}-more`}>
      {hint === undefined ? null : <small>{hint}</small>}
      {fault === undefined ? null : <p class="fault">{fault}</p>}
    </div>
  );

interface SelectProps extends Named {
  /** Value and text. */
  of: readonly (readonly [string, string])[];
  onChoose(value: string): void;
}

export function Select({ label, value, hint, fault, of, onChoose }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        aria-describedby={hint === undefined && fault === undefined ? undefined : `${id}-more`}
        onChange={({ currentTarget }) => onChoose(currentTarget.value)}
      >
        {of.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
      <More id={id} hint={hint} fault={fault} />
    </div>
  );
}
