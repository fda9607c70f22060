import { AsyncLocalStorage } from 'node:async_hooks';
import { ConnectionPoolManager, type PoolSurroundings, type ResolvedDatabases } from './pool-manager.ts';
import type { SqlParameter, SqlQueryOptions, SqlRow } from './sql/sql-pool.ts';

/** The part of a request that a query needs: when its caller goes, the query ends. */
export interface RequestScope {
  readonly signal: AbortSignal;
}

/** Settings of one query of a server. */
export interface DatabaseQueryOptions extends SqlQueryOptions {
  /** Which of the configured databases. @default 'default', or the only one there is */
  readonly database?: string;
}

/** A server's databases, whose queries end with the request that they are made for. */
export class RequestDatabases extends ConnectionPoolManager {
  readonly #scope = new AsyncLocalStorage<RequestScope>();

  /** @throws {OptionError} */
  constructor(databases: ResolvedDatabases, surroundings: PoolSurroundings) {
    super(databases, surroundings);
  }

  /** Makes a function's queries, however deep in it, end with the request that is its last argument. */
  scoped<A, B, S extends RequestScope, R>(run: (a: A, b: B, scope: S) => R): (a: A, b: B, scope: S) => R {
    return this.names.length === 0 ? run : (a, b, scope) => this.#scope.run(scope, () => run(a, b, scope));
  }

  /** Runs a statement and answers its rows. @throws as `SqlPool.query` does, and `DATABASE_UNKNOWN` */
  async query<Row = SqlRow>(
    sql: string,
    parameters?: readonly SqlParameter[],
    options: DatabaseQueryOptions = {},
  ): Promise<Row[]> {
    const pool = this.database(options.database);
    if (options.signal !== undefined) return pool.query<Row>(sql, parameters, options);
    return pool.query<Row>(sql, parameters, { signal: this.#scope.getStore()?.signal, timeoutMs: options.timeoutMs });
  }

  /** What metrics show of each pool, by name; `waitTime` is the mean, in milliseconds. */
  figures(): { readonly [name: string]: { utilization: number; waiting: number; waitTime: number } } {
    const entries = Object.entries(this.statistics()).map(
      ([name, { utilization, waiting, waitTime }]) =>
        [name, { utilization, waiting, waitTime: waitTime.average }] as const,
    );
    return Object.fromEntries(entries);
  }
}
