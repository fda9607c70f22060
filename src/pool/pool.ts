/** The contract of `pool/`: databases behind one interface, each through a bounded number of connections. */

export { type Batcher, type BatcherOptions, createBatcher } from './batcher.ts';
export {
  type ConstraintKind,
  DatabaseError,
  type DatabaseErrorCode,
  DriverMissingError,
  PoolClosedError,
  PoolQueueFullError,
  PoolTimeoutError,
  TransactionOutcomeUnknownError,
  TransactionUseError,
} from './errors.ts';
export {
  ConnectionPoolManager,
  type DatabasesConfig,
  DEFAULT_DATABASE,
  type PoolSurroundings,
  type ResolvedDatabases,
  resolveDatabases,
} from './pool-manager.ts';
export type { DatabaseConfig, DatabaseOptions } from './sql/options.ts';
export { placeholders } from './sql/placeholders.ts';
export type {
  SqlExecutor,
  SqlHealth,
  SqlOutcome,
  SqlParameter,
  SqlPool,
  SqlQueryOptions,
  SqlRow,
  SqlTransaction,
  SqlTransactionOptions,
} from './sql/sql-pool.ts';
export type { PoolStatistics } from './statistics.ts';
