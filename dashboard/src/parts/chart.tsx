import { useEffect, useRef, useState } from 'preact/hooks';
import type { History } from '../../../src/monitor/history.ts';
import { text, timeOfDay } from '../format.ts';
import type { ChartSpec, SeriesSpec } from './chart-specs.ts';
import { DASHES, Plot } from './plot.ts';

interface ChartProps {
  readonly spec: ChartSpec;
  readonly history: History;
  /** The time at the right edge, in milliseconds since 1970. */
  readonly end: number;
  readonly rangeMs: number;
}

/** Lines over time. Their last numbers stand below, or those under the pointer; these are what is read aloud. */
export function Chart({ spec, history, end, rangeMs }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const series = spec.series(history);
  const names = series.map(({ column }) => column).join('\n');
  const values = series.map(({ column, scale = 1 }) => history.values(column).map((value) => value * scale));
  const times = history.times();

  // The columns' names stand for the series.
  useEffect(() => {
    if (place.current === null || series.length === 0) return;
    const created = new Plot(place.current, spec, series, setPointed);
    plot.current = created;
    return () => {
      created.destroy();
      plot.current = null;
    };
  }, [spec, names]);
  // A short history is drawn as wide as a long one.
  const from = Math.max(end - rangeMs, Math.min(times[0] ?? end, end - rangeMs / 8));
  useEffect(() => plot.current?.draw(times, values, { from, to: end }));

  const shown = pointed !== null && pointed < times.length ? pointed : times.length - 1;
  return (
    <figure class="chart">
      <figcaption>
        <h3>{spec.title}</h3>
        {pointed !== null && times[shown] !== undefined && <span class="pointed">{timeOfDay(times[shown])}</span>}
      </figcaption>
      {series.length === 0 ? <p class="empty">There are none.</p> : <div class="plot" ref={place} aria-hidden="true" />}
      <dl class="legend">
        {series.map((one, index) => (
          <Entry key={one.label} series={one} index={index} value={values[index]?.[shown]} />
        ))}
      </dl>
    </figure>
  );
}

interface EntryProps {
  readonly series: SeriesSpec;
  readonly index: number;
  readonly value: number | undefined;
}

function Entry({ series: { label, format }, index, value }: EntryProps) {
  return (
    <div>
      <dt>
        <svg viewBox="0 0 18 4" aria-hidden="true">
          <path class={`series-${index}`} d="M0 2H18" stroke-dasharray={DASHES[index]?.join(' ')} />
        </svg>
        {label}
      </dt>
      <dd>{text(format, value)}</dd>
    </div>
  );
}
