/** The first module of a worker process. Its stdout is a pipe that leads to the parent's stderr. */
import { Worker } from 'node:worker_threads';
import { toPortable } from './messages.ts';
import { serveTasks } from './serve-tasks.ts';

/** A task that spins never hears that the parent is gone; this thread does. */
const WATCHDOG = `
setInterval(() => { if (process.ppid !== ${process.ppid}) process.kill(process.pid, 'SIGKILL'); }, 1_000);
`;
const watchdog = new Worker(WATCHDOG, {
  eval: true,
  env: {},
  name: 'peregrine-watchdog',
  execArgv: [],
  resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 },
});
watchdog.unref();
watchdog.on('error', () => {}); // tasks go on without it

// A terminal sends these to the whole group; the parent decides when its workers end.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('disconnect', () => process.exit(0));
process.on('uncaughtExceptionMonitor', (error) => process.send?.({ uncaught: toPortable(error) }));
process.on(
  'message',
  serveTasks({
    post: (message) => process.send?.(message, undefined, undefined, () => {}),
    end: () => process.exit(0),
  }) as NodeJS.MessageListener,
);
process.send?.({ ready: true });
