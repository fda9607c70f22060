import { postgresAnswers } from './answers.ts';
import { install, program } from './install.ts';
import { type OwnServer, startServer } from './own-server.ts';
import { serverUser } from './users.ts';

export interface DatabaseOptions {
  /** Waits for the disk at every commit, so that data would outlive the machine, not only the process. @default false */
  readonly durable?: boolean;
  /** Further settings of the server. @default {} */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts a PostgreSQL of one's own, empty, on a free port of this machine; the user of its URL is a superuser. */
export async function startPostgres(options: DatabaseOptions = {}): Promise<OwnServer> {
  await install(['postgres']);
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // Commits still reach the kernel, so a killed server keeps them; synchronous_commit=off would lose the last ones.
    fsync: options.durable ? 'on' : 'off',
    shared_buffers: '16MB',
    dynamic_shared_memory_type: 'mmap', // the others leave files outside of the folder when the server is killed
    autovacuum: 'off',
    jit: 'off',
    ...options.settings,
  };
  return startServer({
    name: 'postgres',
    user: serverUser('postgres'),
    stopSignal: 'SIGINT', // a SIGTERM would wait for the clients to leave
    prepare: (folder) => [
      ...['sh', '-c', 'echo peregrine >password && exec "$0" "$@"'],
      ...[program('initdb'), '--pgdata', `${folder}/data`, '--username', 'peregrine', '--pwfile', 'password'],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C.UTF-8', '--no-sync', '--no-instructions'],
    ],
    command: (folder, port) => [
      ...[program('postgres'), '-D', `${folder}/data`],
      ...Object.entries({ port: String(port), ...settings }).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    url: (port) => `postgres://peregrine:peregrine@127.0.0.1:${port}/postgres`,
    ask: postgresAnswers,
  });
}
