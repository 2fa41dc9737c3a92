/** The register of licences: who may practise, what changes of it, one by one or by a list that is shown first with what it does. */
import { useState } from 'preact/hooks';
import { useWords } from '../language.ts';
import { Turn, useCursor } from '../parts/cursor.tsx';
import { Choice, Field } from '../parts/fields.tsx';
import { FileTaking } from '../parts/file-taking.tsx';
import { Empty, WhenLoaded } from '../parts/states.tsx';
import { type ImportedExclusions, type ImportedLicences, ImportedTable } from './imported.tsx';
import type { Licence } from './licence.ts';
import { LicenceChange } from './licence-change.tsx';

interface Page {
  licences: Licence[];
  total: number;
  next?: string;
}

export function Licences() {
  const { t } = useWords();
  const [inForce, setInForce] = useState<'' | 'true' | 'false'>('');
  const [organisation, setOrganisation] = useState('');
  const asked = new URLSearchParams({
    ...{ count: '25' },
    ...(inForce === '' ? {} : { inForce }),
    ...(/^[a-z][a-z0-9-]*$/.test(organisation) ? { organisation } : {}),
  });
  const pages = useCursor<Page>(`/licences?${asked}`);
  return (
    <>
      <p class="lead">{t('licencesLead')}</p>
      <div class="filters">
        <Choice
          label={t('filterStatus')}
          value={inForce}
          options={[
            ['', t('anyStatus')],
            ['true', t('inForce')],
            ['false', t('notInForce')],
          ]}
          onChoose={setInForce}
        />
        <Field label={t('organisation')} value={organisation} isCode onInput={setOrganisation} />
      </div>
      <WhenLoaded of={pages}>
        {({ licences, total }) => (
          <>
            <p class="soft" role="status">
              {t('licencesFound', { count: total })}
            </p>
            {licences.length === 0 ? <Empty>{t('noLicences')}</Empty> : <Rows of={licences} onChange={pages.again} />}
          </>
        )}
      </WhenLoaded>
      <Turn of={pages} />
      <h2>{t('lists')}</h2>
      <p class="soft">{t('listsLead')}</p>
      <FileTaking<ImportedLicences>
        label={t('licenceList')}
        path="/licences/list"
        type="text/csv"
        isAny={({ changes }) => changes.length > 0}
      >
        {(answer) => <ImportedTable {...answer} />}
      </FileTaking>
      <FileTaking<ImportedExclusions>
        label={t('exclusionList')}
        path="/licences/exclusions"
        type="text/csv"
        isAny={({ changes }) => changes.length > 0}
      >
        {(answer) => <ImportedTable {...answer} />}
      </FileTaking>
    </>
  );
}

function Rows({ of, onChange }: { of: readonly Licence[]; onChange(): void }) {
  const { t, date } = useWords();
  return (
    <ul class="cards">
      {of.map((one) => (
        <li key={one.number} class="card">
          <p>
            <strong dir="ltr">{one.number}</strong>{' '}
            <span class={one.inForce ? 'tag good' : 'tag bad'}>{t(one.inForce ? 'inForce' : 'notInForce')}</span>
            {one.because === undefined ? null : <code> {one.because}</code>}
          </p>
          <p class="soft">
            {t(`licence-${one.status}`)} · {date(one.start)} – {date(one.end)}
            {(one.practitioners ?? []).map(({ organisation, practitioner }) => (
              <bdi key={organisation + practitioner}> · {organisation}</bdi>
            ))}
          </p>
          <LicenceChange licence={one} onChange={onChange} />
        </li>
      ))}
    </ul>
  );
}
