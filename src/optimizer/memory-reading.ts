import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8';
import { nodeArguments } from '../kernel/runtime.ts';

/** What a process holds, and what it may hold, in bytes. */
export interface MemoryReading {
  /** The old generation of the heap: what has outlived two collections. The young one comes and goes. */
  readonly heapUsed: number;
  readonly heapLimit: number;
  readonly resident: number;
  readonly residentLimit: number;
}

const MIB = 2 ** 20;
/** What the runtime's limit of the whole heap leaves to the old generation; measured: 0.955 or more. */
const OLD_SHARE = 0.95;

/** The limit of the old generation: where a process dies. The runtime tells only that of the whole heap, which is larger. */
export function oldGenerationLimit(heapLimit: number, nodeArguments: readonly string[]): number {
  const given = nodeArguments
    .join(' ')
    .match(/--max[-_]old[-_]space[-_]size[= ](\d+)/g)
    ?.at(-1);
  const megabytes = Number(given?.match(/\d+$/)?.[0]);
  return megabytes > 0 ? Math.min(heapLimit, megabytes * MIB) : Math.floor(heapLimit * OLD_SHARE);
}

/** The larger of the shares of the two limits. */
export function pressureOf({ heapUsed, heapLimit, resident, residentLimit }: MemoryReading): number {
  return Math.max(heapUsed / heapLimit, resident / residentLimit);
}

/** Reads this process's memory. @param residentLimit What its resident memory is to stay under. */
export function createMemoryReader(residentLimit: number): () => MemoryReading {
  const readHeap = createHeapReader(residentLimit);
  return () => ({ ...readHeap(), resident: process.memoryUsage().rss, residentLimit });
}

function createHeapReader(otherLimit: number): () => Pick<MemoryReading, 'heapUsed' | 'heapLimit'> {
  try {
    const heapLimit = oldGenerationLimit(getHeapStatistics().heap_size_limit, nodeArguments());
    oldGeneration();
    return () => ({ heapUsed: oldGeneration(), heapLimit });
  } catch {
    // Not every runtime knows generations: there the whole heap goes by the other limit.
    return () => ({ heapUsed: process.memoryUsage().heapUsed, heapLimit: otherLimit });
  }
}

function oldGeneration(): number {
  let bytes = 0;
  for (const space of getHeapSpaceStatistics())
    if (!space.space_name.startsWith('new_')) bytes += space.space_used_size;
  return bytes;
}
