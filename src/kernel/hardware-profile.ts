import type { MachineFacts } from './machine.ts';

/** What a server takes of a machine unless it is told otherwise. Every default that depends on the machine is one of these. */
export interface HardwareProfile {
  readonly cores: number;
  readonly memoryBytes: number;
  /** Instances of the server: half the cores. */
  readonly workers: number;
  /** Threads of tasks: one for each core. */
  readonly threads: number;
  /** Processes of tasks: half the cores. */
  readonly processes: number;
  /** What all of it is to stay under: 7/8 of the memory. */
  readonly maxMemoryBytes: number;
  /** Share of a limit above which memory is to be freed. */
  readonly gcThreshold: number;
  /** Connections to each database: 2 for each core, at least 2. */
  readonly databaseConnections: number;
  /** Connections to one origin: 4 for each core. */
  readonly httpSockets: number;
  /** Those of them that are kept while free. */
  readonly httpFreeSockets: number;
  /** Requests in flight: one for each 512 KiB, 64 to 65_536. */
  readonly requestsInFlight: number;
  /** Values of the cache's first tier. */
  readonly cacheEntries: number;
  /** Their bytes: 1/64 of the memory, 16 MiB to 512 MiB. */
  readonly cacheBytes: number;
}

const MIB = 2 ** 20;
/** What a request in flight is taken to hold, so that all of them have half of the memory. */
const BYTES_IN_FLIGHT = MIB / 4;

/** Derives a profile from what the process may use. Pure: the same facts give the same profile. */
export function resolveHardwareProfile({ cores, memoryBytes }: MachineFacts): HardwareProfile {
  const atLeastOne = (value: number): number => Math.max(1, Math.floor(value));
  return Object.freeze({
    cores,
    memoryBytes,
    workers: atLeastOne(cores / 2),
    threads: atLeastOne(cores),
    processes: atLeastOne(cores / 2),
    maxMemoryBytes: Math.floor((memoryBytes * 7) / 8),
    gcThreshold: 0.75,
    databaseConnections: Math.max(2, Math.round(2 * cores)),
    httpSockets: Math.max(1, Math.ceil(4 * cores)),
    httpFreeSockets: 16,
    requestsInFlight: within(64, Math.floor(memoryBytes / 2 / BYTES_IN_FLIGHT), 65_536),
    cacheEntries: 10_000,
    cacheBytes: within(16 * MIB, Math.floor(memoryBytes / 64), 512 * MIB),
  });
}

/** The heap of one of so many workers, in MB: together they have half of the memory; at least 64 each. */
export function workerHeapMb({ memoryBytes }: MachineFacts, workers: number, mostMb: number): number {
  return within(64, Math.floor(memoryBytes / MIB / 2 / workers), mostMb);
}

function within(least: number, value: number, most: number): number {
  return Math.max(least, Math.min(most, value));
}
