import cluster, { type Worker } from 'node:cluster';
import { PLACE_VARIABLE } from '../kernel/instance-place.ts';
import type { InstanceExit, Launcher, Program } from './launcher.ts';
import type { FromInstance } from './messages.ts';

/**
 * Starts instances as processes that accept connections from one listening socket, which the supervisor keeps open: nothing is
 * lost when one of them ends. The kernel gives each connection to whoever asks for it first.
 */
export function createProcessLauncher({ file, args, execArgv }: Program): Launcher {
  // Windows has no other way than to hand connections out in turn.
  cluster.schedulingPolicy = process.platform === 'win32' ? cluster.SCHED_RR : cluster.SCHED_NONE;
  return {
    kind: 'process',
    launch(place, listener) {
      cluster.setupPrimary({ exec: file, args: [...args], execArgv: [...execArgv] });
      const worker = cluster.fork({ [PLACE_VARIABLE]: JSON.stringify(place) });
      worker.on('message', (message: FromInstance) => listener.onMessage(message));
      worker.on('error', () => {}); // of the channel; that the process ended follows
      whenEnded(worker, (exit) => listener.onExit(exit));
      return {
        pid: worker.process.pid ?? 0,
        send(message) {
          if (worker.isConnected()) worker.send(message, () => {});
        },
        kill: () => void worker.process.kill('SIGKILL'),
      };
    },
  };
}

function whenEnded(worker: Worker, ended: (exit: InstanceExit) => void): void {
  let isDone = false;
  const finish = (exit: InstanceExit): void => {
    if (isDone) return;
    isDone = true;
    ended(exit);
  };
  worker.process.on('exit', (code, signal) => finish({ cause: signal ?? `code ${code}`, isClean: code === 0 }));
  worker.process.on('error', (error) => {
    if (worker.process.pid === undefined) finish({ cause: error.message, isClean: false });
  });
}
