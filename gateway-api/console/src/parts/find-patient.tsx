/** Finding one of the organisation's own patients by number or name: what is looked for goes in a form, and stands in no address. */
import type { Patient } from '@medplum/fhirtypes';
import { useState } from 'preact/hooks';
import { searchByForm } from '../api.ts';
import { useWords } from '../language.ts';
import { useDoing } from './doing.ts';
import { Failure } from './failure.tsx';
import { nameOf } from './fhir-texts.ts';
import { Field } from './fields.tsx';
import { Empty } from './states.tsx';

const MOST = '20';

export function FindPatient({ action, onChoose }: { action: string; onChoose(patient: Patient): void }) {
  const { t, date } = useWords();
  const [text, setText] = useState('');
  const [found, setFound] = useState<readonly Patient[] | undefined>();
  const doing = useDoing();
  const find = (): void =>
    doing.run(async () => {
      const [byNumber, byName] = await Promise.all(
        ['identifier', 'name'].map((one) => searchByForm<Patient>('Patient', { [one]: text.trim(), _count: MOST })),
      );
      setFound(byNumber!.length > 0 ? byNumber : byName);
    });
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== '') find();
      }}
    >
      <Field label={t('patientSought')} hint={t('patientSoughtHint')} value={text} onInput={setText} />
      <p class="actions">
        <button type="submit" disabled={doing.isBusy || text.trim() === ''}>
          {t(doing.isBusy ? 'working' : 'find')}
        </button>
      </p>
      {doing.problem === undefined ? null : <Failure problem={doing.problem} again={find} />}
      <div role="status">{found?.length === 0 ? <Empty>{t('nobodyFound')}</Empty> : null}</div>
      <ul class="cards">
        {found?.map((one) => (
          <li key={one.id} class="card row">
            <p>
              <strong>
                <bdi>{nameOf(one.name) || t('nameless')}</bdi>
              </strong>{' '}
              <small>
                {date(one.birthDate)} <bdi>{one.identifier?.[0]?.value}</bdi>
              </small>
            </p>
            <button type="button" onClick={() => onChoose(one)}>
              {action}
            </button>
          </li>
        ))}
      </ul>
    </form>
  );
}
