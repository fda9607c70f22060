import { instancePlace } from './instance-place.ts';

/** Ends the process in an orderly way; resolves when that is done. */
export type Shutdown = () => Promise<void>;

const running = new Set<Shutdown>();
const NAMES = ['SIGTERM', 'SIGINT'] as const;
let stopping = false;

async function onSignal(): Promise<void> {
  if (!stopping) await terminate();
  // The second signal: whoever sent it does not want to wait. An instance has got one from its supervisor, and one with its group.
  else if (instancePlace() === undefined) process.exit(1);
}

/** Ends this process, or thread, as the first signal does: runs all shutdowns, these besides, and exits. */
export async function terminate(...more: readonly Shutdown[]): Promise<never> {
  stopping = true;
  const results = await Promise.allSettled([...new Set([...running, ...more])].map((shutdown) => shutdown()));
  process.exit(results.every((result) => result.status === 'fulfilled') ? 0 : 1);
}

/**
 * Runs a shutdown on SIGTERM and SIGINT, together with those of others in this process, and then exits: 0, or 1 when one
 * failed or a second signal came.
 *
 * @returns What ends this; without any shutdown left the signals have their usual effect again.
 */
export function onTermination(shutdown: Shutdown): () => void {
  if (running.size === 0) for (const name of NAMES) process.on(name, onSignal);
  running.add(shutdown);
  return () => {
    if (running.delete(shutdown) && running.size === 0 && !stopping)
      for (const name of NAMES) process.off(name, onSignal);
  };
}
