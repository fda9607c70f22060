import type { AlertKey, Vitals } from '../../../src/monitor/vitals.ts';
import { bytes, count, type Format, milliseconds, percent, perSecond, quantity, text } from '../format.ts';
import type { LiveStore } from '../live/store.ts';
import { Sparkline } from './sparkline.tsx';

interface TileSpec {
  readonly title: string;
  readonly format: Format;
  /** Column of the line below the number. */
  readonly column: string;
  readonly alert?: AlertKey;
  readonly value: (vitals: Vitals) => number | null | undefined;
  readonly note: (vitals: Vitals) => string;
}

const share = (value: number | null): number | null => (value === null ? null : 100 * value);

const TILES: readonly TileSpec[] = [
  {
    ...{ title: 'Throughput', format: perSecond, column: 'requests.perSecond' },
    value: ({ requests }) => requests.perSecond,
    note: ({ requests }) => `${text(perSecond, requests.shedPerSecond)} refused`,
  },
  {
    ...{ title: 'P50', format: milliseconds, column: 'responseTime.p50' },
    value: ({ responseTime }) => responseTime?.p50,
    note: () => 'half are faster',
  },
  {
    ...{ title: 'P95', format: milliseconds, column: 'responseTime.p95', alert: 'responseTime' },
    value: ({ responseTime }) => responseTime?.p95,
    note: () => '19 of 20 are faster',
  },
  {
    ...{ title: 'P99', format: milliseconds, column: 'responseTime.p99' },
    value: ({ responseTime }) => responseTime?.p99,
    note: () => '99 of 100 are faster',
  },
  {
    ...{ title: 'Error rate', format: percent, column: 'requests.errorRate', alert: 'errorRate' },
    value: ({ requests }) => share(requests.errorRate),
    note: ({ requests }) => `${text(perSecond, requests.errorsPerSecond)} failed`,
  },
  {
    ...{ title: 'Cache hit rate', format: percent, column: 'cache.hitRate', alert: 'cacheHitRate' },
    value: ({ cache }) => share(cache.hitRate),
    note: ({ cache }) => `${text(count, cache.size)} kept, ${text(bytes, cache.bytes)}`,
  },
  {
    ...{ title: 'In flight', format: count, column: 'requests.inFlight' },
    value: ({ requests }) => requests.inFlight,
    note: () => 'requests right now',
  },
  {
    ...{ title: 'Event loop', format: percent, column: 'eventLoop.utilization' },
    value: ({ eventLoop }) => share(eventLoop.utilization),
    note: ({ eventLoop }) => `${text(milliseconds, eventLoop.delayMs)} late at most`,
  },
  {
    ...{ title: 'CPU', format: percent, column: 'cpu.usage', alert: 'cpuUsage' },
    value: ({ cpu }) => cpu.usage,
    note: ({ cpu }) => `load ${text(count, cpu.load)}`,
  },
  {
    ...{ title: 'Memory', format: bytes, column: 'memory.resident', alert: 'memoryUsage' },
    value: ({ memory }) => memory.resident,
    note: ({ memory }) => `${text(percent, memory.percentage)} of the limit`,
  },
];

export function Tiles({ store }: { readonly store: LiveStore }) {
  const firing = new Set(store.alerts.filter(({ state }) => state === 'firing').map(({ key }) => key));
  return (
    <section aria-labelledby="now">
      <h2 id="now">Now</h2>
      <ul class="tiles">
        {TILES.map((tile) => (
          <Tile
            key={tile.title}
            tile={tile}
            store={store}
            isFiring={tile.alert !== undefined && firing.has(tile.alert)}
          />
        ))}
      </ul>
    </section>
  );
}

interface TileProps {
  readonly tile: TileSpec;
  readonly store: LiveStore;
  readonly isFiring: boolean;
}

function Tile({ tile, store: { vitals, seconds }, isFiring }: TileProps) {
  const { value, unit } = quantity(tile.format, vitals && tile.value(vitals));
  return (
    <li class={isFiring ? 'tile firing' : 'tile'}>
      <h3>
        {tile.title}
        {isFiring && <span class="flag">alert</span>}
      </h3>
      <p class="figure" data-testid={`tile-${tile.title}`}>
        <strong>{value}</strong> {unit && <span class="unit">{unit}</span>}
      </p>
      <Sparkline values={seconds.values(tile.column, Math.min(seconds.length, 120))} />
      <p class="note">{vitals ? tile.note(vitals) : '\u00a0'}</p>
    </li>
  );
}
