/** A process of its own for the suite "pools". Prints one line of JSON. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureDatabases } from './databases.ts';
import { measureHttp } from './http.ts';

const [postgresUrl, mysqlUrl] = process.argv.slice(2);
if (postgresUrl === undefined || mysqlUrl === undefined) throw new RangeError('usage: main.ts <PostgreSQL> <MariaDB>');
const folder = mkdtempSync(join(tmpdir(), 'peregrine-bench-'));
try {
  const databases = await measureDatabases({ postgresUrl, mysqlUrl, sqliteFile: join(folder, 'bench.db') });
  const http = await measureHttp();
  process.stdout.write(`${JSON.stringify({ ...databases, http })}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(0);
