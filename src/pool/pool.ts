/** The contract of `pool/`: connections to databases and other servers, bounded and counted. */

export type { PoolStatistics } from '../kernel/pool-statistics.ts';
export { type Batcher, type BatcherOptions, type BatcherStatistics, createBatcher } from './batcher.ts';
export type { CallGate, CallOutcome } from './call-gate.ts';
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
export { isPublicAddress } from './http/address-guard.ts';
export type { HttpFetchInit } from './http/fetch-request.ts';
export type { HttpAnswer } from './http/http-answer.ts';
export { type HttpErrorCode, HttpPoolError } from './http/http-errors.ts';
export { type HttpFetcher, HttpPool, type HttpRequestOptions } from './http/http-pool.ts';
export type { HttpPoolOptions } from './http/http-pool-options.ts';
export type { HttpConnectionStatistics, HttpOriginStatistics, HttpPoolStatistics } from './http/http-statistics.ts';
export type { OriginGates } from './http/origin-table.ts';
export {
  ConnectionPoolManager,
  type DatabasesConfig,
  DEFAULT_DATABASE,
  type PoolSurroundings,
  type ResolvedDatabases,
  resolveDatabases,
} from './pool-manager.ts';
export { type DatabaseQueryOptions, RequestDatabases } from './request-databases.ts';
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
