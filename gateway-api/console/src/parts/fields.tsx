/** Fields of forms, each with its label; and a choice of a few. */
import type { ComponentChildren } from 'preact';

interface FieldProps {
  label: string;
  value: string;
  onInput(value: string): void;
  type?: 'text' | 'date' | 'number';
  isNeeded?: boolean;
  /** What is typed in is of Latin letters, as codes are. */
  isCode?: boolean;
  max?: number;
}

export const Field = ({ label, value, onInput, type = 'text', isNeeded, isCode, max }: FieldProps) => (
  <label class="asked">
    {label}
    <input
      type={type as 'text'}
      value={value}
      required={isNeeded}
      maxLength={max}
      step={type === 'number' ? 'any' : undefined}
      min={type === 'number' ? '0' : undefined}
      autocomplete="off"
      dir={isCode === true ? 'ltr' : 'auto'}
      onInput={({ currentTarget }) => onInput(currentTarget.value)}
    />
  </label>
);

/** Of several lines. */
export const Text = ({ label, value, onInput, isNeeded, max }: FieldProps) => (
  <label class="asked">
    {label}
    <textarea
      rows={3}
      value={value}
      required={isNeeded}
      maxLength={max}
      dir="auto"
      onInput={({ currentTarget }) => onInput(currentTarget.value)}
    />
  </label>
);

interface ChoiceProps<T extends string> {
  label: string;
  value: NoInfer<T>;
  options: readonly (readonly [value: T, label: string])[];
  onChoose(value: NoInfer<T>): void;
}

/** One of some, as a list that opens. */
export const Choice = <T extends string>({ label, value, options, onChoose }: ChoiceProps<T>) => (
  <label class="asked">
    {label}
    <select value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value as T)}>
      {options.map(([one, said]) => (
        <option key={one} value={one}>
          {said}
        </option>
      ))}
    </select>
  </label>
);

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
