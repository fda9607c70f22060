import { type Clock, systemClock } from '../kernel/clock.ts';
import { OptionError, PeregrineError } from '../kernel/errors.ts';
import { type MachineFacts, readMachineFacts } from '../kernel/machine.ts';
import { nearest } from '../kernel/options.ts';
import type { PoolStatistics } from '../kernel/pool-statistics.ts';
import { type Random, systemRandom } from '../kernel/random.ts';
import { type PoolEvent, Signal } from '../signal/signal.ts';
import { createMysqlDriver } from './adapter/mysql.ts';
import { createPostgresDriver } from './adapter/postgres.ts';
import type { CallGate } from './call-gate.ts';
import { NetworkPool } from './sql/network-pool.ts';
import { type DatabaseConfig, type ResolvedDatabase, resolveDatabase } from './sql/options.ts';
import type { SqlHealth, SqlPool } from './sql/sql-pool.ts';
import { SqlitePool } from './sql/sqlite-pool.ts';

/** The name of the database that is configured as `database`. */
export const DEFAULT_DATABASE = 'default';

/** Which databases there are. */
export interface DatabasesConfig {
  /** The one database, or the first among several: its name is `default`. */
  readonly database?: DatabaseConfig | undefined;
  /** Further ones by name. */
  readonly databases?: { readonly [name: string]: DatabaseConfig } | undefined;
}

/** Databases whose options have been checked. */
export type ResolvedDatabases = ReadonlyMap<string, ResolvedDatabase>;

/** What a manager gets from around it. */
export interface PoolSurroundings {
  /** @default the system's clock */
  readonly clock?: Clock;
  /** @default the runtime's own */
  readonly random?: Random;
  /** Told of what happens in the pools. */
  readonly signal?: Signal<PoolEvent>;
  /** What stands before the calls to a database on a server. SQLite runs in this process and has none. */
  readonly gateOf?: (database: string) => CallGate | undefined;
}

const NAME = /^[A-Za-z][\w-]{0,63}$/;

/** Checks which databases there are. Nothing is opened. @throws {OptionError} */
export function resolveDatabases(
  { database, databases }: DatabasesConfig,
  machine: MachineFacts = readMachineFacts(),
): ResolvedDatabases {
  const resolved = new Map<string, ResolvedDatabase>();
  if (database !== undefined) resolved.set(DEFAULT_DATABASE, resolveDatabase('database', database, machine));
  if (databases === undefined) return resolved;
  if (typeof databases !== 'object' || databases === null || Array.isArray(databases))
    throw new OptionError('databases', 'must be an object of databases by name', databases);
  for (const [name, config] of Object.entries(databases)) {
    if (!NAME.test(name))
      throw new OptionError('databases', 'must have names of letters, digits, _ and -, beginning with a letter', name);
    if (resolved.has(name))
      throw new OptionError(`databases.${name}`, 'cannot be given beside "database", which has this name', name);
    resolved.set(name, resolveDatabase(`databases.${name}`, config, machine));
  }
  return resolved;
}

/**
 * The databases of a server, each a pool under its name.
 *
 * Creating it opens nothing, so a database that is down stops nobody: queries fail with a retryable code until it is back.
 */
export class ConnectionPoolManager {
  readonly #pools = new Map<string, SqlPool>();
  #closing: Promise<void> | undefined;

  /** @throws {OptionError} when an option is unknown or not valid. */
  constructor(config: DatabasesConfig | ResolvedDatabases, surroundings: PoolSurroundings = {}) {
    const databases =
      config instanceof Map ? (config as ResolvedDatabases) : resolveDatabases(config as DatabasesConfig);
    for (const [name, settings] of databases) this.#pools.set(name, createPool(name, settings, surroundings));
  }

  /** The names of the databases. */
  get names(): string[] {
    return [...this.#pools.keys()];
  }

  /**
   * A database by its name.
   *
   * @param name @default 'default', or the only one there is
   * @throws {PeregrineError} `DATABASE_UNKNOWN`
   */
  database(name?: string): SqlPool {
    const wanted = name ?? (this.#pools.size === 1 ? [...this.#pools.keys()][0] : DEFAULT_DATABASE);
    const pool = wanted === undefined ? undefined : this.#pools.get(wanted);
    if (pool !== undefined) return pool;
    if (this.#pools.size === 0) throw new PeregrineError('DATABASE_UNKNOWN', 'no database is configured');
    const near = nearest(wanted ?? '', this.names);
    const hint = near === undefined ? '' : ` (did you mean "${near}"?)`;
    throw new PeregrineError('DATABASE_UNKNOWN', `no database "${wanted ?? DEFAULT_DATABASE}" is configured${hint}`);
  }

  /** How each pool is used, by name. */
  statistics(): { readonly [name: string]: PoolStatistics } {
    return Object.fromEntries([...this.#pools].map(([name, pool]) => [name, pool.statistics()]));
  }

  /** Whether each database answers, by name. Never throws. */
  async health(): Promise<{ readonly [name: string]: SqlHealth }> {
    const checks = [...this.#pools].map(async ([name, pool]) => [name, await pool.health()] as const);
    return Object.fromEntries(await Promise.all(checks));
  }

  /** Closes all pools: waits for what runs, at most so many milliseconds. @param graceMs @default 5_000 */
  close(graceMs = 5_000): Promise<void> {
    this.#closing ??= Promise.all([...this.#pools.values()].map((pool) => pool.close(graceMs))).then(() => {});
    return this.#closing;
  }
}

function createPool(name: string, settings: ResolvedDatabase, surroundings: PoolSurroundings): SqlPool {
  const parts = {
    name,
    settings,
    clock: surroundings.clock ?? systemClock,
    random: surroundings.random ?? systemRandom,
    signal: surroundings.signal ?? new Signal<PoolEvent>(),
  };
  if (settings.kind === 'sqlite') return new SqlitePool(parts);
  const createDriver = settings.kind === 'postgres' ? createPostgresDriver : createMysqlDriver;
  const gate = surroundings.gateOf?.(name);
  return new NetworkPool({ ...parts, gate, driver: createDriver({ database: name, ...settings }) });
}
