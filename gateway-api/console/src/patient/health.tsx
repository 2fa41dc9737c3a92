/** My health: allergies and medication first, results over time, visits, immunisations; in the words of whoever recorded them. */
import type {
  AllergyIntolerance,
  Condition,
  Encounter,
  Immunization,
  MedicationRequest,
  Observation,
} from '@medplum/fhirtypes';
import type { ComponentChildren } from 'preact';
import { useWords } from '../language.ts';
import type { Key } from '../messages/en.ts';
import { conceptOf } from '../parts/fhir-texts.ts';
import { type Paged, usePaged } from '../parts/loading.ts';
import { Empty, More, WhenLoaded } from '../parts/states.tsx';
import { Results } from './results.tsx';

export function Health() {
  const { t, date } = useWords();
  return (
    <>
      <p class="lead">{t('healthLead')}</p>
      <Section title="allergies" of={usePaged<AllergyIntolerance>('AllergyIntolerance?_count=50')}>
        {(one) => <Line key={one.id} what={conceptOf(one.code)} when={date(one.recordedDate)} />}
      </Section>
      <Section title="medication" of={usePaged<MedicationRequest>('MedicationRequest?_count=50&_sort=-authoredon')}>
        {(one) => (
          <Line
            key={one.id}
            what={conceptOf(one.medicationCodeableConcept) || (one.medicationReference?.display ?? '')}
            more={one.dosageInstruction?.map(({ text }) => text ?? '').join(' ')}
            when={date(one.authoredOn)}
            tag={one.status}
          />
        )}
      </Section>
      <Results of={usePaged<Observation>('Observation?_count=100&_sort=-date')} />
      <Section title="conditions" of={usePaged<Condition>('Condition?_count=50')}>
        {(one) => <Line key={one.id} what={conceptOf(one.code)} when={date(one.onsetDateTime ?? one.recordedDate)} />}
      </Section>
      <Section title="visits" of={usePaged<Encounter>('Encounter?_count=50&_sort=-date')}>
        {(one) => (
          <Line
            key={one.id}
            what={conceptOf(one.type?.[0]) || (one.class.display ?? one.class.code ?? '')}
            more={one.participant?.map(({ individual }) => individual?.display ?? '').join(' ')}
            when={date(one.period?.start)}
            tag={one.status}
          />
        )}
      </Section>
      <Section title="immunisations" of={usePaged<Immunization>('Immunization?_count=50&_sort=-date')}>
        {(one) => <Line key={one.id} what={conceptOf(one.vaccineCode)} when={date(one.occurrenceDateTime)} />}
      </Section>
    </>
  );
}

interface SectionProps<T> {
  title: Key;
  of: Paged<T>;
  children: (one: T) => ComponentChildren;
}

function Section<T>({ title, of, children }: SectionProps<T>) {
  const { t } = useWords();
  return (
    <section>
      <h2>{t(title)}</h2>
      <WhenLoaded of={of}>
        {(found) =>
          found.length === 0 ? <Empty>{t('nothingRecorded')}</Empty> : <ul class="lines">{found.map(children)}</ul>
        }
      </WhenLoaded>
      <More of={of} />
    </section>
  );
}

interface LineProps {
  what: string;
  when: string;
  more?: string | undefined;
  tag?: string | undefined;
}

const Line = ({ what, when, more, tag }: LineProps) => (
  <li>
    <span class="what" dir="auto">
      {what}
      {more === undefined || more === '' ? null : <small> {more}</small>}
    </span>
    {tag === undefined ? null : <span class="tag">{tag}</span>}
    <span class="when">{when}</span>
  </li>
);
