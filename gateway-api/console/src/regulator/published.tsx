/** Figures that payers publish of prior authorizations, read from their files in this browser and put beside each other. */
import { useState } from 'preact/hooks';
import { FiguresTable } from '../authorizations/figures.tsx';
import { type Figures, figuresIn } from '../authorizations/published.ts';
import { useWords } from '../language.ts';
import { Drop } from '../parts/drop.tsx';

const keyOf = ({ payer, year }: Figures): string => `${payer} ${year}`;

export function Published() {
  const { t } = useWords();
  const [all, setAll] = useState<readonly Figures[]>([]);
  const [isNone, setNone] = useState(false);
  const read = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    const figures = figuresIn(await file.text());
    setNone(figures === undefined);
    if (figures !== undefined) setAll((before) => [...before.filter((one) => keyOf(one) !== keyOf(figures)), figures]);
  };
  return (
    <>
      <p class="lead">{t('publishedLead')}</p>
      <Drop label={t('figuresOf')} file={undefined} onFile={(file) => void read(file)} />
      {isNone ? (
        <p class="notice bad" role="alert">
          {t('noFigures')}
        </p>
      ) : null}
      {all.length === 0 ? null : <FiguresTable of={all} />}
    </>
  );
}
