/** A file is chosen, or dropped. */
import { useState } from 'preact/hooks';
import { useWords } from '../language.ts';

interface DropProps {
  label: string;
  file: File | undefined;
  onFile(file: File | undefined): void;
}

export function Drop({ label, file, onFile }: DropProps) {
  const { t } = useWords();
  const [isOver, setOver] = useState(false);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    onFile(event.dataTransfer?.files[0]);
  };
  return (
    // The field in it does the same by keyboard.
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is one more way
    <div
      class={isOver ? 'drop over' : 'drop'}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <label>
        {label}
        <input type="file" onChange={({ currentTarget }) => onFile(currentTarget.files?.[0])} />
      </label>
      {file === undefined ? <span class="soft">{t('dropHere')}</span> : <bdi>{file.name}</bdi>}
    </div>
  );
}
