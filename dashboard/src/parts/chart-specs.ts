import type { History } from '../../../src/monitor/history.ts';
import { bytes, bytesPerSecond, count, type Format, milliseconds, percent, perSecond } from '../format.ts';

export interface SeriesSpec {
  readonly label: string;
  readonly column: string;
  readonly format: Format;
  /** What a number of the column is multiplied by. @default 1 */
  readonly scale?: number;
  /** Has an axis of its own at the right. @default false */
  readonly isRight?: boolean;
}

export interface ChartSpec {
  readonly title: string;
  readonly series: (history: History) => readonly SeriesSpec[];
  /** The axis ends there at least. */
  readonly least: number;
  readonly leastRight?: number;
}

/** More lines than colours help nobody. */
const MAX_SERIES = 5;
const WORKERS: readonly string[] = ['threads', 'processes'];

const poolNames = (history: History): string[] =>
  [...history.columns].flatMap((column) => /^pools\.(.*)\.utilization$/.exec(column)?.[1] ?? []).sort();

const fixed = (format: Format, columns: Readonly<Record<string, string>>) => {
  const series = Object.entries(columns).map(([label, column]): SeriesSpec => ({ label, column, format }));
  return () => series;
};

export const CHARTS: readonly ChartSpec[] = [
  {
    title: 'Throughput and errors',
    least: 1,
    series: fixed(perSecond, {
      Requests: 'requests.perSecond',
      Failed: 'requests.errorsPerSecond',
      Refused: 'requests.shedPerSecond',
    }),
  },
  {
    title: 'Response time',
    least: 1,
    series: fixed(milliseconds, { P50: 'responseTime.p50', P95: 'responseTime.p95', P99: 'responseTime.p99' }),
  },
  {
    title: 'Cache reads',
    least: 1,
    series: fixed(perSecond, {
      Hits: 'cache.hitsPerSecond',
      Misses: 'cache.missesPerSecond',
      Stale: 'cache.stalePerSecond',
      Joined: 'cache.coalescedPerSecond',
    }),
  },
  {
    title: 'Pools in use',
    least: 100,
    series: (history) =>
      poolNames(history)
        .filter((name) => !WORKERS.includes(name))
        .slice(0, MAX_SERIES)
        .map((name) => ({ label: name, column: `pools.${name}.utilization`, format: percent, scale: 100 })),
  },
  {
    title: 'Workers',
    least: 1,
    series: (history) =>
      poolNames(history)
        .filter((name) => WORKERS.includes(name))
        .flatMap((name) => [
          { label: `${name} busy`, column: `pools.${name}.inUse`, format: count },
          { label: `${name} waiting`, column: `pools.${name}.waiting`, format: count },
        ]),
  },
  {
    title: 'Event loop and CPU',
    least: 100,
    leastRight: 10,
    series: () => [
      { label: 'Loop busy', column: 'eventLoop.utilization', format: percent, scale: 100 },
      { label: 'CPU', column: 'cpu.usage', format: percent },
      { label: 'Longest delay', column: 'eventLoop.delayMs', format: milliseconds, isRight: true },
    ],
  },
  {
    title: 'Memory and garbage collection',
    least: 1e6,
    leastRight: 10,
    series: () => [
      { label: 'Resident', column: 'memory.resident', format: bytes },
      { label: 'Heap used', column: 'memory.heapUsed', format: bytes },
      { label: 'Collecting', column: 'gcMs', format: milliseconds, isRight: true },
    ],
  },
  {
    title: 'Disk',
    least: 1_000,
    series: fixed(bytesPerSecond, { Read: 'disk.readBytesPerSecond', Written: 'disk.writtenBytesPerSecond' }),
  },
];
