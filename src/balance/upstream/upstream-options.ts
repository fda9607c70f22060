import { isIP } from 'node:net';
import { type Clock, systemClock } from '../../kernel/clock.ts';
import { OptionError } from '../../kernel/errors.ts';
import { booleanOption, integerOption, type NumberRange, objectOption, stringOption } from '../../kernel/options.ts';

/** How calls reach one address. Times are in milliseconds, and kept within a quarter of themselves or a second. */
export interface HttpUpstreamOptions {
  /** Where to connect: scheme (http or https), host and port. Each request has its own path. */
  readonly url: string | URL;
  /** Name for the `Host` header and the certificate. @default the URL's */
  readonly host?: string;
  /** Most connections. @default 64 */
  readonly maxConnections?: number;
  /** Calls that may wait for a connection beyond those for which one is being made. @default 1_024 */
  readonly maxWaiting?: number;
  /** Longest time to connect, TLS included, and longest wait for a connection. @default 5_000 */
  readonly connectTimeoutMs?: number;
  /** How long a free connection is kept; less where the server announces less in `Keep-Alive`. @default 30_000 */
  readonly idleTimeoutMs?: number;
  /** Longest time from the sent request to the head of its answer. @default no limit */
  readonly answerTimeoutMs?: number;
  /** Largest header block, and largest trailer, in bytes. @default 16_384 */
  readonly maxHeaderBytes?: number;
  readonly tls?: UpstreamTlsOptions;
  /** Where time comes from. @default the system's clock */
  readonly clock?: Clock;
}

/** What is asked of an https server's certificate. */
export interface UpstreamTlsOptions {
  /** Certificates to trust instead of the well-known ones, as PEM. */
  readonly ca?: string;
  /** Refuse certificates that cannot be verified. @default true */
  readonly rejectUnauthorized?: boolean;
}

export interface ResolvedHttpUpstreamOptions {
  /** For messages: scheme, host and port. */
  readonly origin: string;
  readonly address: { readonly host: string; readonly port: number };
  /** The value of the `Host` header. */
  readonly host: string;
  readonly maxConnections: number;
  readonly maxWaiting: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly answerTimeoutMs: number;
  readonly maxHeaderBytes: number;
  /** The name in the certificate is empty for addresses, which name themselves. */
  readonly tls: (UpstreamTlsOptions & { readonly servername: string }) | undefined;
  readonly clock: Clock;
}

const TIME: NumberRange = { min: 1, max: 86_400_000 };
const COUNT: NumberRange = { min: 1, max: 65_535 };
const KEYS = [
  'url',
  'host',
  'maxConnections',
  'maxWaiting',
  'connectTimeoutMs',
  'idleTimeoutMs',
  'answerTimeoutMs',
  'maxHeaderBytes',
  'tls',
  'clock',
] as const;

/** Checks the options and fills in the defaults. @throws {OptionError} */
export function resolveHttpUpstreamOptions(options: unknown, name = 'upstream'): ResolvedHttpUpstreamOptions {
  const given = objectOption(name, options, KEYS);
  const url = urlOption(`${name}.url`, given.url);
  const host = hostOption(`${name}.host`, given.host ?? url.host);
  const whole = (key: 'connectTimeoutMs' | 'idleTimeoutMs', fallback: number): number =>
    integerOption(`${name}.${key}`, given[key], fallback, TIME);
  const { answerTimeoutMs } = given;
  return Object.freeze({
    origin: url.origin,
    address: { host: bare(url.hostname), port: Number(url.port || (url.protocol === 'https:' ? 443 : 80)) },
    host,
    maxConnections: integerOption(`${name}.maxConnections`, given.maxConnections, 64, COUNT),
    maxWaiting: integerOption(`${name}.maxWaiting`, given.maxWaiting, 1_024, { min: 0, max: 1_000_000 }),
    connectTimeoutMs: whole('connectTimeoutMs', 5_000),
    idleTimeoutMs: whole('idleTimeoutMs', 30_000),
    answerTimeoutMs:
      answerTimeoutMs === undefined
        ? Number.POSITIVE_INFINITY
        : integerOption(`${name}.answerTimeoutMs`, answerTimeoutMs, 1, TIME),
    maxHeaderBytes: integerOption(`${name}.maxHeaderBytes`, given.maxHeaderBytes, 16_384, { min: 256, max: 1_048_576 }),
    tls: tlsOption(`${name}.tls`, given.tls, url, host),
    clock: clockOption(`${name}.clock`, given.clock),
  });
}

function urlOption(name: string, value: unknown): URL {
  const url = value instanceof URL ? value : URL.parse(stringOption(name, value));
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '')
    throw new OptionError(name, 'must be an http or https URL', value);
  if (url.username !== '' || url.password !== '')
    throw new OptionError(name, 'must not hold credentials', `a URL of ${url.host} with some`);
  return url;
}

/** As in a `Host` header: a name or address, and a port where there is one. */
function hostOption(name: string, value: unknown): string {
  const host = stringOption(name, value);
  if (!/^(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/.test(host))
    throw new OptionError(name, 'must be a host name with or without a port', value);
  return host;
}

function tlsOption(name: string, value: unknown, url: URL, host: string): ResolvedHttpUpstreamOptions['tls'] {
  const given = objectOption(name, value, ['ca', 'rejectUnauthorized'] as const);
  if (value !== undefined && url.protocol !== 'https:')
    throw new OptionError(name, 'needs a URL of https', `the URL ${url.origin}`);
  const hostname = bare(host.replace(/:\d+$/, ''));
  const ca = given.ca === undefined ? undefined : stringOption(`${name}.ca`, given.ca);
  if (url.protocol !== 'https:') return undefined;
  return Object.freeze({
    servername: isIP(hostname) === 0 ? hostname : '',
    rejectUnauthorized: booleanOption(`${name}.rejectUnauthorized`, given.rejectUnauthorized, true),
    ...(ca === undefined ? {} : { ca }),
  });
}

function clockOption(name: string, value: unknown): Clock {
  if (value === undefined) return systemClock;
  const { now, every } = (value ?? {}) as Partial<Clock>;
  if (typeof now !== 'function' || typeof every !== 'function') throw new OptionError(name, 'must be a Clock', value);
  return value as Clock;
}

function bare(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
}
