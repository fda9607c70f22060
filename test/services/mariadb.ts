import { mysqlAnswers } from './answers.ts';
import { install, program } from './install.ts';
import { type OwnServer, startServer } from './own-server.ts';
import type { DatabaseOptions } from './postgres.ts';
import { serverUser } from './users.ts';

/** The size of the log is fixed when the files are made. */
const SIZES = ['--innodb-log-file-size=8M', '--innodb-buffer-pool-size=16M'];
const NO_SYNC = ['--debug-no-sync', '--innodb-flush-method=nosync'];

/** Creates the database and the user of the URL, who may do everything. */
const ACCOUNT = [
  'CREATE DATABASE IF NOT EXISTS peregrine;',
  "CREATE USER IF NOT EXISTS 'peregrine'@'127.0.0.1' IDENTIFIED BY 'peregrine';",
  "GRANT ALL ON *.* TO 'peregrine'@'127.0.0.1' WITH GRANT OPTION;",
].join('\n');

/** Starts a MariaDB of one's own, empty, on a free port of this machine; the user of its URL may do everything. */
export async function startMariadb(options: DatabaseOptions = {}): Promise<OwnServer> {
  await install(['mariadb']);
  const settings = Object.entries(options.settings ?? {}).map(([key, value]) => `--${key}=${value}`);
  // The log is still written at every commit, so a killed server keeps what was committed.
  const speed = options.durable ? [] : ['--innodb-flush-log-at-trx-commit=2', ...NO_SYNC];
  return startServer({
    name: 'mariadb',
    user: serverUser('mysql'),
    stopSignal: 'SIGTERM',
    prepare: (folder) => [
      ...['sh', '-c', 'printf %s "$0" >account.sql && exec "$@"', ACCOUNT],
      ...[program('mariadb-install-db'), '--no-defaults', `--datadir=${folder}/data`, '--skip-test-db'],
      ...['--auth-root-authentication-method=normal', ...SIZES, ...NO_SYNC],
    ],
    command: (folder, port) => [
      ...[program('mariadbd'), '--no-defaults', `--datadir=${folder}/data`, `--tmpdir=${folder}`],
      ...[`--port=${port}`, '--bind-address=127.0.0.1', '--skip-name-resolve', `--init-file=${folder}/account.sql`],
      // Below the data; a full path might be longer than a socket's may be.
      ...['--socket=mysql.sock', `--pid-file=${folder}/mysql.pid`],
      ...['--performance-schema=OFF', '--innodb-buffer-pool-dump-at-shutdown=OFF', ...SIZES, ...speed, ...settings],
    ],
    url: (port) => `mysql://peregrine:peregrine@127.0.0.1:${port}/peregrine`,
    ask: mysqlAnswers,
  });
}
