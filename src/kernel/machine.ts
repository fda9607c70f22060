import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { type ReadText, readCgroupLimits } from './cgroup.ts';
import { instancePlace } from './instance-place.ts';

/** What this process may use of the machine, container limits included. */
export interface MachineFacts {
  /** Hardware threads that the process may use; a fraction under a container quota such as 0.5. */
  readonly cores: number;
  /** Memory that the process may use, in bytes. */
  readonly memoryBytes: number;
}

export type { ReadText } from './cgroup.ts';

/** Reads a small text file; nothing where that cannot be done. */
export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/**
 * Reads cores and memory, limits of cgroups included; of one instance of several its share.
 *
 * The limits are read directly: the runtime's own functions have ignored them or answered 2^64.
 */
export function readMachineFacts(read?: ReadText): MachineFacts {
  const place = read === undefined ? instancePlace() : undefined;
  return place === undefined ? factsBy(read ?? readText) : Object.freeze(place.machine);
}

function factsBy(read: ReadText): MachineFacts {
  const limits = readCgroupLimits(read);
  return Object.freeze({
    cores: Math.min(availableParallelism(), limits.cores ?? Number.POSITIVE_INFINITY),
    memoryBytes: Math.min(totalmem(), limits.memoryBytes ?? Number.POSITIVE_INFINITY),
  });
}
