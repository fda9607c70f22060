import { type Clock, systemClock } from '../../kernel/clock.ts';
import { OptionError } from '../../kernel/errors.ts';
import { booleanOption, integerOption, objectOption, stringOption } from '../../kernel/options.ts';
import {
  endpointPathOption,
  type HttpOptions,
  type ResolvedHttpOptions,
  resolveHttpOptions,
  resolveTransportLimits,
  type TransportLimits,
} from '../../transport/transport.ts';
import type { StdioOptions } from '../stdio/stdio-options.ts';
import type { ResolvedBacking } from './backing.ts';
import { resolveSource, SOURCE_KEYS, type SourceConfig } from './endpoint-sources.ts';
import { type MergeConfig, type ResolvedMergeConfig, resolveMerge } from './merge-config.ts';
import { ResolvedReplicas } from './replica-backing.ts';
import { REPLICA_KEYS, type ReplicaConfig, resolveReplicaOptions } from './replica-options.ts';
import { type ResponseCacheOptions, resolveResponseCache } from './response-cache.ts';
import type { RouteOptions } from './route.ts';
import { type ResolvedScale, resolveScale, type ScaleConfig } from './scale-options.ts';
import { ResolvedStdioBacking } from './stdio-backing.ts';

/** What a gateway does, as `gateway.json` has it. Every key is checked. */
export interface GatewayConfig {
  /** Where clients connect. @default { host: '127.0.0.1', port: 8080 } */
  readonly listen?: ListenConfig;
  readonly limits?: Partial<TransportLimits>;
  /** Signs session ids; gateways that stand side by side need the same one, of 32 characters or more. @default a random one */
  readonly sessionSecret?: string;
  /** Serves `/livez`, `/readyz` and `/statistics`. @default nowhere */
  readonly admin?: { readonly host?: string; readonly port?: number };
  /** How the gateway stops. */
  readonly drain?: DrainConfig;
  /** The servers by their names. */
  readonly servers: { readonly [name: string]: GatewayServerConfig };
  /** One endpoint for several of them. @default none */
  readonly merge?: MergeConfig;
}

export interface DrainConfig {
  /** How long it is not ready and serves all the same, until those who send clients here have seen it, in milliseconds. @default 0 */
  readonly delayMs?: number;
  /** How long calls may take after that, in milliseconds. @default 25_000 */
  readonly deadlineMs?: number;
}

export interface ListenConfig extends Pick<HttpOptions, 'host' | 'port' | 'allowedHosts' | 'allowedOrigins'> {
  /** With them clients connect by HTTPS. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
}

/** One server: where clients reach it, and what is behind it: replicas somewhere, or processes of its own. */
export interface GatewayServerConfig extends ReplicaConfig, SourceConfig {
  /** Processes that speak over stdio, in place of replicas. */
  readonly stdio?: Omit<StdioOptions, 'name'>;
  /** @default '/mcp'; with `merge` none: then it is reached through the merged endpoint only */
  readonly path?: string;
  /** Most calls at the same time; further ones get 503. @default 10_000 */
  readonly maxInFlight?: number;
  /** Pass the client's `Authorization` on: right as long as the replicas are the resource that the token is for. @default true */
  readonly forwardAuthorization?: boolean;
  /** Keeps answers that everyone may have; `false` for none. */
  readonly cache?: ResponseCacheOptions | false;
  /** Sets how many replicas there are in `kubernetes`, by the load that they report. @default nobody here does */
  readonly scale?: ScaleConfig;
}

export interface ResolvedGateway {
  readonly listen: ResolvedHttpOptions;
  readonly tls: ListenConfig['tls'];
  readonly limits: TransportLimits;
  readonly sessionSecret: string | undefined;
  readonly admin: { readonly host: string; readonly port: number } | undefined;
  readonly drain: Required<DrainConfig>;
  readonly servers: ReadonlyMap<string, ResolvedServer>;
  readonly merge: ResolvedMergeConfig | undefined;
}

export interface ResolvedServer {
  readonly name: string;
  readonly route: RouteOptions | undefined;
  readonly backing: ResolvedBacking;
  readonly scale: ResolvedScale | undefined;
}

const KEYS = ['listen', 'limits', 'sessionSecret', 'admin', 'drain', 'servers', 'merge'] as const;
const LISTEN_KEYS = ['host', 'port', 'allowedHosts', 'allowedOrigins', 'tls'] as const;
const ROUTE_KEYS = ['path', 'maxInFlight', 'forwardAuthorization', 'cache'] as const;
const SERVER_KEYS = ['stdio', 'scale', ...ROUTE_KEYS, ...SOURCE_KEYS, ...REPLICA_KEYS] as const;
const MIN_SECRET_LENGTH = 32;
const DRAIN_TIME = { min: 0, max: 3_600_000 };
const PORT = { min: 0, max: 65_535 };

/** Checks a configuration and fills in the defaults. @throws {OptionError} */
export function resolveGateway(config: unknown, clock: Clock = systemClock): ResolvedGateway {
  const given = objectOption('config', config ?? null, KEYS);
  const { tls, ...listen } = objectOption('listen', given.listen, LISTEN_KEYS);
  const servers = resolveServers(given.servers, given.merge !== undefined, clock);
  const merge = given.merge === undefined ? undefined : resolveMerge(given.merge, [...servers.keys()]);
  checkPaths(servers, merge);
  return Object.freeze({
    listen: resolveHttpOptions({ ...listen, port: listen.port ?? 8_080 }, 'listen'),
    tls: tls === undefined ? undefined : resolveTls(tls),
    limits: resolveTransportLimits(given.limits),
    sessionSecret: resolveSecret(given.sessionSecret),
    admin: given.admin === undefined ? undefined : resolveAdmin(given.admin),
    drain: resolveDrain(given.drain),
    servers,
    merge,
  });
}

function resolveTls(value: unknown): NonNullable<ListenConfig['tls']> {
  const given = objectOption('listen.tls', value, ['certFile', 'keyFile']);
  return {
    certFile: stringOption('listen.tls.certFile', given.certFile),
    keyFile: stringOption('listen.tls.keyFile', given.keyFile),
  };
}

/** What is wrong with a secret is told without it. */
function resolveSecret(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length < MIN_SECRET_LENGTH) {
    const what = typeof value === 'string' ? Symbol(`${value.length} of them`) : Symbol(typeof value);
    throw new OptionError('sessionSecret', `must be a string of ${MIN_SECRET_LENGTH} characters or more`, what);
  }
  return value;
}

function resolveAdmin(value: unknown): { host: string; port: number } {
  const given = objectOption('admin', value, ['host', 'port']);
  return {
    host: stringOption('admin.host', given.host, '127.0.0.1'),
    port: integerOption('admin.port', given.port, 9_091, PORT),
  };
}

function resolveDrain(value: unknown): Required<DrainConfig> {
  const given = objectOption('drain', value, ['delayMs', 'deadlineMs']);
  return {
    delayMs: integerOption('drain.delayMs', given.delayMs, 0, DRAIN_TIME),
    deadlineMs: integerOption('drain.deadlineMs', given.deadlineMs, 25_000, DRAIN_TIME),
  };
}

function resolveServers(value: unknown, isMerged: boolean, clock: Clock): ReadonlyMap<string, ResolvedServer> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length === 0)
    throw new OptionError('servers', 'must be an object with at least one server', value);
  return new Map(
    Object.entries(value).map(([name, server]) => [name, resolveServer(name, server, isMerged, clock)] as const),
  );
}

/** What is reached by a path must be told by it. */
function checkPaths(servers: ReadonlyMap<string, ResolvedServer>, merge: ResolvedMergeConfig | undefined): void {
  const owners = new Map<string, string>();
  if (merge !== undefined) owners.set(merge.path, 'merge');
  for (const { name, route } of servers.values()) {
    if (route === undefined) continue;
    const other = owners.get(route.path);
    if (other !== undefined)
      throw new OptionError(`servers.${name}.path`, `must be another one than that of "${other}"`, route.path);
    owners.set(route.path, name);
  }
}

function resolveServer(name: string, value: unknown, isMerged: boolean, clock: Clock): ResolvedServer {
  const at = `servers.${name}`;
  if (!/^[\w-]{1,64}$/.test(name))
    throw new OptionError(at, 'must be named by letters, digits, "-" and "_", at most 64 of them', name);
  const given = objectOption(at, value ?? null, SERVER_KEYS);
  const hasRoute = given.path !== undefined || !isMerged;
  return {
    name,
    route: hasRoute ? resolveRoute(at, given) : undefined,
    backing: given.stdio === undefined ? resolveReplicas(at, name, given, clock) : resolveStdio(at, name, given),
    scale: given.scale === undefined ? undefined : resolveScale(name, given.scale, given as SourceConfig, clock),
  };
}

function resolveRoute(at: string, given: { readonly [key in (typeof ROUTE_KEYS)[number]]?: unknown }): RouteOptions {
  return Object.freeze({
    path: endpointPathOption(`${at}.path`, given.path),
    maxInFlight: integerOption(`${at}.maxInFlight`, given.maxInFlight, 10_000, { min: 1, max: 1_000_000 }),
    forwardAuthorization: booleanOption(`${at}.forwardAuthorization`, given.forwardAuthorization, true),
    cache: given.cache === false ? undefined : resolveResponseCache(`${at}.cache`, given.cache),
  });
}

/** What is behind a server is told by its keys. A further kind is one more function here, and one more key. */
function resolveReplicas(at: string, name: string, given: object, clock: Clock): ResolvedBacking {
  return new ResolvedReplicas(name, resolveReplicaOptions(at, given), resolveSource(at, given, clock));
}

function resolveStdio(at: string, name: string, given: { readonly stdio?: unknown }): ResolvedBacking {
  const [odd] = [...SOURCE_KEYS, ...REPLICA_KEYS].filter(
    (key) => (given as Record<string, unknown>)[key] !== undefined,
  );
  if (odd !== undefined) throw new OptionError(`${at}.${odd}`, 'has no meaning beside "stdio"', (given as never)[odd]);
  return new ResolvedStdioBacking(`${at}.stdio`, name, given.stdio);
}
