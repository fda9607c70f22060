import { OptionError } from '../kernel/errors.ts';
import { integerOption, objectOption } from '../kernel/options.ts';
import type { CacheHint } from './mcp.ts';

/** Checks how long, and for whom, clients may reuse an answer. @throws {OptionError} */
export function checkCacheHint(option: string, hint: unknown): CacheHint {
  const { ttlMs, cacheScope } = objectOption(option, hint, ['ttlMs', 'cacheScope']);
  if (cacheScope !== undefined && cacheScope !== 'public' && cacheScope !== 'private') {
    throw new OptionError(`${option}.cacheScope`, 'must be "public" or "private"', cacheScope);
  }
  integerOption(`${option}.ttlMs`, ttlMs, 0, { min: 0, max: Number.MAX_SAFE_INTEGER });
  return hint as CacheHint;
}

/** What a result says of its own caching, where that is valid; what it leaves open, or has wrong, comes from the hint. */
export function cacheMembers(result: Record<string, unknown>, hint: Required<CacheHint>): Required<CacheHint> {
  const { ttlMs, cacheScope } = result;
  const isTtl = typeof ttlMs === 'number' && Number.isSafeInteger(ttlMs) && ttlMs >= 0;
  return {
    ttlMs: isTtl ? ttlMs : hint.ttlMs,
    cacheScope: cacheScope === 'public' || cacheScope === 'private' ? cacheScope : hint.cacheScope,
  };
}
