import { setImmediate as letEventsThrough } from 'node:timers/promises';
import { placeholders, type SqlPool, type SqlTransaction } from 'peregrine-mcp';
import { CatalogueError } from './problems.ts';
import { generateRows, PRODUCTS, type SeedRow, USERS } from './rows.ts';
import { DIALECTS, INDICES, META, META_COLUMN, TABLES } from './schema.ts';

/** Of tables and rows: a database with another number is seeded anew. */
export const CATALOGUE_VERSION = 2;

/** Rows that go into the database by one statement. */
const BATCH = 500;

export type Progress = (done: number, total: number) => void;

/**
 * Fills a database that is empty, outdated or half seeded; one that is complete is left as it is.
 *
 * The row that says "complete" is written last, so an interrupted start leaves nothing that is taken for done, and of
 * several processes that start at once one seeds while the others wait.
 *
 * @returns Whether this call seeded it.
 * @throws {CatalogueError} when the database holds other tables of the same names.
 */
export async function seedCatalogue(pool: SqlPool, progress: Progress, signal?: AbortSignal): Promise<boolean> {
  const { lock, unlock } = DIALECTS[pool.kind];
  if ((await readState(pool, pool.kind)) === 'complete') return false;
  const seeding = async (transaction: SqlTransaction) => {
    const unlimited = { signal, timeoutMs: 0 };
    if (lock !== undefined) {
      const [row] = await transaction.query<{ got: unknown }>(lock, [], unlimited);
      if (row?.got !== 1) throw new CatalogueError('another process is seeding it and does not come to an end');
    }
    try {
      // Another process may have seeded while this one waited for its turn.
      const state = await readState(transaction, pool.kind);
      if (state === 'complete') return false;
      await createTables(transaction, pool.kind, state);
      await fill(transaction, pool.kind, progress, signal);
      return true;
    } finally {
      // Where this fails the connection is lost, and the lock with it.
      if (unlock !== undefined) await transaction.query(unlock).catch(() => undefined);
    }
  };
  // A signal for all of it would leave no way to unlock.
  return pool.transaction(seeding, unlock === undefined ? { signal } : {});
}

type State = 'none' | 'incomplete' | 'complete';
type Executor = Pick<SqlTransaction, 'query'>;

/** @throws {CatalogueError} when there are tables that are not this example's. */
async function readState(database: Executor, kind: SqlPool['kind']): Promise<State> {
  const names = [META, ...Object.keys(TABLES)];
  const columns = await database.query<{ table_name: string; column_name: string }>(
    `${DIALECTS[kind].columns} (${placeholders(names.length)})`,
    names,
  );
  if (columns.length === 0) return 'none';
  if (!columns.some(({ table_name, column_name }) => table_name === META && column_name === META_COLUMN)) {
    const found = [...new Set(columns.map(({ table_name }) => table_name))].join(', ');
    throw new CatalogueError(`it holds tables of another program (${found}); choose another database`);
  }
  const rows = await database.query<Record<string, unknown>>(`SELECT ${META_COLUMN} FROM ${META}`);
  return rows[0]?.[META_COLUMN] === CATALOGUE_VERSION ? 'complete' : 'incomplete';
}

/** In an order that tells at any moment whose the tables are: MySQL keeps each of them whatever happens afterwards. */
async function createTables(transaction: SqlTransaction, kind: SqlPool['kind'], state: State): Promise<void> {
  if (state === 'none') await transaction.execute(`CREATE TABLE ${META} (${META_COLUMN} INTEGER PRIMARY KEY)`);
  else await transaction.execute(`DELETE FROM ${META}`);
  for (const [table, columns] of Object.entries(TABLES)) {
    await transaction.execute(`DROP TABLE IF EXISTS ${table}`);
    await transaction.execute(`CREATE TABLE ${table} (${columns.replace('@id', DIALECTS[kind].id)})`);
  }
}

async function fill(
  transaction: SqlTransaction,
  kind: SqlPool['kind'],
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { begin, finish } = DIALECTS[kind];
  const unlimited = { signal, timeoutMs: 0 };
  if (begin !== undefined) await transaction.execute(begin);
  let done = 0;
  for (const [table, rows] of inBatches(generateRows())) {
    const tuple = `(${placeholders(rows[0]?.length ?? 0)})`;
    await transaction.execute(
      `INSERT INTO ${table} VALUES ${rows.map(() => tuple).join(', ')}`,
      rows.flat(),
      unlimited,
    );
    if (table === 'catalogue_product' || table === 'catalogue_user') done += rows.length;
    progress(done, PRODUCTS + USERS);
    await letEventsThrough(); // SQLite does everything at once, and a stop must be noticed
  }
  for (const sql of [...INDICES, ...finish]) await transaction.query(sql, [], unlimited);
  await transaction.execute(`INSERT INTO ${META} VALUES (?)`, [CATALOGUE_VERSION], unlimited);
}

/** Rows together with others of their table. */
function* inBatches(rows: Iterable<SeedRow>): Generator<readonly [table: string, rows: SeedRow[1][]]> {
  const waiting = new Map<string, SeedRow[1][]>();
  for (const [table, values] of rows) {
    const batch = waiting.get(table);
    if (batch === undefined) waiting.set(table, [values]);
    else if (batch.push(values) === BATCH) {
      waiting.delete(table);
      yield [table, batch];
    }
  }
  yield* waiting;
}
