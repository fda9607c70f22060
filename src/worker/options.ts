import { resolveHardwareProfile, workerHeapMb } from '../kernel/hardware-profile.ts';
import { type MachineFacts, readMachineFacts } from '../kernel/machine.ts';
import { integerOption, objectOption } from '../kernel/options.ts';

/** How many workers there are, and their bounds. Every key is checked at construction. */
export interface WorkersOptions {
  /** Most threads. @default the cores */
  readonly threads?: number;
  /** Most processes. @default half the cores */
  readonly processes?: number;
  /** Most tasks that wait, in each pool. @default 1_000 */
  readonly maxQueue?: number;
  /** How long a worker may be idle before it is ended, in milliseconds. @default 30_000 */
  readonly idleMs?: number;
  /** Idle workers that each pool keeps nonetheless. @default 0 */
  readonly keptWarm?: number;
  /** Longest time from a call to its answer, in milliseconds, unless the call says otherwise. @default 30_000 */
  readonly timeoutMs?: number;
  /** Most memory of a thread's heap, in MB. @default half the memory, divided by the threads; at least 64, at most 2_048 */
  readonly threadHeapMb?: number;
  /** The same of a process. @default half the memory, divided by the processes; at least 64, at most 4_096 */
  readonly processHeapMb?: number;
}

/** Options that have been checked, with every default filled in. */
export type ResolvedWorkersOptions = Readonly<Required<WorkersOptions>>;

/** The keys of {@link WorkersOptions}. */
export const WORKERS_KEYS = [
  'threads',
  'processes',
  'maxQueue',
  'idleMs',
  'keptWarm',
  'timeoutMs',
  'threadHeapMb',
  'processHeapMb',
] as const;

const DEFAULTS = Object.freeze({ maxQueue: 1_000, idleMs: 30_000, keptWarm: 0, timeoutMs: 30_000 });
/** The longest delay that timers of JavaScript know: about 24 days. */
export const MAX_TIMER_MS = 2_147_483_647;

/** Checks the options and fills in the defaults. @throws {OptionError} */
export function resolveWorkersOptions(
  options: unknown,
  machine: MachineFacts = readMachineFacts(),
): ResolvedWorkersOptions {
  const given = objectOption('workers', options, WORKERS_KEYS);
  const integer = (key: (typeof WORKERS_KEYS)[number], fallback: number, min: number, max: number): number =>
    integerOption(`workers.${key}`, given[key], fallback, { min, max });
  const profile = resolveHardwareProfile(machine);
  const threads = integer('threads', profile.threads, 1, 1_024);
  const processes = integer('processes', profile.processes, 1, 1_024);
  return Object.freeze({
    threads,
    processes,
    maxQueue: integer('maxQueue', DEFAULTS.maxQueue, 1, 1_000_000),
    idleMs: integer('idleMs', DEFAULTS.idleMs, 1, MAX_TIMER_MS),
    keptWarm: integer('keptWarm', DEFAULTS.keptWarm, 0, 1_024),
    timeoutMs: integer('timeoutMs', DEFAULTS.timeoutMs, 1, MAX_TIMER_MS),
    threadHeapMb: integer('threadHeapMb', workerHeapMb(machine, threads, 2_048), 8, 1_048_576),
    processHeapMb: integer('processHeapMb', workerHeapMb(machine, processes, 4_096), 8, 1_048_576),
  });
}
