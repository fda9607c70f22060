import { describe, expect, it } from 'vitest';
import { resolveCacheOptions } from '../../../src/cache/cache.ts';
import { OptionError } from '../../../src/kernel/errors.ts';

const machine = (memoryBytes: number) => ({ cores: 2, memoryBytes });
const GIB = 2 ** 30;

function messageOf(options: unknown): string {
  try {
    resolveCacheOptions(options, 'server');
  } catch (error) {
    if (error instanceof OptionError) return error.message;
    throw error;
  }
  return 'none';
}

describe('the options of the cache', () => {
  it('have the defaults that are documented', () => {
    expect(resolveCacheOptions(undefined, 'shop', machine(8 * GIB))).toEqual({
      lruCacheSize: 10_000,
      maxMemoryBytes: 134_217_728,
      cacheTTL: 3_600,
      staleSeconds: 0,
      staleIfErrorSeconds: 0,
      earlyRefresh: 1,
      maxEntryBytes: 1_048_576,
      enableRedisCache: false,
      redisUrl: 'redis://localhost:6379',
      redisTimeoutMs: 50,
      keyPrefix: 'peregrine:shop',
      compressAboveBytes: 8_192,
      lockMs: 10_000,
      maxQueuedWrites: 10_000,
      maxQueuedBytes: 33_554_432,
    });
  });

  it('take a share of the memory within bounds', () => {
    const bytes = (memory: number): number => resolveCacheOptions({}, 'x', machine(memory)).maxMemoryBytes;
    expect([GIB / 4, GIB * 2, GIB * 500].map(bytes)).toEqual([16 * 2 ** 20, 32 * 2 ** 20, 512 * 2 ** 20]);
  });

  it('keep zeros', () => {
    const zeros = { cacheTTL: 0, staleSeconds: 0, earlyRefresh: 0, compressAboveBytes: 0, lockMs: 0 };
    expect(resolveCacheOptions(zeros, 'x')).toMatchObject(zeros);
  });

  it.each<[unknown, string]>([
    [null, 'option "cache" must be an object, got null'],
    [{ lruCachSize: 1 }, 'option "cache.lruCachSize" is not known (did you mean "lruCacheSize"?), got 1'],
    [{ lruCacheSize: 0 }, 'option "cache.lruCacheSize" must be an integer from 1 to 100000000, got 0'],
    [{ lruCacheSize: 1.5 }, 'option "cache.lruCacheSize" must be an integer from 1 to 100000000, got 1.5'],
    [{ cacheTTL: -1 }, 'option "cache.cacheTTL" must be a number from 0 to 31536000, got -1'],
    [{ cacheTTL: Number.NaN }, 'option "cache.cacheTTL" must be a number from 0 to 31536000, got NaN'],
    [{ cacheTTL: '60' }, 'option "cache.cacheTTL" must be a number from 0 to 31536000, got "60"'],
    [{ enableRedisCache: 'yes' }, 'option "cache.enableRedisCache" must be true or false, got "yes"'],
    [{ keyPrefix: '' }, 'option "cache.keyPrefix" must be a non-empty string, got ""'],
    [{ earlyRefresh: 11 }, 'option "cache.earlyRefresh" must be a number from 0 to 10, got 11'],
  ])('refuse %j', (options, message) => {
    expect(messageOf(options)).toBe(message);
  });

  it.each([
    'http://user:secret@localhost',
    'redis://user:secret@localhost:99999',
    'redis://user:secret%zz@localhost',
    'redis://user:secret@localhost/db',
    'redis:secret',
    'secret',
    6379,
  ])('refuse the address %s without showing it', (redisUrl) => {
    const message = messageOf({ redisUrl });
    expect(message).toMatch(
      /^option "cache.redisUrl" must be a URL such as redis:\/\/localhost:6379, got "(string|number)"$/,
    );
    expect(message).not.toContain('secret');
  });

  it.each(['redis://localhost', 'rediss://user:p%40ss@cache.internal:6380/3', 'redis://[::1]:6379'])(
    'accept the address %s',
    (redisUrl) => {
      expect(resolveCacheOptions({ redisUrl }, 'x').redisUrl).toBe(redisUrl);
    },
  );

  it('keep the keys of servers apart whose names are, and leave readable ones as they are', () => {
    const names = ['shop', 'my shop', 'my_shop', 'my/shop', '日本', '中国', 'shop-1.2'];
    const prefixes = names.map((name) => resolveCacheOptions({}, name).keyPrefix);
    expect(new Set(prefixes).size).toBe(names.length);
    expect(prefixes[0]).toBe('peregrine:shop');
    for (const prefix of prefixes) expect(prefix).toMatch(/^peregrine:[\w.-]+$/);
  });
});
