/** A visit that nobody booked: its patient is looked for first. */
import { useWords } from '../language.ts';
import { nameOf } from '../parts/fhir-texts.ts';
import { FindPatient } from '../parts/find-patient.tsx';
import { opened } from './opened.ts';

export function Unplanned() {
  const { t } = useWords();
  return (
    <details>
      <summary>{t('unplanned')}</summary>
      <FindPatient
        action={t('open')}
        onChoose={({ id = '', name, birthDate: born }) =>
          opened.set({ key: `new-${id}`, state: 'waiting', patient: id, name: nameOf(name), born, at: '' })
        }
      />
    </details>
  );
}
