import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';

/** What this process may use of the machine, container limits included. */
export interface MachineFacts {
  /** Hardware threads that the process may use; a fraction under a container quota such as 0.5. */
  readonly cores: number;
  /** Memory that the process may use, in bytes. */
  readonly memoryBytes: number;
}

/** Reads a small text file, or nothing where there is none. */
export type ReadText = (path: string) => string | undefined;

export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/**
 * Reads cores and memory, cgroup version 2 limits included.
 *
 * `cpu.max` and `memory.max` are read directly: the runtime's own functions have ignored them or answered 2^64.
 */
export function readMachineFacts(read: ReadText = readText): MachineFacts {
  const [quota, period] = (read('/sys/fs/cgroup/cpu.max') ?? 'max 100000').trim().split(/\s+/);
  const share = Number(quota) / Number(period);
  const hardware = availableParallelism();
  const limit = Number((read('/sys/fs/cgroup/memory.max') ?? 'max').trim());
  const total = totalmem();
  return Object.freeze({
    cores: Number.isFinite(share) && share > 0 ? Math.min(hardware, share) : hardware,
    memoryBytes: Number.isFinite(limit) && limit > 0 ? Math.min(total, limit) : total,
  });
}
