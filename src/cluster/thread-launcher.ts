import { Worker } from 'node:worker_threads';
import { toMessage } from '../kernel/errors.ts';
import { PLACE_VARIABLE } from '../kernel/instance-place.ts';
import type { Launcher, Program } from './launcher.ts';
import type { FromInstance } from './messages.ts';

/**
 * Starts instances as threads, each of which listens on the same port for itself. It is the leanest way; but what one of them has
 * not accepted yet is lost when it ends, unless the kernel is set to hand that over (`net.ipv4.tcp_migrate_req`).
 *
 * @param maxHeapMb The heap of one, at most: nobody but that thread dies of a leak.
 */
export function createThreadLauncher({ file, args, execArgv }: Program, maxHeapMb: number): Launcher {
  return {
    kind: 'thread',
    launch(place, listener) {
      const worker = new Worker(file, {
        name: `instance ${place.name}`,
        argv: [...args],
        execArgv: [...execArgv],
        env: { ...process.env, [PLACE_VARIABLE]: JSON.stringify(place) },
        resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
      });
      let thrown: string | undefined;
      worker.on('message', (message: FromInstance) => listener.onMessage(message));
      worker.on('error', (error) => {
        thrown = toMessage(error);
        process.stderr.write(`${error instanceof Error ? error.stack : thrown}\n`);
      });
      worker.on('exit', (code) => listener.onExit({ cause: thrown ?? `code ${code}`, isClean: code === 0 }));
      return {
        pid: process.pid,
        send: (message) => worker.postMessage(message),
        kill: () => void worker.terminate(),
      };
    },
  };
}
