/** The first module of a worker thread. */
import { parentPort, type Transferable } from 'node:worker_threads';
import { toPortable } from './messages.ts';
import { serveTasks } from './serve-tasks.ts';

// stdout may carry the messages of MCP, so what tasks write goes to stderr.
const { stderr } = process;
Object.defineProperty(process, 'stdout', { configurable: true, enumerable: true, get: () => stderr });

const port = parentPort;
if (port === null) throw new Error('this module is the first one of a worker thread');
process.on('uncaughtExceptionMonitor', (error) => port.postMessage({ uncaught: toPortable(error) }));
port.on(
  'message',
  serveTasks({
    post: (message, transfer) => port.postMessage(message, (transfer ?? []) as Transferable[]),
    end: () => process.exit(0),
  }),
);
port.postMessage({ ready: true });
