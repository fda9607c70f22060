import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import { recordProfile } from '../kernel/profiler.ts';

/** Asks for a collection of all garbage, which takes time as long as the heap is large. */
export interface Collector {
  /** At once, where the runtime exposes that (`--expose-gc`). @returns Whether it does. */
  ifExposed(): boolean;
  /** In any case; resolves when it is done, with false where that is impossible. */
  always(): Promise<boolean>;
}

export const systemCollector: Collector = Object.freeze({
  ifExposed() {
    const collect = (globalThis as { readonly gc?: () => void }).gc;
    collect?.();
    return collect !== undefined;
  },
  async always() {
    return (
      systemCollector.ifExposed() || withInspector((post) => post('HeapProfiler.collectGarbage')).then(isDone, isNot)
    );
  },
});

/** Where profiles of the heap go. */
export interface HeapProfileOptions {
  /** Made where it is not there. */
  readonly directory: string;
  /** Profiles that a process writes at most. @default 3 */
  readonly maxFiles?: number;
  /** What is allocated in this time is sampled, in milliseconds. @default 10_000 */
  readonly durationMs?: number;
}

/** Samples what is allocated for a while, and writes it where Chrome's developer tools can read it. @returns The file. */
export async function recordHeapProfile(
  { directory, durationMs }: Required<HeapProfileOptions>,
  clock: Clock,
  number: number,
): Promise<string> {
  const profile = await recordProfile('heap', durationMs, clock);
  const time = new Date(clock.wallNow()).toISOString().replace(/[:.]/g, '-');
  const file = join(directory, `heap-${time}-${process.pid}-${number}.heapprofile`);
  await mkdir(directory, { recursive: true });
  await writeFile(file, profile);
  return file;
}

type Post = (method: string, parameters?: object) => Promise<unknown>;

async function withInspector<T>(use: (post: Post) => Promise<T>): Promise<T> {
  const { Session } = await import('node:inspector'); // not every runtime has it
  const session = new Session();
  session.connect();
  try {
    return await use(
      (method, parameters) =>
        new Promise((resolve, reject) => {
          session.post(method, parameters, (error, result) => (error === null ? resolve(result) : reject(error)));
        }),
    );
  } finally {
    session.disconnect();
  }
}

const isDone = (): boolean => true;
const isNot = (): boolean => false;
