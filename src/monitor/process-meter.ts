import { loadavg } from 'node:os';
import { performance } from 'node:perf_hooks';
import { type MachineFacts, type ReadText, readText } from '../kernel/machine.ts';
import { METRICS } from './definitions.ts';
import { byLabel, single } from './families.ts';
import type { MetricFamily } from './metric-family.ts';

/** CPU time of this process so far, in seconds. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** What the runtime and the system tell of this process. */
export function processFamilies({ cores, memoryBytes }: MachineFacts, read: ReadText = readText): MetricFamily[] {
  const memory = process.memoryUsage();
  const { active, idle } = performance.eventLoopUtilization();
  const io = read('/proc/self/io');
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  return [
    single(METRICS.cpu, cpuSeconds()),
    single(METRICS.cores, cores),
    byLabel(METRICS.load, [
      ['1m', one],
      ['5m', five],
      ['15m', fifteen],
    ]),
    single(METRICS.resident, memory.rss),
    single(METRICS.memoryLimit, memoryBytes),
    single(METRICS.heapUsed, memory.heapUsed),
    single(METRICS.heapTotal, memory.heapTotal),
    single(METRICS.external, memory.external),
    single(METRICS.loopActive, active / 1_000),
    single(METRICS.loopIdle, idle / 1_000),
    single(METRICS.ioRead, ioBytes(io, 'read_bytes')),
    single(METRICS.ioWritten, ioBytes(io, 'write_bytes')),
  ];
}

/** Only what reached storage counts: reads that the page cache served do not. */
function ioBytes(io: string | undefined, key: string): number | undefined {
  const [, digits] = new RegExp(`^${key}: (\\d+)$`, 'm').exec(io ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}
