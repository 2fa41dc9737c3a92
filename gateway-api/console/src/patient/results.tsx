/** Results: the newest value of each kind beside its range, with a line over time where there are several, and as a table. */
import type { Observation } from '@medplum/fhirtypes';
import { useEffect, useRef } from 'preact/hooks';
import { useWords } from '../language.ts';
import type { Key } from '../messages/en.ts';
import { conceptOf } from '../parts/fhir-texts.ts';
import type { Paged } from '../parts/loading.ts';
import { Empty, More, WhenLoaded } from '../parts/states.tsx';
import { lying, type Series, seriesOf } from './series.ts';

const LYING: Record<'low' | 'high' | 'within', Key> = { low: 'belowRange', high: 'aboveRange', within: 'withinRange' };

export function Results({ of }: { of: Paged<Observation> }) {
  const { t, date } = useWords();
  return (
    <section>
      <h2>{t('kind-results')}</h2>
      <WhenLoaded of={of}>
        {(found) => {
          const series = seriesOf(found);
          const others = found.filter((one) => one.valueQuantity === undefined && one.component === undefined);
          if (found.length === 0) return <Empty>{t('nothingRecorded')}</Empty>;
          return (
            <>
              <ul class="cards results">
                {series.map((one) => (
                  <Result key={one.name + one.unit} series={one} />
                ))}
              </ul>
              <ul class="lines">
                {others.map((one) => (
                  <li key={one.id}>
                    <span class="what" dir="auto">
                      {conceptOf(one.code)}: {one.valueString ?? conceptOf(one.valueCodeableConcept)}
                    </span>
                    <span class="when">{date(one.effectiveDateTime)}</span>
                  </li>
                ))}
              </ul>
            </>
          );
        }}
      </WhenLoaded>
      <More of={of} />
    </section>
  );
}

function Result({ series }: { series: Series }) {
  const { t, number, date } = useWords();
  const { name, unit, points, low, high } = series;
  const last = points.at(-1)!;
  const lies = lying(last.value, series);
  const range = [low, high].map((one) => (one === undefined ? '' : number(one))).join(' – ');
  return (
    <li class="card">
      <h3 dir="auto">{name}</h3>
      <p class="figure">
        <strong>{number(last.value)}</strong> <span dir="auto">{unit}</span>{' '}
        {lies === undefined ? null : <span class={lies === 'within' ? 'tag good' : 'tag warn'}>{t(LYING[lies])}</span>}
      </p>
      <p class="soft">
        {date(last.day)}
        {lies === undefined ? null : ` · ${t('range', { range })}`}
      </p>
      {points.length < 2 ? null : (
        <>
          <Chart series={series} />
          <details>
            <summary>{t('asTable')}</summary>
            <table>
              <thead>
                <tr>
                  <th scope="col">{t('day')}</th>
                  <th scope="col">{t('value')}</th>
                </tr>
              </thead>
              <tbody>
                {points.toReversed().map(({ at, day, value }) => (
                  <tr key={`${at} ${value}`}>
                    <td>{date(day)}</td>
                    <td>{number(value)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </details>
        </>
      )}
    </li>
  );
}

/** Drawn by uPlot, which is loaded with the first of them. Whoever does not see it has the table. */
function Chart({ series }: { series: Series }) {
  const words = useWords();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let end = (): void => {};
    let isGone = false;
    void import('./chart.ts').then(({ drawChart }) => {
      if (!isGone && place.current !== null) end = drawChart(place.current, series, words);
    });
    return () => {
      isGone = true;
      end();
    };
  }, [series, words]);
  return <div ref={place} class="chart" dir="ltr" aria-hidden="true" />;
}
