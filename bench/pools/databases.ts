import { DatabaseSync } from 'node:sqlite';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { createBatcher, createOptimizedServer, OptimizedMCPServer } from '../../dist/index.js';
import { type Contender, type ContestRow, contest } from './contest.ts';

const ROWS = 1_000;
const CONNECTIONS = 16;
const NETWORK = { slices: 100, callsPerSlice: 2_000, inFlight: 64 };
const EMBEDDED = { slices: 30, callsPerSlice: 20_000, inFlight: 1 };
const LOOKUP = 'SELECT id, name, price_cents FROM bench_item WHERE id = ?';

interface Item {
  readonly id: number;
  readonly name: string;
}

/** The server whose `queryDatabase` is measured. */
class BenchServer extends OptimizedMCPServer {
  lookUp(id: number): Promise<Item[]> {
    return this.queryDatabase<Item>(LOOKUP, [id]);
  }
  run(sql: string, parameters?: (string | number)[]): Promise<unknown> {
    return this.queryDatabase(sql, parameters);
  }
}

function createServer(database: string): BenchServer {
  return createOptimizedServer(BenchServer, {
    name: 'bench',
    version: '1.0.0',
    description: 'Pools',
    http: false,
    handleSignals: false,
    database: database.startsWith('sqlite') ? database : { url: database, maxConnections: CONNECTIONS },
  });
}

async function seed(server: BenchServer): Promise<void> {
  await server.run('DROP TABLE IF EXISTS bench_item');
  await server.run('CREATE TABLE bench_item (id INTEGER PRIMARY KEY, name VARCHAR(80), price_cents INTEGER)');
  const values = Array.from({ length: ROWS }, (_, id) => `(${id}, 'item ${id}', ${id * 7})`).join(', ');
  await server.run(`INSERT INTO bench_item (id, name, price_cents) VALUES ${values}`);
}

/** Asks for each item in turn, and holds the answer to it. */
function lookUps(name: string, ask: (id: number) => Promise<readonly Item[]> | readonly Item[]): Contender {
  return {
    name,
    run: async (index) => {
      const id = (index * 37) % ROWS;
      const rows = await ask(id);
      if (rows.length !== 1 || rows[0]?.id !== id || rows[0].name !== `item ${id}`)
        throw new Error(`${name}: wrong answer for ${id}: ${JSON.stringify(rows)}`);
    },
  };
}

async function measurePostgres(url: string): Promise<ContestRow[]> {
  const server = createServer(url);
  await seed(server);
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
  const text = LOOKUP.replace('?', '$1');
  const rows = await contest(
    [
      lookUps('pg, prepared', async (id) => (await pool.query({ name: 'look-up', text, values: [id] })).rows as Item[]),
      lookUps('queryDatabase, PostgreSQL', (id) => server.lookUp(id)),
      batched('queryDatabase, PostgreSQL, batched', server),
    ],
    NETWORK,
  );
  await pool.end();
  await server.stop();
  return rows;
}

async function measureMariadb(url: string): Promise<ContestRow[]> {
  const server = createServer(url);
  await seed(server);
  const pool = mysql.createPool({ uri: url, connectionLimit: CONNECTIONS });
  const rows = await contest(
    [
      lookUps('mysql2, prepared', async (id) => (await pool.execute(LOOKUP, [id]))[0] as Item[]),
      lookUps('queryDatabase, MariaDB', (id) => server.lookUp(id)),
      batched('queryDatabase, MariaDB, batched', server),
    ],
    NETWORK,
  );
  await pool.end();
  await server.stop();
  return rows;
}

/** Single look-ups of one tick as one query. */
function batched(name: string, server: BenchServer): Contender {
  const batcher = createBatcher<number, Item>({
    load: async (ids) => {
      const marks = ids.map(() => '?').join(', ');
      return (await server.run(`SELECT id, name, price_cents FROM bench_item WHERE id IN (${marks})`, [
        ...ids,
      ])) as Item[];
    },
    keyOf: (item) => item.id,
  });
  return lookUps(name, async (id) => {
    const item = await batcher.load(id);
    return item === undefined ? [] : [item];
  });
}

async function measureSqlite(file: string): Promise<ContestRow[]> {
  const server = createServer(`sqlite:${file}`);
  await seed(server);
  const db = new DatabaseSync(file);
  const statement = db.prepare(LOOKUP);
  const rows = await contest(
    [
      lookUps('node:sqlite, prepared', (id) => statement.all(id) as unknown as Item[]),
      lookUps('queryDatabase, SQLite', (id) => server.lookUp(id)),
    ],
    EMBEDDED,
  );
  db.close();
  await server.stop();
  return rows;
}

/** Look-ups by key on the three databases: the bare driver with a prepared statement, `queryDatabase`, and batches of it. */
export async function measureDatabases(urls: {
  readonly postgresUrl: string;
  readonly mysqlUrl: string;
  readonly sqliteFile: string;
}): Promise<{ postgres: ContestRow[]; mariadb: ContestRow[]; sqlite: ContestRow[] }> {
  return {
    sqlite: await measureSqlite(urls.sqliteFile),
    postgres: await measurePostgres(urls.postgresUrl),
    mariadb: await measureMariadb(urls.mysqlUrl),
  };
}
