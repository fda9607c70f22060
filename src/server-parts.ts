import { Circuit } from './breaker/breaker.ts';
import { Cache, createRedisTier } from './cache/cache.ts';
import { type Dispatcher, type ToolExecutor, traced } from './dispatch/dispatch.ts';
import type { Clock } from './kernel/clock.ts';
import { PeregrineError } from './kernel/errors.ts';
import { systemRandom } from './kernel/random.ts';
import type { HttpPool, RequestDatabases } from './pool/pool.ts';
import { createDetachedContext, type Protocol } from './protocol/protocol.ts';
import type { RegisteredTool } from './registry/registry.ts';
import type { ResolvedServerConfig } from './server-config.ts';
import { ServerMonitor } from './server-monitor.ts';
import type { EngineSignals } from './signal/signal.ts';
import { createFetchHandler, type FetchHandler, OriginGuard, resolveHttpOptions } from './transport/transport.ts';
import type { CallToolResult } from './wire/wire.ts';
import type { RequestTasks } from './worker/worker.ts';

/** The cache limits the time of each call itself. A Redis that hangs is asked again after one second, then ever more rarely. */
const REDIS_CIRCUIT = { name: 'redis', timeout: 0, resetTimeout: 1_000, resetBackoff: 2, maxResetTimeout: 30_000 };

/** The cache of a server; with Redis, behind a circuit breaker, which is then added to the server's. */
export function createCache(
  { cache: options, clock }: ResolvedServerConfig,
  signals: EngineSignals,
  circuits: Circuit[],
): Cache {
  const parts = { options, clock, random: systemRandom, signal: signals.cache };
  if (!options.enableRedisCache) return new Cache(parts);
  const { redisUrl: url, keyPrefix: prefix } = options;
  const circuit = new Circuit({ ...REDIS_CIRCUIT, clock, changed: signals.breaker });
  circuits.push(circuit);
  return new Cache({
    ...parts,
    tier: createRedisTier({ url, prefix, random: systemRandom, connectTimeoutMs: 5_000 }),
    protect: (work) => circuit.run(work),
  });
}

/** The parts of a server that its monitor asks. */
export interface MonitoredParts {
  readonly cache: Cache;
  readonly http: HttpPool;
  readonly tasks: RequestTasks;
  readonly databases: RequestDatabases;
  readonly dispatcher: Dispatcher;
  readonly circuits: readonly Circuit[];
}

/** The monitor of a server. */
export function createMonitor(
  { monitor: options, alerts, serverInfo: server, clock }: ResolvedServerConfig,
  signals: EngineSignals,
  { cache, http, tasks, databases, dispatcher, circuits }: MonitoredParts,
): ServerMonitor {
  return new ServerMonitor({
    options,
    signals,
    clock,
    alerts,
    server,
    post: (url, init) => http.fetch(url, init),
    sources: {
      cache: () => cache.statistics(),
      pools: () => ({ http: http.statistics(), ...tasks.statistics(), ...databases.statistics() }),
      limits: () => dispatcher.limitStatistics(),
      breakers: () => Object.fromEntries(circuits.map(({ name, state }) => [name, state])),
    },
    databases: () => databases.health(),
  });
}

/** What runs tools: the author's own dispatch where there is one, and with traces at the place of the call in its trace. */
export function createExecutor(
  { monitor: { otlp } }: ResolvedServerConfig,
  own: ToolExecutor | undefined,
  monitor: () => ServerMonitor,
): ToolExecutor {
  const execute: ToolExecutor = own ?? ((tool, args, call) => tool.run(args, call));
  return otlp?.traces ? traced(execute, (call, meta, work) => monitor().runTraced(call, meta, work)) : execute;
}

/** The server's web-standard face. */
export function createFetch(protocol: Protocol, { http, limits, clock }: ResolvedServerConfig): FetchHandler {
  const guard = new OriginGuard(http ?? resolveHttpOptions(undefined));
  return createFetchHandler({ acceptor: protocol, guard, limits, clock });
}

/** Runs a tool that no request asked for, its arguments checked. @throws {PeregrineError} `ARGUMENTS_INVALID` */
export async function runDetached(
  tool: RegisteredTool,
  args: unknown,
  surroundings: { readonly clock: Clock; readonly signals: EngineSignals },
): Promise<CallToolResult> {
  const { name, compiled } = tool;
  const checked = await (compiled.input?.check(args ?? {}) ?? { ok: true as const, value: undefined });
  if (!checked.ok)
    throw new PeregrineError('ARGUMENTS_INVALID', `invalid arguments for tool "${name}": ${checked.issues}`);
  const context = createDetachedContext('tools/call', { name, arguments: args }, surroundings);
  return (await tool.run(checked.value, context)) as CallToolResult;
}

/** Runs an operation of the author's own so that it counts in the metrics. Rejects as the work does. */
export async function measureOperation<T>(
  operation: string,
  { clock, signals }: { readonly clock: Clock; readonly signals: EngineSignals },
  work: () => T | Promise<T>,
): Promise<T> {
  const startedAt = clock.now();
  let outcome: 'ok' | 'error' = 'error';
  try {
    const result = await work();
    outcome = 'ok';
    return result;
  } finally {
    const finishedAt = clock.now();
    const durationMs = finishedAt - startedAt;
    signals.request.emit({ method: 'operation', target: operation, outcome, durationMs, finishedAt });
  }
}
