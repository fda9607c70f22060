import { integerOption, type NumberRange, objectOption } from '../kernel/options.ts';

/** Bounds that keep one client, or all of them together, from exhausting the server. */
export interface TransportLimits {
  /** Largest request body or stdio line, in bytes; beyond it 413. @default 4_194_304 */
  readonly maxBodyBytes: number;
  /** Largest header block, in bytes; beyond it 431. @default 16_384 */
  readonly maxHeaderBytes: number;
  /** Most open connections; further ones are closed at once. @default 10_000 */
  readonly maxConnections: number;
  /** Longest time for a request's headers to arrive, in milliseconds. @default 10_000 */
  readonly headerTimeoutMs: number;
  /** Longest time for a whole request to arrive, in milliseconds. @default 60_000 */
  readonly requestTimeoutMs: number;
  /** Longest idle time of a kept-alive connection, in milliseconds. @default 75_000 */
  readonly idleTimeoutMs: number;
  /** Longest use of one connection, in milliseconds; it ends after the first answer past up to a fifth less. @default 600_000 */
  readonly maxConnectionAgeMs: number;
  /** Pause between the comments that keep a stream open, in milliseconds. @default 15_000 */
  readonly streamKeepAliveMs: number;
  /** Bytes that may wait for a slow reader of a stream before its connection is ended. @default 4_194_304 */
  readonly maxStreamBufferBytes: number;
}

const BYTES: NumberRange = { min: 256, max: 1_073_741_824 };
const TIME: NumberRange = { min: 100, max: 86_400_000 };

const SPEC: { readonly [K in keyof TransportLimits]: readonly [fallback: number, range: NumberRange] } = {
  maxBodyBytes: [4_194_304, BYTES],
  maxHeaderBytes: [16_384, { min: 1_024, max: 1_048_576 }],
  maxConnections: [10_000, { min: 1, max: 1_000_000 }],
  headerTimeoutMs: [10_000, TIME],
  requestTimeoutMs: [60_000, TIME],
  idleTimeoutMs: [75_000, TIME],
  maxConnectionAgeMs: [600_000, TIME],
  streamKeepAliveMs: [15_000, TIME],
  maxStreamBufferBytes: [4_194_304, BYTES],
};

/** The keys of {@link TransportLimits}, for those who merge them with other limits. */
export const TRANSPORT_LIMIT_KEYS = Object.freeze(Object.keys(SPEC)) as readonly (keyof TransportLimits)[];

/** Checks limits and fills in the defaults. @throws {OptionError} */
export function resolveTransportLimits(options: unknown = {}, name = 'limits'): TransportLimits {
  const given = objectOption(name, options, TRANSPORT_LIMIT_KEYS);
  const entries = TRANSPORT_LIMIT_KEYS.map((key) => {
    const [fallback, range] = SPEC[key];
    return [key, integerOption(`${name}.${key}`, given[key], fallback, range)];
  });
  return Object.freeze(Object.fromEntries(entries) as { [K in keyof TransportLimits]: number });
}
