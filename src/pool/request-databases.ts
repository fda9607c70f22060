import type { RequestScopes } from '../kernel/request-scope.ts';
import { ConnectionPoolManager, type PoolSurroundings, type ResolvedDatabases } from './pool-manager.ts';
import type { SqlParameter, SqlQueryOptions, SqlRow } from './sql/sql-pool.ts';

/** Settings of one query of a server. */
export interface DatabaseQueryOptions extends SqlQueryOptions {
  /** Which of the configured databases. @default 'default', or the only one there is */
  readonly database?: string;
}

/** A server's databases, whose queries end with the request that they are made for. */
export class RequestDatabases extends ConnectionPoolManager {
  readonly #scopes: RequestScopes;

  /** @throws {OptionError} */
  constructor(databases: ResolvedDatabases, surroundings: PoolSurroundings, scopes: RequestScopes) {
    super(databases, surroundings);
    this.#scopes = scopes;
  }

  /** Runs a statement and answers its rows. @throws as `SqlPool.query` does, and `DATABASE_UNKNOWN` */
  async query<Row = SqlRow>(
    sql: string,
    parameters?: readonly SqlParameter[],
    options: DatabaseQueryOptions = {},
  ): Promise<Row[]> {
    const pool = this.database(options.database);
    if (options.signal !== undefined) return pool.query<Row>(sql, parameters, options);
    return pool.query<Row>(sql, parameters, { signal: this.#scopes.signal, timeoutMs: options.timeoutMs });
  }
}
