import { OptionError } from '../../kernel/errors.ts';
import { resolveHardwareProfile } from '../../kernel/hardware-profile.ts';
import type { MachineFacts } from '../../kernel/machine.ts';
import { booleanOption, integerOption, objectOption } from '../../kernel/options.ts';
import type { ConnectionPoolLimits } from './connection-pool.ts';

/** Where a database is, and how it is used. */
export interface DatabaseOptions {
  /** `sqlite:./file.db`, `sqlite::memory:`, `postgres://user:password@host/name` or `mysql://user:password@host/name`. */
  readonly url: string;
  /** Most connections at once. For SQLite those of streams; reads and writes have one each. @default 2 for each core, at least 2 */
  readonly maxConnections?: number;
  /** Most callers that wait for a connection. @default 1_000 */
  readonly maxWaiting?: number;
  /** Longest wait for a connection, in milliseconds. @default 10_000 */
  readonly acquireTimeoutMs?: number;
  /** Longest attempt to connect, in milliseconds. @default 5_000 */
  readonly connectTimeoutMs?: number;
  /** An idle connection is closed after this, less up to a tenth, in milliseconds. @default 60_000 */
  readonly idleTimeoutMs?: number;
  /** A connection is replaced when it is this old, less up to a tenth, in milliseconds. @default 1_800_000 */
  readonly maxLifetimeMs?: number;
  /** A connection that was idle for longer is asked whether it works before it is used, in milliseconds. @default 5_000 */
  readonly validateAfterIdleMs?: number;
  /** Longest time that a statement may run, in milliseconds; 0 for no limit. SQLite cannot be stopped. @default 30_000 */
  readonly statementTimeoutMs?: number;
  /** Statements kept prepared on each connection; 0 for none, as some poolers in between need. @default 256 */
  readonly preparedStatements?: number;
  /** SQLite: longest wait for another process's lock, in milliseconds. @default 5_000 */
  readonly busyTimeoutMs?: number;
  /** SQLite: open the file for reading only. @default false */
  readonly readOnly?: boolean;
}

/** One database: its address alone, or with settings. */
export type DatabaseConfig = string | DatabaseOptions;

/** Checked options with every default filled in. */
export interface ResolvedDatabase extends ConnectionPoolLimits {
  readonly kind: 'sqlite' | 'postgres' | 'mysql';
  /** The address with its password: never shown. For SQLite the file's path. */
  readonly url: string;
  readonly statementTimeoutMs: number;
  readonly preparedStatements: number;
  readonly busyTimeoutMs: number;
  readonly readOnly: boolean;
}

const KEYS = [
  'url',
  'maxConnections',
  'maxWaiting',
  'acquireTimeoutMs',
  'connectTimeoutMs',
  'idleTimeoutMs',
  'maxLifetimeMs',
  'validateAfterIdleMs',
  'statementTimeoutMs',
  'preparedStatements',
  'busyTimeoutMs',
  'readOnly',
] as const;

const MAX_MS = 2 ** 31 - 1;
const KINDS: Readonly<Record<string, ResolvedDatabase['kind']>> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'mysql',
  'mariadb:': 'mysql',
};

/** Checks one database's options. @param name The option's name, for errors. @throws {OptionError} */
export function resolveDatabase(name: string, config: unknown, machine: MachineFacts): ResolvedDatabase {
  const isText = typeof config === 'string';
  const given = isText ? { url: config } : objectOption(name, config ?? null, KEYS);
  const urlName = isText ? name : `${name}.url`;
  const integer = (key: (typeof KEYS)[number], fallback: number, min: number, max = MAX_MS): number =>
    integerOption(`${name}.${key}`, given[key], fallback, { min, max });
  return Object.freeze({
    ...resolveUrl(urlName, given.url),
    maxConnections: integer('maxConnections', resolveHardwareProfile(machine).databaseConnections, 1, 10_000),
    maxWaiting: integer('maxWaiting', 1_000, 0, 1_000_000),
    acquireTimeoutMs: integer('acquireTimeoutMs', 10_000, 1),
    connectTimeoutMs: integer('connectTimeoutMs', 5_000, 1),
    idleTimeoutMs: integer('idleTimeoutMs', 60_000, 1),
    maxLifetimeMs: integer('maxLifetimeMs', 1_800_000, 1),
    validateAfterIdleMs: integer('validateAfterIdleMs', 5_000, 0),
    statementTimeoutMs: integer('statementTimeoutMs', 30_000, 0),
    preparedStatements: integer('preparedStatements', 256, 0, 10_000),
    busyTimeoutMs: integer('busyTimeoutMs', 5_000, 0),
    readOnly: booleanOption(`${name}.readOnly`, given.readOnly, false),
  });
}

function resolveUrl(name: string, value: unknown): Pick<ResolvedDatabase, 'kind' | 'url'> {
  const expectation = 'must be sqlite:FILE, sqlite::memory:, postgres://... or mysql://...';
  if (typeof value !== 'string') throw new OptionError(name, expectation, value);
  if (value.startsWith('sqlite:')) {
    const path = value.slice('sqlite:'.length);
    if (path === '' || path.includes('\0')) throw new OptionError(name, expectation, value);
    return { kind: 'sqlite', url: path };
  }
  const url = URL.parse(value);
  const kind = url === null ? undefined : KINDS[url.protocol];
  if (url === null || kind === undefined || (url.hostname === '' && !url.searchParams.has('host')))
    throw new OptionError(name, expectation, maskUrl(value));
  return { kind, url: value };
}

/** What may be shown of an address that is not valid: it can hold a password anywhere. */
export function maskUrl(url: string): string {
  if (!/[:@?]/.test(url)) return url;
  return `${/^[a-z]{1,20}:(?:\/\/)?/i.exec(url)?.[0] ?? ''}***`;
}
