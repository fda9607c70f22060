import { type CircuitOptions, resolveCircuitOptions } from './breaker/breaker.ts';
import { OptionError } from './kernel/errors.ts';
import { objectOption } from './kernel/options.ts';
import type { DatabaseConfig, DatabaseOptions, HttpPoolOptions } from './pool/pool.ts';

/** How the circuit breaker before a database or the origins of the HTTP pool decides; their own time limits bound each call. */
export type BreakerOptions = Pick<
  CircuitOptions,
  'threshold' | 'resetTimeout' | 'resetBackoff' | 'maxResetTimeout' | 'resetJitter'
>;

interface WithBreaker {
  /** When calls are refused because it fails; `false` for never. SQLite, in this process, has none. @default {} */
  readonly breaker?: BreakerOptions | false;
}

/** A database of a server: its address alone, or with settings. */
export type ServerDatabaseConfig = string | (DatabaseOptions & WithBreaker);

/** The HTTP pool of a server. */
export type ServerHttpPoolOptions = HttpPoolOptions & WithBreaker;

/** The circuits that a configuration asks for. */
export interface BreakerSettings {
  /** By the databases' names; one without is not guarded. */
  readonly databases: ReadonlyMap<string, CircuitOptions>;
  /** That of each origin. */
  readonly http: CircuitOptions | undefined;
}

/**
 * How a server's own circuits decide: each call has a time limit of its own already, and what fails is asked again after one
 * second, then ever more rarely, so that a short outage ends soon.
 */
export const DEPENDENCY_CIRCUIT = Object.freeze({
  timeout: 0,
  resetTimeout: 1_000,
  resetBackoff: 2,
  maxResetTimeout: 30_000,
});

const KEYS = ['threshold', 'resetTimeout', 'resetBackoff', 'maxResetTimeout', 'resetJitter'] as const;

/** What has a name of its own among a server's pools and breakers. */
const TAKEN = ['http', 'processes', 'redis', 'threads'];

/** What of a configuration is guarded. */
interface Guarded {
  readonly database?: ServerDatabaseConfig | undefined;
  readonly databases?: { readonly [name: string]: ServerDatabaseConfig } | undefined;
  readonly httpPool?: ServerHttpPoolOptions | undefined;
}

/** Splits what the pools are told from how their breakers decide. @throws {OptionError} */
export function splitBreakers({ database, databases, httpPool }: Guarded): {
  readonly database: DatabaseConfig | undefined;
  readonly databases: { readonly [name: string]: DatabaseConfig } | undefined;
  readonly httpPool: HttpPoolOptions | undefined;
  readonly breakers: BreakerSettings;
} {
  const circuits = new Map<string, CircuitOptions>();
  const split = (name: string, option: string, config: ServerDatabaseConfig): DatabaseConfig => {
    const { rest, circuit } = splitOne(option, config);
    if (circuit !== undefined) circuits.set(name, circuit);
    return rest;
  };
  for (const name of TAKEN)
    if (Object.hasOwn(databases ?? {}, name))
      throw new OptionError(`databases.${name}`, `must have another name: ${TAKEN.join(', ')} are taken`, name);
  const http = splitOne('httpPool', httpPool);
  const entries = isObject(databases)
    ? Object.entries(databases).map(([name, config]) => [name, split(name, `databases.${name}`, config)] as const)
    : undefined;
  return {
    database: database === undefined ? undefined : split('default', 'database', database),
    databases: entries === undefined ? databases : Object.fromEntries(entries),
    httpPool: http.rest,
    breakers: { databases: circuits, http: http.circuit },
  };
}

function splitOne<T>(option: string, config: T): { readonly rest: T; readonly circuit: CircuitOptions | undefined } {
  const { breaker, ...rest } = (isObject(config) ? config : {}) as WithBreaker;
  return { rest: breaker === undefined ? config : (rest as T), circuit: resolveBreaker(`${option}.breaker`, breaker) };
}

function resolveBreaker(option: string, breaker: BreakerOptions | false | undefined): CircuitOptions | undefined {
  if (breaker === false) return undefined;
  const given = objectOption(option, breaker, KEYS) as BreakerOptions;
  const { resetTimeout } = given;
  const longest = typeof resetTimeout === 'number' ? { maxResetTimeout: Math.max(30_000, resetTimeout) } : {};
  return resolveCircuitOptions({ ...DEPENDENCY_CIRCUIT, ...longest, ...given }, option);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
