import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { WorkerPools, type WorkersOptions } from '../../src/worker/worker.ts';

export const KINDS = ['thread', 'process'] as const;

const GOOD = [
  'fibonacci',
  'countCalls',
  'fill',
  'answerThrough',
  'spinUntil',
  'chatter',
  'nodeArguments',
  'signalOneself',
];
const BAD = [
  'throwOwn',
  'throwRuntime',
  'throwString',
  'exit',
  'throwLater',
  'spin',
  'hang',
  'bomb',
  'killOneself',
  'answerFunction',
  'leave',
];

/** A module of `tasks/`. */
export const taskModule = (file: string): URL => new URL(`./tasks/${file}`, import.meta.url);

/** Pools with all tasks of `tasks/`, closed after the test. */
export function createPools(options: WorkersOptions = {}): WorkerPools {
  const pools = new WorkerPools({ threads: 2, processes: 2, ...options });
  pools.registerTask('double', taskModule('good.ts'));
  pools.registerTask('upperCase', taskModule('plain.js'));
  pools.registerTask('untilAborted', taskModule('good.ts'), { export: 'untilAborted', cancelGraceMs: 20_000 });
  for (const name of GOOD) pools.registerTask(name, taskModule('good.ts'), { export: name });
  for (const name of BAD) pools.registerTask(name, taskModule('bad.ts'), { export: name });
  pools.registerTask('broken', taskModule('broken.ts'));
  pools.registerTask('deadly', taskModule('deadly.ts'));
  pools.registerTask('missing', taskModule('missing.ts'));
  pools.registerTask('noSuchExport', taskModule('plain.js'), { export: 'lowerCase' });
  onTestFinished(() => pools.close(0));
  return pools;
}

/** A port that tasks connect to when they begin to spin. */
export class Lookout {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<Lookout> {
    const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    return new Lookout(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Waits for the next task that has begun to spin. @returns What waits until it was ended. */
  async spinning(): Promise<() => Promise<unknown>> {
    const [socket] = (await once(this.#server, 'connection')) as [Socket];
    const closed = once(socket, 'close');
    return () => closed;
  }
}
