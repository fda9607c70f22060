import {
  type AuthorizationOptions,
  type ResolvedAuthorization,
  resolveAuthorization,
} from './authorization/authorization.ts';
import { type CacheOptions, type ResolvedCacheOptions, resolveCacheOptions } from './cache/cache.ts';
import type { CacheableMethod } from './dispatch/dispatch.ts';
import { type Clock, systemClock } from './kernel/clock.ts';
import { OptionError } from './kernel/errors.ts';
import { isLoopbackHost } from './kernel/loopback.ts';
import { booleanOption, integerOption, objectOption, stringOption } from './kernel/options.ts';
import { isInKubernetes } from './kernel/runtime.ts';
import { type OverloadOptions, type ResolvedOverload, resolveOverload } from './limit/limit.ts';
import {
  type AlertOptions,
  type AlertThresholdOptions,
  type MonitorOptions,
  type ResolvedAlerts,
  type ResolvedMonitorOptions,
  resolveAlerts,
  resolveMonitorOptions,
} from './monitor/monitor.ts';
import { type PerformanceOptions, type ResolvedPerformance, resolvePerformance } from './optimizer/optimizer.ts';
import { type HttpPoolOptions, type ResolvedDatabases, resolveDatabases } from './pool/pool.ts';
import {
  type CacheHints,
  type RequestStateOptions,
  type ResolvedSessions,
  resolveCacheHints,
  resolveLimits,
  resolveRequestState,
  resolveSessions,
  type ServerLimits,
  type SessionMode,
  type SessionOptions,
} from './protocol/protocol.ts';
import {
  type BreakerSettings,
  type ServerDatabaseConfig,
  type ServerHttpPoolOptions,
  splitBreakers,
} from './server-breaker-config.ts';
import { type ResolvedScaling, resolveScaling, type ScalingOptions } from './server-scaling.ts';
import { type ResolvedStateStore, resolveStateStore, type StateStoreOptions } from './state/state.ts';
import { type ResolvedTasks, resolveTasks, type TasksOptions } from './tasks/tasks.ts';
import {
  type HttpOptions,
  type ResolvedHttpOptions,
  resolveHttpOptions,
  type StdioStreams,
} from './transport/transport.ts';
import type { CacheHint, Icon, Implementation } from './wire/wire.ts';
import { resolveWorkersOptions, type WorkersOptions } from './worker/worker.ts';

/** How a server is set up. Only the first three are needed; every key is checked at construction. */
export interface OptimizedServerConfig {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly title?: string;
  readonly websiteUrl?: string;
  readonly icons?: Icon[];
  /** Tells a model how to use this server. */
  readonly instructions?: string;
  /** Where to listen; `false` for nowhere. @default { host: '127.0.0.1', port: 3000, path: '/mcp' }, nowhere with stdio */
  readonly http?: HttpOptions | false;
  /**
   * Serve one client over stdin and stdout; what else the process writes to stdout goes to stderr then. With the end of input the
   * process ends, after what runs then. @default false
   */
  readonly stdio?: boolean | StdioStreams;
  /** Who may use the server over HTTP: those with a token of an authorization server. @default everyone */
  readonly authorization?: AuthorizationOptions;
  readonly limits?: Partial<ServerLimits>;
  /** When requests are refused rather than answered too late. */
  readonly overload?: OverloadOptions;
  /** Entries in one page of a list. @default 1_000 */
  readonly listPageSize?: number;
  /** Where and for how long answers and values are kept. Tools and resources say themselves whether theirs are. */
  readonly cache?: CacheOptions;
  /** How long clients may reuse answers, by method. */
  readonly cacheHints?: CacheHints;
  readonly requestState?: RequestStateOptions;
  /** How calls that become tasks are kept, and how many; tools say themselves whether theirs do. */
  readonly tasks?: TasksOptions;
  /**
   * Sessions of clients of the revisions before 2026-07-28, over HTTP: for all of them, for none, or `auto`: where the server is
   * known to need them.
   *
   * @default 'auto'
   */
  readonly sessions?: SessionMode | SessionOptions;
  /** The database: `sqlite:./file.db`, `postgres://...` or `mysql://...`, alone or with settings. Its name is `default`. */
  readonly database?: ServerDatabaseConfig;
  /** How `server.http` connects to other servers. */
  readonly httpPool?: ServerHttpPoolOptions;
  /** Further databases by name. */
  readonly databases?: { readonly [name: string]: ServerDatabaseConfig };
  /** Where sessions and tasks are kept: `memory`, `sqlite:./file.db` or `redis://...`, alone or with settings. @default memory, under `peregrine start` the supervisor's */
  readonly stateStore?: string | StateStoreOptions;
  /** Threads and processes that run what would block the event loop. */
  readonly workers?: WorkersOptions;
  /**
   * Serves metrics, health and the dashboard, and measures for them; `true` on the default ports. Without it requests are counted
   * for `getPerformanceMetrics` and nothing is served; `false` spares even that.
   */
  readonly monitor?: boolean | MonitorOptions;
  /** When alerts fire, in percent or milliseconds; `false` turns one off. Watched for with a monitor, or where this or `alerts` is given. */
  readonly alertThresholds?: AlertThresholdOptions;
  /** Where alerts go, besides the event `alert`. */
  readonly alerts?: AlertOptions;
  /** Says when there should be more instances of the server, or fewer, by events and metrics; `true` with the defaults. @default false */
  readonly scaling?: boolean | ScalingOptions;
  /** How the server fits itself to its machine; `false` for one that stays as it begins, without a memory guard. */
  readonly performance?: PerformanceOptions | false;
  /** Stop on SIGTERM and SIGINT: finish what is in flight, then exit. @default true */
  readonly handleSignals?: boolean;
  /** Longest time for requests in flight to finish when the server stops, in milliseconds. @default 25_000 */
  readonly drainTimeoutMs?: number;
  /**
   * How long a server that stops goes on serving, not ready, until whoever sends requests to it has seen that, in milliseconds.
   *
   * @default 5_000 in Kubernetes, otherwise 0
   */
  readonly drainDelayMs?: number;
  /** Where time comes from. @default the system's clock */
  readonly clock?: Clock;
}

/** How a server stops; deploy/ gives its pods the time for it. */
export const DRAIN = Object.freeze({ timeoutMs: 25_000, delayInKubernetesMs: 5_000 });

const KEYS = [
  'name',
  'version',
  'description',
  'title',
  'websiteUrl',
  'icons',
  'instructions',
  'http',
  'stdio',
  'authorization',
  'limits',
  'overload',
  'listPageSize',
  'cache',
  'cacheHints',
  'requestState',
  'tasks',
  'sessions',
  'database',
  'databases',
  'httpPool',
  'stateStore',
  'workers',
  'monitor',
  'alertThresholds',
  'alerts',
  'scaling',
  'performance',
  'handleSignals',
  'drainTimeoutMs',
  'drainDelayMs',
  'clock',
] as const;

/** A configuration that has been checked, with every default filled in. */
export interface ResolvedServerConfig {
  readonly serverInfo: Implementation;
  readonly instructions: string | undefined;
  readonly http: ResolvedHttpOptions | undefined;
  readonly stdio: boolean | StdioStreams;
  readonly authorization: ResolvedAuthorization | undefined;
  readonly limits: ServerLimits;
  readonly overload: ResolvedOverload;
  readonly listPageSize: number;
  readonly cache: ResolvedCacheOptions;
  readonly cacheHints: { readonly [M in CacheableMethod]: Required<CacheHint> };
  readonly requestState: { readonly secret: string | undefined; readonly ttlSeconds: number };
  readonly tasks: ResolvedTasks;
  readonly sessions: ResolvedSessions;
  readonly databases: ResolvedDatabases;
  readonly httpPool: HttpPoolOptions;
  readonly breakers: BreakerSettings;
  readonly stateStore: ResolvedStateStore;
  readonly workers: Required<WorkersOptions>;
  readonly monitor: ResolvedMonitorOptions;
  readonly alerts: ResolvedAlerts;
  readonly scaling: ResolvedScaling | undefined;
  readonly performance: ResolvedPerformance;
  readonly handleSignals: boolean;
  readonly drainTimeoutMs: number;
  readonly drainDelayMs: number;
  readonly clock: Clock;
}

/** Checks a configuration and fills in the defaults. @throws {OptionError} */
export function resolveServerConfig(config: OptimizedServerConfig): ResolvedServerConfig {
  const given = objectOption('config', config ?? null, KEYS);
  const stdio = checkStdio(given.stdio);
  const { breakers, httpPool, ...databases } = splitBreakers(config);
  const wanted = given.http ?? (stdio === false ? undefined : false);
  const http = wanted === false ? undefined : resolveHttpOptions(wanted);
  const scaling = resolveScaling(given.scaling);
  const performance = resolvePerformance(given.performance);
  const { facts } = performance;
  return Object.freeze({
    serverInfo: toServerInfo(config),
    instructions: given.instructions === undefined ? undefined : stringOption('instructions', given.instructions),
    http,
    stdio,
    authorization: authorizationOf(given.authorization, http),
    limits: resolveLimits(given.limits),
    overload: resolveOverload(given.overload as OverloadOptions | undefined, () => facts),
    listPageSize: integerOption('listPageSize', given.listPageSize, 1_000, { min: 1, max: 100_000 }),
    cache: resolveCacheOptions(given.cache, stringOption('name', config.name), facts),
    cacheHints: resolveCacheHints(given.cacheHints),
    requestState: resolveRequestState(given.requestState),
    tasks: resolveTasks(given.tasks),
    sessions: resolveSessions(given.sessions),
    databases: resolveDatabases(databases, facts),
    httpPool: checkHttpPool(httpPool, performance),
    breakers,
    scaling,
    performance,
    stateStore: resolveStateStore(given.stateStore, config.name),
    workers: resolveWorkersOptions(given.workers, facts),
    monitor: resolveMonitorOptions(monitorOf(given)),
    alerts: resolveAlerts(given.alertThresholds, given.alerts),
    handleSignals: booleanOption('handleSignals', given.handleSignals, true),
    drainTimeoutMs: integerOption('drainTimeoutMs', given.drainTimeoutMs, DRAIN.timeoutMs, { min: 0, max: 3_600_000 }),
    drainDelayMs: integerOption('drainDelayMs', given.drainDelayMs, isInKubernetes() ? DRAIN.delayInKubernetesMs : 0, {
      min: 0,
      max: 600_000,
    }),
    clock: checkClock(given.clock),
  });
}

/** Only on loopback the server is where it listens. */
function authorizationOf(given: unknown, http: ResolvedHttpOptions | undefined): ResolvedAuthorization | undefined {
  const authorization = resolveAuthorization(given);
  if (authorization?.resource === undefined && authorization !== undefined && http && !isLoopbackHost(http.host))
    throw new OptionError(
      'authorization.resource',
      `must be the server's URL when it listens on ${http.host}`,
      undefined,
    );
  return authorization;
}

/** Who wants alerts or scaling has the server watched, though nothing is served. */
function monitorOf({ monitor, alertThresholds, alerts, scaling }: { readonly [key: string]: unknown }): unknown {
  const areWanted = alertThresholds !== undefined || alerts !== undefined;
  const isScaling = scaling !== undefined && scaling !== false;
  if (areWanted && monitor === false) throw new OptionError('monitor', 'must not be false for alerts', monitor);
  if (isScaling && monitor === false) throw new OptionError('monitor', 'must not be false for scaling', monitor);
  return monitor === undefined && (areWanted || isScaling) ? { prometheusPort: false, dashboardPort: false } : monitor;
}

/** A server's identity as clients see it. @throws {OptionError} */
function toServerInfo(config: OptimizedServerConfig): Implementation {
  const info: Implementation = {
    name: stringOption('name', config.name),
    version: stringOption('version', config.version),
    description: stringOption('description', config.description),
  };
  if (config.title !== undefined) info.title = stringOption('title', config.title);
  if (config.websiteUrl !== undefined) info.websiteUrl = stringOption('websiteUrl', config.websiteUrl);
  if (
    config.icons !== undefined &&
    !(Array.isArray(config.icons) && config.icons.every((icon) => typeof icon?.src === 'string'))
  ) {
    throw new OptionError('icons', 'must be a list of objects with src', config.icons);
  }
  if (config.icons !== undefined) info.icons = config.icons;
  return Object.freeze(info);
}

/** Its keys are checked where the pool is made; here only that they can be joined with others. */
function checkHttpPool(options: unknown, { profile }: ResolvedPerformance): HttpPoolOptions {
  if (options !== undefined && (typeof options !== 'object' || options === null || Array.isArray(options)))
    throw new OptionError('httpPool', 'must be an object', options);
  return { maxSockets: profile.httpSockets, ...options };
}

function checkClock(clock: unknown): Clock {
  if (clock === undefined) return systemClock;
  const members = clock as { readonly [name: string]: unknown } | null;
  if (!['now', 'wallNow', 'after', 'every'].every((name) => typeof members?.[name] === 'function'))
    throw new OptionError('clock', 'must be a Clock', clock);
  return clock as Clock;
}

function checkStdio(stdio: unknown): boolean | StdioStreams {
  if (stdio === undefined) return false;
  if (typeof stdio === 'boolean') return stdio;
  const { input, output } = (stdio ?? {}) as {
    readonly input?: { readonly on?: unknown };
    readonly output?: { readonly write?: unknown };
  };
  if (typeof input?.on === 'function' && typeof output?.write === 'function') return stdio as StdioStreams;
  throw new OptionError('stdio', 'must be true, false or { input, output } of streams', stdio);
}
