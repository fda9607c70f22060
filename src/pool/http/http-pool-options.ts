import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { type Clock, clockOption } from '../../kernel/clock.ts';
import { resolveHardwareProfile } from '../../kernel/hardware-profile.ts';
import { type MachineFacts, readMachineFacts } from '../../kernel/machine.ts';
import {
  booleanOption,
  functionOption,
  integerOption,
  type NumberRange,
  objectOption,
  stringListOption,
} from '../../kernel/options.ts';

/** How the HTTP pool connects and what it bears. Times are in milliseconds; most bounds hold for each origin. */
export interface HttpPoolOptions {
  /** Most connections to one origin. @default 4 x cores: 64 on 16 hardware threads */
  readonly maxSockets?: number;
  /** Connections to one origin that are kept while free; those beyond are closed half a second after use. @default 16 */
  readonly maxFreeSockets?: number;
  /** Calls to one origin that may wait for a connection; further ones fail with `HTTP_POOL_QUEUE_FULL`. @default 1_000 */
  readonly maxQueue?: number;
  /** Origins with connections, guarded ones apart; the one unused for longest makes room. @default 256 */
  readonly maxOrigins?: number;
  /** Longest time from the call to the answer's headers, and then between two parts of its body. @default 30_000 */
  readonly timeout?: number;
  /** Longest time to connect, name resolution and TLS included. @default 10_000 */
  readonly connectTimeout?: number;
  /** Use connections again. @default true */
  readonly keepAlive?: boolean;
  /** Silence on a connection after which TCP begins to probe whether the peer is there. @default 30_000 */
  readonly keepAliveMsecs?: number;
  /** How long a free connection is kept; a server that announces less gets its way. @default 15_000 */
  readonly freeSocketTimeout?: number;
  /** How long a connection is used at most, so that changes of DNS and balancing take effect. @default 300_000 */
  readonly socketLifetime?: number;
  /** Largest body of an answer, in bytes, decompressed. @default 10_485_760 */
  readonly maxResponseBytes?: number;
  /** Redirections that `fetch` follows. @default 10 */
  readonly maxRedirects?: number;
  /** How long `close` waits for calls under way. @default 10_000 */
  readonly closeTimeout?: number;
  /** Hosts, addresses and CIDR ranges that guarded calls may reach although they are not public. @default [] */
  readonly guardAllow?: readonly string[];
  /** Resolves names. @default `dns.lookup` */
  readonly lookup?: LookupFunction;
  /** Where time comes from. @default the system's clock */
  readonly clock?: Clock;
}

/** Options of the HTTP pool, checked and with every default filled in. */
export type ResolvedHttpPoolOptions = Required<HttpPoolOptions>;

const COUNT: NumberRange = { min: 1, max: 65_535 };
const TIME: NumberRange = { min: 1, max: 86_400_000 };
const BYTES: NumberRange = { min: 1, max: 2_147_483_647 };

/** The numbers of the reference machine where they do not depend on the machine. */
const NUMBERS = {
  maxQueue: [1_000, { min: 0, max: 1_000_000 }],
  maxOrigins: [256, COUNT],
  timeout: [30_000, TIME],
  connectTimeout: [10_000, TIME],
  keepAliveMsecs: [30_000, TIME],
  freeSocketTimeout: [15_000, TIME],
  socketLifetime: [300_000, TIME],
  maxResponseBytes: [10_485_760, BYTES],
  maxRedirects: [10, { min: 0, max: 100 }],
  closeTimeout: [10_000, { min: 0, max: 86_400_000 }],
} as const satisfies { readonly [K in keyof HttpPoolOptions]: readonly [fallback: number, range: NumberRange] };

type NumberKey = keyof typeof NUMBERS;
const NUMBER_KEYS = Object.keys(NUMBERS) as NumberKey[];
const KEYS = [...NUMBER_KEYS, 'maxSockets', 'maxFreeSockets', 'keepAlive', 'guardAllow', 'lookup', 'clock'] as const;

/** Checks the options and fills in the defaults. @throws {OptionError} */
export function resolveHttpPoolOptions(
  options: unknown,
  name: string,
  machine?: MachineFacts,
): ResolvedHttpPoolOptions {
  const given = objectOption(name, options, KEYS);
  const numbers = Object.fromEntries(
    NUMBER_KEYS.map((key) => [key, resolveLimit(key, given[key], NUMBERS[key][0], name)]),
  ) as Record<NumberKey, number>;
  const { httpSockets, httpFreeSockets } = resolveHardwareProfile(machine ?? readMachineFacts());
  return Object.freeze({
    ...numbers,
    maxSockets: integerOption(`${name}.maxSockets`, given.maxSockets, httpSockets, COUNT),
    maxFreeSockets: integerOption(`${name}.maxFreeSockets`, given.maxFreeSockets, httpFreeSockets, COUNT),
    keepAlive: booleanOption(`${name}.keepAlive`, given.keepAlive, true),
    guardAllow: stringListOption(`${name}.guardAllow`, given.guardAllow, []),
    lookup: functionOption(`${name}.lookup`, given.lookup, systemLookup as LookupFunction),
    clock: clockOption(`${name}.clock`, given.clock),
  });
}

/** A number that a single call may set too, such as `timeout`. @throws {OptionError} */
export function resolveLimit(key: NumberKey, value: unknown, fallback: number, name: string): number {
  return integerOption(`${name}.${key}`, value, fallback, NUMBERS[key][1]);
}
