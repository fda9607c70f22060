import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { WorkerPools } from '../../dist/index.js';
import { type ContestRow, contest } from '../pools/contest.ts';

const OPTIONS = { slices: 20, callsPerSlice: 1_500, inFlight: 1 };

interface Answering {
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

/** Sends a message and waits for the next one that comes, one at a time. */
function pinger(source: Answering, send: (message: unknown) => void): (message: unknown) => Promise<unknown> {
  let answer: (message: unknown) => void = () => {};
  source.on('message', (message) => answer(message));
  return (message) =>
    new Promise((resolve) => {
      answer = resolve;
      send(message);
    });
}

/** A trivial task in each pool beside a bare thread and a bare process, one call after the other. */
export async function measureRoundTrips(): Promise<{ thread: ContestRow[]; process: ContestRow[] }> {
  const pools = new WorkerPools({ threads: 1, processes: 1 });
  pools.registerTask('echo', new URL('./tasks.ts', import.meta.url), { export: 'echo' });
  const thread = new Worker(new URL('./ping-thread.ts', import.meta.url));
  const child = fork(fileURLToPath(new URL('./ping-process.ts', import.meta.url)), { serialization: 'advanced' });
  const ways = {
    thread: {
      'bare worker_threads': pinger(thread, (message) => thread.postMessage(message)),
      'thread pool': (input: unknown) => pools.run(input, { task: 'echo', pool: 'thread' }),
    },
    process: {
      'bare fork': pinger(child, (message) => child.send(message as object)),
      'process pool': (input: unknown) => pools.run(input, { task: 'echo', pool: 'process' }),
    },
  };
  const measure = (asked: Readonly<Record<string, (input: unknown) => Promise<unknown>>>): Promise<ContestRow[]> =>
    contest(
      Object.entries(asked).map(([name, ask]) => ({
        name,
        run: async (index) => {
          const answer = (await ask({ index })) as { readonly index: number };
          if (answer.index !== index) throw new Error(`${name}: wrong answer`);
        },
      })),
      OPTIONS,
    );
  const found = { thread: await measure(ways.thread), process: await measure(ways.process) };
  await Promise.all([pools.close(1_000), thread.terminate()]);
  child.disconnect();
  return found;
}
