/** A line over time with the band of its reference range, by uPlot, in the colours of the page. */
import uPlot from 'uplot';
import type { Words } from '../words.ts';
import type { Series } from './series.ts';

const HEIGHT = 140;
const LEAST_WIDTH = 160;

/** A colour of the page as it is at this moment, light or dark, so that a canvas understands it. */
function colour(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** @returns what takes it away */
export function drawChart(place: HTMLElement, series: Series, { number, date }: Words): () => void {
  const { points, low, high } = series;
  const data: uPlot.AlignedData = [points.map(({ at }) => at), points.map(({ value }) => value)];
  const shown = [...points.map(({ value }) => value), low ?? [], high ?? []].flat();
  const [least, most] = [Math.min(...shown), Math.max(...shown)];
  const room = (most - least || Math.abs(most) || 1) * 0.15;
  const font = '12px system-ui, sans-serif';
  const band = (plot: uPlot): void => {
    const { ctx, bbox } = plot;
    const top = high === undefined ? bbox.top : plot.valToPos(high, 'y', true);
    const bottom = low === undefined ? bbox.top + bbox.height : plot.valToPos(low, 'y', true);
    if (low === undefined && high === undefined) return;
    ctx.save();
    ctx.fillStyle = colour('--band');
    ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
    ctx.restore();
  };
  let plot: uPlot | undefined;
  const draw = (): void => {
    plot?.destroy();
    const axis = {
      stroke: colour('--soft'),
      grid: { stroke: colour('--line'), width: 0.5 },
      ticks: { show: false },
      font,
    };
    plot = new uPlot(
      {
        ...{ width: Math.max(LEAST_WIDTH, place.clientWidth), height: HEIGHT, cursor: { show: false } },
        legend: { show: false },
        scales: { y: { range: [least - room, most + room] } },
        axes: [
          {
            ...axis,
            values: (_plot, splits) => splits.map((at) => date(new Date(at * 1000).toISOString())),
            space: 110,
          },
          { ...axis, values: (_plot, splits) => splits.map((value) => number(value)), size: 48 },
        ],
        series: [
          {},
          { stroke: colour('--accent'), width: 2, points: { show: true, size: 6, fill: colour('--accent') } },
        ],
        hooks: { drawClear: [band] },
      },
      data,
      place,
    );
  };
  draw();
  let width = place.clientWidth;
  const resized = new ResizeObserver(() => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    draw();
  });
  resized.observe(place);
  document.addEventListener('theme', draw);
  return () => {
    resized.disconnect();
    document.removeEventListener('theme', draw);
    plot?.destroy();
  };
}
