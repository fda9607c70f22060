/** The public face of `peregrine-mcp`. */

export {
  type BreakerCall,
  Circuit,
  CircuitBreaker,
  type CircuitBreakerOptions,
  CircuitBreakers,
  CircuitOpenError,
  type CircuitOptions,
  type CircuitRunOptions,
  type CircuitStatistics,
  CircuitTimeoutError,
} from './breaker/breaker.ts';
export type {
  ApplicationCache,
  CacheOptions,
  CacheStatistics,
  InvalidationTarget,
  ValueOptions,
} from './cache/cache.ts';
export type { Clock } from './kernel/clock.ts';
export { OptionError, PeregrineError } from './kernel/errors.ts';
export type { PerformanceMetrics } from './monitor/monitor.ts';
export {
  type Batcher,
  type BatcherOptions,
  ConnectionPoolManager,
  type ConstraintKind,
  createBatcher,
  type DatabaseConfig,
  DatabaseError,
  type DatabaseErrorCode,
  type DatabaseOptions,
  type DatabaseQueryOptions,
  type DatabasesConfig,
  DriverMissingError,
  PoolClosedError,
  PoolQueueFullError,
  type PoolStatistics,
  PoolTimeoutError,
  placeholders,
  type SqlExecutor,
  type SqlHealth,
  type SqlOutcome,
  type SqlParameter,
  type SqlPool,
  type SqlQueryOptions,
  type SqlRow,
  type SqlTransaction,
  type SqlTransactionOptions,
  TransactionOutcomeUnknownError,
  TransactionUseError,
} from './pool/pool.ts';
export type { CacheHints, RequestStateOptions, ServerLimits } from './protocol/protocol.ts';
export {
  type AnySchema,
  acceptedContent,
  type CompleteCallback,
  completable,
  type InputRequiredSpec,
  type InputResponseView,
  inputRequired,
  inputResponse,
  type McpRequest,
  type OutgoingNotification,
  type PromptConfig,
  type PromptHandler,
  type RegisteredPrompt,
  type RegisteredResource,
  type RegisteredResourceTemplate,
  type RegisteredTool,
  type ResourceCacheConfig,
  type ResourceConfig,
  ResourceTemplate,
  type ServerContext,
  type ToolCacheConfig,
  type ToolConfig,
  type ToolHandler,
  UriTemplate,
  type Variables,
} from './registry/registry.ts';
export { createOptimizedServer, OptimizedMCPServer } from './server.ts';
export type { AlertEvent, CpuTaskOptions, ScaleEvent, ServerEvents, StartedServer } from './server-api.ts';
export type { OptimizedServerConfig } from './server-config.ts';
export type {
  BreakerEvent,
  BreakerReason,
  BreakerState,
  CacheSignal,
  ConnectionEvent,
  EngineSignals,
  FaultEvent,
  PoolEvent,
  RequestEvent,
  RequestOutcome,
  Signal,
} from './signal/signal.ts';
export type { FetchHandler, HttpOptions, MemoryClient, StdioStreams, TransportLimits } from './transport/transport.ts';
export type * from './wire/wire.ts';
export { ErrorCode, ProtocolError } from './wire/wire.ts';
