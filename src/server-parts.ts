import type { EventEmitter } from 'node:events';
import { Authorization, type AuthorizationFetch } from './authorization/authorization.ts';
import { Cache, createRedisTier } from './cache/cache.ts';
import { Dispatcher, type DispatchOptions, type ToolExecutor, traced } from './dispatch/dispatch.ts';
import type { Clock } from './kernel/clock.ts';
import { OptionError, PeregrineError } from './kernel/errors.ts';
import { instancePlace } from './kernel/instance-place.ts';
import { terminate } from './kernel/process-signals.ts';
import { systemRandom } from './kernel/random.ts';
import type { PerformanceOptimizer } from './optimizer/optimizer.ts';
import type { HttpPool, RequestDatabases } from './pool/pool.ts';
import { type ChangeBus, createDetachedContext, jsonBoundsOf, Protocol } from './protocol/protocol.ts';
import type { RegisteredTool, Registry } from './registry/registry.ts';
import type { ScaleEvent, ServerEvents } from './server-api.ts';
import type { ServerBreakers } from './server-breakers.ts';
import type { ResolvedServerConfig } from './server-config.ts';
import { IDLE_GRACE_MS, type ServerInstance } from './server-instance.ts';
import { ServerMonitor } from './server-monitor.ts';
import { ServerScaling, type ServerScalingParts } from './server-scaling.ts';
import type { ServerState } from './server-state.ts';
import type { EngineSignals } from './signal/signal.ts';
import {
  createFetchHandler,
  endpointUrl,
  type FetchHandler,
  HttpEndpoint,
  OriginGuard,
  resolveHttpOptions,
  StdioEndpoint,
} from './transport/transport.ts';
import type { CallToolResult } from './wire/wire.ts';
import type { RequestTasks } from './worker/worker.ts';

/** The cache of a server; with Redis, behind a circuit breaker. */
export function createCache(
  { cache: options, clock }: ResolvedServerConfig,
  signals: EngineSignals,
  breakers: ServerBreakers,
  instance: ServerInstance,
): Cache {
  const parts = {
    ...{ options, clock, random: systemRandom, signal: signals.cache },
    tellPeers: instance.invalidatePeers,
  };
  if (!options.enableRedisCache) return new Cache(parts);
  const { redisUrl: url, keyPrefix: prefix } = options;
  const circuit = breakers.redis();
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
  readonly breakers: ServerBreakers;
  readonly instance: ServerInstance;
  readonly optimizer: PerformanceOptimizer;
  /** Who is told that there should be more instances, or fewer. */
  readonly events: EventEmitter<ServerEvents>;
}

/** The monitor of a server. */
export function createMonitor(
  settings: ResolvedServerConfig,
  signals: EngineSignals,
  { cache, http, tasks, databases, dispatcher, breakers, instance, optimizer, events }: MonitoredParts,
): ServerMonitor {
  const { serverInfo: server, clock } = settings;
  const limits = () => dispatcher.limitStatistics();
  // Of several instances their supervisor decides.
  const scaling = instance.place === undefined ? createScaling(settings, limits, events) : undefined;
  const monitor = new ServerMonitor({
    ...instance.monitorSettings(settings),
    signals,
    clock,
    server,
    post: (url, init) => http.fetch(url, init),
    sources: {
      cache: () => cache.statistics(),
      pools: () => ({ http: http.statistics(), ...tasks.statistics(), ...databases.statistics() }),
      limits,
      breakers: () => breakers.figures(),
      tuning: () => optimizer.report(),
      scaling: () => scaling?.figures(),
    },
    databases: () => databases.health(),
  });
  if (scaling !== undefined) monitor.onTick(({ vitals }) => scaling.observe(vitals));
  return monitor;
}

function createScaling(
  { scaling: options, clock }: ResolvedServerConfig,
  limits: ServerScalingParts['limits'],
  events: MonitoredParts['events'],
): ServerScaling | undefined {
  const told = (event: ScaleEvent): void => void events.emit(`scale-${event.direction}-needed`, event);
  return options && new ServerScaling({ options, clock, limits, told });
}

/** What answers requests. */
export function createDispatcher(
  settings: ResolvedServerConfig,
  parts: Pick<DispatchOptions, 'registry' | 'signals' | 'cache' | 'executeTool'>,
  instance: ServerInstance,
  state: ServerState,
): Dispatcher {
  const { clock, serverInfo, instructions, listPageSize, limits, requestState, cacheHints, overload } = settings;
  return new Dispatcher({
    ...parts,
    ...{ clock, serverInfo, instructions, cacheHints, overload },
    pageSize: listPageSize,
    maxUriLength: limits.maxUriLength,
    tasks: { ...state, options: settings.tasks },
    rounds: {
      ...requestState,
      secret: requestState.secret ?? instance.place?.stateSecret,
      maxLegacyRounds: settings.sessions.maxRounds,
    },
  });
}

/** What speaks with clients. */
export function createProtocol(
  settings: ResolvedServerConfig,
  parts: {
    readonly registry: Registry;
    readonly http: HttpPool;
    readonly dispatcher: Dispatcher;
    readonly signals: EngineSignals;
    readonly bus: ChangeBus;
    readonly state: ServerState;
  },
): Protocol {
  const { clock, limits, sessions, http } = settings;
  const { dispatcher, signals, bus, state } = parts;
  if (http?.sse !== undefined && state.store.kind === 'memory' && instancePlace() !== undefined)
    throw new OptionError('http.sse', 'needs a state store that all instances share (stateStore)', http.sse);
  return new Protocol({
    ...{ dispatcher, signals, clock, bus, sessions, ...state, sse: http?.sse },
    authorization: createAuthorization(settings, parts),
    jsonBounds: jsonBoundsOf(limits),
    subscriptionLimits: limits,
    transportLimits: limits,
  });
}

/** What checks tokens, where the configuration wants that. */
function createAuthorization(
  { authorization: options, http, clock, serverInfo }: ResolvedServerConfig,
  parts: { readonly registry: Registry; readonly http: HttpPool; readonly signals: EngineSignals },
): Authorization | undefined {
  if (options === undefined) return undefined;
  parts.registry.checksScopes = true;
  return new Authorization({
    ...{ options, clock, name: serverInfo.title ?? serverInfo.name },
    endpointUrl: http === undefined || http.port === 0 ? undefined : endpointUrl(http, http.port),
    fetch: parts.http.fetch as AuthorizationFetch,
    fault: (error) => parts.signals.fault.emit({ where: 'authorization', error }),
    scopes: () => parts.registry.scopes(),
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

/** The HTTP endpoint, where the server listens. */
export function createEndpoint(
  acceptor: Protocol,
  { http, limits, clock }: ResolvedServerConfig,
  signals: EngineSignals,
  { place }: ServerInstance,
): HttpEndpoint | undefined {
  if (http === undefined) return undefined;
  const options = { ...http, port: http.port === 0 ? (place?.port ?? 0) : http.port };
  const pages = acceptor.pages(http.path);
  return new HttpEndpoint({ acceptor, options, limits, clock, signals, pages, reusePort: place?.reusePort ?? false });
}

/** The parts of a server that requests come through. */
export interface DrainedParts {
  readonly endpoint: HttpEndpoint | undefined;
  readonly stdio: StdioEndpoint | undefined;
  readonly protocol: Protocol;
  readonly instance: ServerInstance;
}

/**
 * Takes no new requests, and finishes those in flight. Whoever sends requests is first given the time to see that they are to
 * go elsewhere.
 *
 * @returns How much of the time for it is left, in milliseconds.
 */
export async function drainServer(
  { clock, drainTimeoutMs, drainDelayMs }: ResolvedServerConfig,
  { endpoint, stdio, protocol, instance }: DrainedParts,
): Promise<number> {
  if (drainDelayMs > 0 && endpoint !== undefined)
    await new Promise<void>((resolve) => void clock.after(drainDelayMs, resolve));
  const endsAt = clock.now() + drainTimeoutMs;
  const { promise: deadline, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(drainTimeoutMs, resolve);
  endpoint?.drain(drainDelayMs > 0 ? IDLE_GRACE_MS : instance.idleGraceMs);
  protocol.close();
  await Promise.all([endpoint?.close(drainTimeoutMs), stdio?.close(deadline), protocol.finishTasks(deadline)]);
  cancel();
  return Math.max(0, endsAt - clock.now());
}

/**
 * Serves one client over streams, where the configuration says so. The end of its input is the end of the server, and of the
 * process where the streams and the signals are its own: nobody would be left to end it.
 */
export function createStdio(
  protocol: Protocol,
  { stdio, limits, handleSignals }: ResolvedServerConfig,
  stop: () => Promise<void>,
): StdioEndpoint | undefined {
  if (stdio === false) return undefined;
  const endpoint = new StdioEndpoint(protocol, limits, stdio);
  void endpoint.ended.then(() => (stdio === true && handleSignals ? terminate(stop) : stop()));
  return endpoint;
}

/** The server's web-standard face. */
export function createFetch(protocol: Protocol, { http, limits, clock }: ResolvedServerConfig): FetchHandler {
  const options = http ?? resolveHttpOptions(undefined);
  const guard = new OriginGuard(options);
  return createFetchHandler({ acceptor: protocol, guard, limits, clock, pages: protocol.pages(options.path) });
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
