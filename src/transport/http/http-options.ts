import { isIP } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { OptionError } from '../../kernel/errors.ts';
import { isLoopbackHost } from '../../kernel/loopback.ts';
import { booleanOption, integerOption, objectOption, stringListOption, stringOption } from '../../kernel/options.ts';
import { endpointPathOption } from './endpoint-path.ts';
import { type ResolvedSseOptions, resolveSseOptions, type SseOptions } from './sse-options.ts';

/** How the server is reached over HTTP. */
export interface HttpOptions {
  /** Address to listen on. @default '127.0.0.1' */
  readonly host?: string;
  /** Port to listen on; 0 takes any free one. @default 3000 */
  readonly port?: number;
  /** Path of the endpoint. @default '/mcp' */
  readonly path?: string;
  /** Read the common request straight off the socket; `false` leaves everything to `node:http`. @default true */
  readonly lane?: boolean;
  /**
   * Host names accepted in `Host`, without a port; `*` accepts all. By default the loopback names when the server
   * listens on loopback, and all names otherwise.
   */
  readonly allowedHosts?: readonly string[];
  /**
   * Origins accepted in `Origin`, such as `https://app.example`; `*` accepts all. By default those of the accepted
   * loopback names with any port, and none otherwise. Requests without `Origin` do not come from a web page and pass.
   */
  readonly allowedOrigins?: readonly string[];
  /** Tell a gateway with each answer how busy this instance is, in the header `Peregrine-Load`. @default false */
  readonly reportLoad?: boolean;
  /** Certificate and key; with them the endpoint speaks HTTPS. */
  readonly tls?: SecureContextOptions;
  /** Serve clients of the deprecated transport (HTTP with SSE, revision 2024-11-05), too. @default false */
  readonly sse?: boolean | SseOptions;
}

export interface ResolvedHttpOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly lane: boolean;
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly reportLoad: boolean;
  readonly tls: SecureContextOptions | undefined;
  readonly sse: ResolvedSseOptions | undefined;
}

const KEYS = ['host', 'port', 'path', 'lane', 'allowedHosts', 'allowedOrigins', 'reportLoad', 'tls', 'sse'] as const;
const LOOPBACK_NAMES = Object.freeze(['localhost', '127.0.0.1', '[::1]']);

/** Checks the options and fills in the defaults. @param name What errors call them. @throws {OptionError} */
export function resolveHttpOptions(options: unknown, name = 'http'): ResolvedHttpOptions {
  const given = objectOption(name, options, KEYS);
  const host = stringOption(`${name}.host`, given.host, '127.0.0.1');
  const path = endpointPathOption(`${name}.path`, given.path);
  const hosts = isLoopbackHost(host) ? LOOPBACK_NAMES : ['*'];
  if (given.tls !== undefined && (typeof given.tls !== 'object' || given.tls === null || Array.isArray(given.tls))) {
    throw new OptionError(`${name}.tls`, 'must be an object with key and cert', given.tls);
  }
  return Object.freeze({
    host,
    port: integerOption(`${name}.port`, given.port, 3000, { min: 0, max: 65_535 }),
    path,
    lane: booleanOption(`${name}.lane`, given.lane, true),
    allowedHosts: stringListOption(`${name}.allowedHosts`, given.allowedHosts, hosts),
    allowedOrigins: stringListOption(`${name}.allowedOrigins`, given.allowedOrigins, []),
    reportLoad: booleanOption(`${name}.reportLoad`, given.reportLoad, false),
    tls: given.tls as SecureContextOptions | undefined,
    sse: resolveSseOptions(`${name}.sse`, given.sse, path),
  });
}

/** The endpoint's URL for a bound address. */
export function endpointUrl(options: ResolvedHttpOptions, port: number): string {
  const host = isIP(options.host) === 6 ? `[${options.host}]` : options.host;
  return `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}${options.path}`;
}
