/** Starts a server of the kind named by its argument, prints where it is, and waits for the end of its input. */
import { startMariadb } from '../services/mariadb.ts';
import { startPostgres } from '../services/postgres.ts';
import { startRedis } from '../services/redis.ts';

const starts: Readonly<Record<string, typeof startRedis>> = {
  redis: startRedis,
  postgres: startPostgres,
  mariadb: startMariadb,
};
process.stdin.once('end', () => process.exit()).resume();
const server = await starts[process.argv[2] ?? '']?.();
console.log(JSON.stringify({ pid: server?.pid, folder: server?.folder }));
