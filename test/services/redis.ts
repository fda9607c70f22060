import { redisAnswers } from './answers.ts';
import { install, program } from './install.ts';
import { type OwnServer, startServer } from './own-server.ts';

export interface RedisOptions {
  /** Writes every change to disk, so that a restart finds the data again. @default false */
  readonly save?: boolean;
  /** Further settings, as in `redis.conf`. @default {} */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts a Redis of one's own, empty, on a free port of this machine. */
export async function startRedis(options: RedisOptions = {}): Promise<OwnServer> {
  await install(['redis']);
  const settings = {
    bind: '127.0.0.1',
    save: '',
    appendonly: options.save ? 'yes' : 'no',
    ...options.settings,
  };
  return startServer({
    name: 'redis',
    user: {},
    stopSignal: 'SIGTERM',
    command: (folder, port) => [
      program('redis-server'),
      ...Object.entries({ dir: folder, port: String(port), ...settings }).flatMap(([key, value]) => [
        `--${key}`,
        value,
      ]),
    ],
    url: (port) => `redis://127.0.0.1:${port}`,
    ask: redisAnswers,
  });
}
