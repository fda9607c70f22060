import type { ConnectionPoolManager, DatabaseOptions, SqlPool } from '../../src/pool/pool.ts';

/** What differs between the databases of the contract. */
export interface SqlSubject {
  readonly name: string;
  /** The options of a pool with so many connections. */
  options(): DatabaseOptions;
  /** The columns of the table that holds one value of each type. */
  readonly typeColumns: string;
  /** An integer column that counts up by itself. */
  readonly autoId: string;
  /** A statement that runs for some seconds when nobody stops it; nothing where statements cannot be stopped. */
  readonly slow: string | undefined;
  /** A query of so many rows with the column `n`. */
  series(count: number): string;
}

/** A pool with a table `id`, `name`, `price` of two rows: 1 `one` 100, and 2 `two` 200. */
export interface Shop {
  readonly table: string;
  readonly manager: ConnectionPoolManager;
  readonly pool: SqlPool;
  /** The names of all rows, by id. */
  names(from?: Pick<SqlPool, 'query'>): Promise<string[]>;
  insert(into: Pick<SqlPool, 'execute'>, id: number, name: string): Promise<unknown>;
}
