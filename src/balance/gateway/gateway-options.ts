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
import { type ResolvedSource, resolveSource, SOURCE_KEYS, type SourceConfig } from './endpoint-sources.ts';
import { REPLICA_KEYS, type ReplicaConfig, type ReplicaOptions, resolveReplicaOptions } from './replica-options.ts';
import { type ResponseCacheOptions, resolveResponseCache } from './response-cache.ts';
import type { RouteOptions } from './route.ts';
import { type ResolvedScale, resolveScale, type ScaleConfig } from './scale-options.ts';

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

/** One server: where clients reach it, where its replicas are, and how calls are spread over them. */
export interface GatewayServerConfig extends ReplicaConfig, SourceConfig {
  /** @default '/mcp' */
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
}

export interface ResolvedServer {
  readonly name: string;
  readonly route: RouteOptions;
  readonly replicas: ReplicaOptions;
  readonly source: ResolvedSource;
  readonly scale: ResolvedScale | undefined;
}

const KEYS = ['listen', 'limits', 'sessionSecret', 'admin', 'drain', 'servers'] as const;
const LISTEN_KEYS = ['host', 'port', 'allowedHosts', 'allowedOrigins', 'tls'] as const;
const SERVER_KEYS = [
  'path',
  'maxInFlight',
  'forwardAuthorization',
  'cache',
  'scale',
  ...SOURCE_KEYS,
  ...REPLICA_KEYS,
] as const;
const MIN_SECRET_LENGTH = 32;
const DRAIN_TIME = { min: 0, max: 3_600_000 };
const PORT = { min: 0, max: 65_535 };

/** Checks a configuration and fills in the defaults. @throws {OptionError} */
export function resolveGateway(config: unknown, clock: Clock = systemClock): ResolvedGateway {
  const given = objectOption('config', config ?? null, KEYS);
  const { tls, ...listen } = objectOption('listen', given.listen, LISTEN_KEYS);
  return Object.freeze({
    listen: resolveHttpOptions({ ...listen, port: listen.port ?? 8_080 }, 'listen'),
    tls: tls === undefined ? undefined : resolveTls(tls),
    limits: resolveTransportLimits(given.limits),
    sessionSecret: resolveSecret(given.sessionSecret),
    admin: given.admin === undefined ? undefined : resolveAdmin(given.admin),
    drain: resolveDrain(given.drain),
    servers: resolveServers(given.servers, clock),
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

function resolveServers(value: unknown, clock: Clock): ReadonlyMap<string, ResolvedServer> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length === 0)
    throw new OptionError('servers', 'must be an object with at least one server', value);
  const servers = new Map<string, ResolvedServer>();
  const paths = new Map<string, string>();
  for (const [name, server] of Object.entries(value)) {
    const resolved = resolveServer(name, server, clock);
    const { path } = resolved.route;
    const other = paths.get(path);
    if (other !== undefined)
      throw new OptionError(`servers.${name}.path`, `must be another one than that of "${other}"`, path);
    paths.set(path, name);
    servers.set(name, resolved);
  }
  return servers;
}

function resolveServer(name: string, value: unknown, clock: Clock): ResolvedServer {
  const at = `servers.${name}`;
  if (!/^[\w-]{1,64}$/.test(name))
    throw new OptionError(at, 'must be named by letters, digits, "-" and "_", at most 64 of them', name);
  const given = objectOption(at, value ?? null, SERVER_KEYS);
  return {
    name,
    route: Object.freeze({
      path: endpointPathOption(`${at}.path`, given.path),
      maxInFlight: integerOption(`${at}.maxInFlight`, given.maxInFlight, 10_000, { min: 1, max: 1_000_000 }),
      forwardAuthorization: booleanOption(`${at}.forwardAuthorization`, given.forwardAuthorization, true),
      cache: given.cache === false ? undefined : resolveResponseCache(`${at}.cache`, given.cache),
    }),
    replicas: resolveReplicaOptions(at, given as ReplicaConfig),
    source: resolveSource(at, given as SourceConfig, clock),
    scale: given.scale === undefined ? undefined : resolveScale(name, given.scale, given as SourceConfig, clock),
  };
}
