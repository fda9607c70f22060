import { Session } from 'node:inspector/promises';
import type { Clock } from './clock.ts';

/** `cpu`: where time is spent; `heap`: what allocates memory that is still in use, by samples. Both open in Chrome's developer tools. */
export type ProfileKind = 'cpu' | 'heap';

/** One allocation in this many bytes is looked at: 32 KiB is the tools' own. */
const SAMPLING_BYTES = 32_768;

/** Profiles this thread for a while. Returns the profile as JSON text. */
export async function recordProfile(kind: ProfileKind, durationMs: number, clock: Clock): Promise<string> {
  const session = new Session();
  session.connect();
  const passed = new Promise<void>((resolve) => void clock.after(durationMs, resolve));
  try {
    if (kind === 'cpu') {
      await session.post('Profiler.enable');
      await session.post('Profiler.start');
      await passed;
      return JSON.stringify((await session.post('Profiler.stop')).profile);
    }
    await session.post('HeapProfiler.startSampling', { samplingInterval: SAMPLING_BYTES });
    await passed;
    return JSON.stringify((await session.post('HeapProfiler.stopSampling')).profile);
  } finally {
    session.disconnect();
  }
}

/** The usual ending of a profile's file. */
export const PROFILE_ENDINGS: { readonly [K in ProfileKind]: string } = { cpu: 'cpuprofile', heap: 'heapprofile' };
