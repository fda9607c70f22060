import type { CacheableMethod } from '../dispatch/dispatch.ts';
import { OptionError } from '../kernel/errors.ts';
import { integerOption, objectOption, stringOption } from '../kernel/options.ts';
import { resolveTransportLimits, TRANSPORT_LIMIT_KEYS, type TransportLimits } from '../transport/transport.ts';
import { type CacheHint, checkCacheHint, type JsonBounds } from '../wire/wire.ts';
import type { SubscriptionLimits } from './subscriptions.ts';

/** All bounds of a server. Each protects it from one client, or from all of them together. */
export interface ServerLimits extends TransportLimits, SubscriptionLimits {
  /** Deepest nesting of a message's JSON. @default 64 */
  readonly maxJsonDepth: number;
  /** Most values in a message's JSON. @default 100_000 */
  readonly maxJsonElements: number;
  /** Longest resource URI, in characters. @default 4_096 */
  readonly maxUriLength: number;
  /** Open `subscriptions/listen` streams at once. @default 1_024 */
  readonly maxSubscriptions: number;
  /** Resources that one stream may watch. @default 1_000 */
  readonly maxWatchedResources: number;
}

const OWN = {
  maxJsonDepth: [64, { min: 4, max: 1_000 }],
  maxJsonElements: [100_000, { min: 100, max: 100_000_000 }],
  maxUriLength: [4_096, { min: 64, max: 65_536 }],
  maxSubscriptions: [1_024, { min: 0, max: 1_000_000 }],
  maxWatchedResources: [1_000, { min: 0, max: 100_000 }],
} as const;
const OWN_KEYS = Object.keys(OWN) as (keyof typeof OWN)[];

/** Checks the limits and fills in the defaults. @throws {OptionError} */
export function resolveLimits(options: unknown): ServerLimits {
  const given = objectOption('limits', options, [...TRANSPORT_LIMIT_KEYS, ...OWN_KEYS]);
  const forTransport = Object.fromEntries(
    TRANSPORT_LIMIT_KEYS.filter((key) => given[key] !== undefined).map((key) => [key, given[key]]),
  );
  const own = OWN_KEYS.map((key) => [key, integerOption(`limits.${key}`, given[key], OWN[key][0], OWN[key][1])]);
  return Object.freeze({
    ...resolveTransportLimits(forTransport),
    ...(Object.fromEntries(own) as { [K in keyof typeof OWN]: number }),
  });
}

/** The bounds of a message's JSON among all limits. */
export function jsonBoundsOf(limits: ServerLimits): JsonBounds {
  return Object.freeze({ maxDepth: limits.maxJsonDepth, maxElements: limits.maxJsonElements });
}

/** Hints for results that clients may cache, by method; each member falls back to `{ ttlMs: 0, cacheScope: 'private' }`. */
export type CacheHints = { readonly [M in CacheableMethod]?: CacheHint };

const CACHEABLE = [
  'server/discover',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'prompts/list',
  'resources/read',
] as const;

/** @throws {OptionError} */
export function resolveCacheHints(options: unknown): { readonly [M in CacheableMethod]: Required<CacheHint> } {
  const given = objectOption('cacheHints', options, CACHEABLE);
  const hints = CACHEABLE.map((method) => {
    const name = `cacheHints.${method}`;
    const { ttlMs, cacheScope } = checkCacheHint(name, given[method] ?? {});
    return [method, { ttlMs: ttlMs ?? 0, cacheScope: cacheScope ?? 'private' }];
  });
  return Object.freeze(Object.fromEntries(hints) as { [M in CacheableMethod]: Required<CacheHint> });
}

/** How the state of multi-round-trip requests is sealed while the client has it. */
export interface RequestStateOptions {
  /** What the key is made of, at least 16 characters. Instances that serve the same clients share it. @default random */
  readonly secret?: string;
  /** How long a client may take for one round, in seconds. @default 600 */
  readonly ttlSeconds?: number;
}

/** @throws {OptionError} */
export function resolveRequestState(options: unknown): {
  readonly secret: string | undefined;
  readonly ttlSeconds: number;
} {
  const given = objectOption('requestState', options, ['secret', 'ttlSeconds']);
  const secret = given.secret === undefined ? undefined : stringOption('requestState.secret', given.secret);
  if (secret !== undefined && secret.length < 16)
    throw new OptionError('requestState.secret', 'must have at least 16 characters', `${secret.length} characters`);
  return Object.freeze({
    secret,
    ttlSeconds: integerOption('requestState.ttlSeconds', given.ttlSeconds, 600, { min: 1, max: 86_400 }),
  });
}
