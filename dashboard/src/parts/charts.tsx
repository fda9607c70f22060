import { useState } from 'preact/hooks';
import type { LiveStore } from '../live/store.ts';
import { Chart } from './chart.tsx';
import { CHARTS } from './chart-specs.ts';

const RANGES = [
  { name: '15 min', title: 'The last 15 minutes, each second', ms: 900_000, source: 'seconds' },
  { name: '24 h', title: 'The last 24 hours, each minute', ms: 86_400_000, source: 'minutes' },
] as const;

type Range = (typeof RANGES)[number];

export function Charts({ store }: { readonly store: LiveStore }) {
  const [range, setRange] = useState<Range>(RANGES[0]);
  const history = store[range.source];
  return (
    <section aria-labelledby="history">
      <div class="heading">
        <h2 id="history">History</h2>
        <fieldset class="switch">
          <legend class="hidden">Range of the charts</legend>
          {RANGES.map((one) => (
            <label key={one.name} title={one.title}>
              <input type="radio" name="range" checked={one === range} onChange={() => setRange(one)} />
              <span>{one.name}</span>
            </label>
          ))}
        </fieldset>
      </div>
      <div class="charts">
        {CHARTS.map((spec) => (
          <Chart key={spec.title} spec={spec} history={history} end={store.lastAt} rangeMs={range.ms} />
        ))}
      </div>
    </section>
  );
}
