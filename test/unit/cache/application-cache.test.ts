import { describe, expect, it } from 'vitest';
import { ApplicationCache, type CacheOptions } from '../../../src/cache/cache.ts';
import { OptionError } from '../../../src/kernel/errors.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { createInstance, settle } from './instances.ts';

function create(options: CacheOptions = {}) {
  const clock = new FakeClock();
  const { cache } = createInstance({ clock, options });
  return { clock, cache, application: new ApplicationCache(cache) };
}

describe('values of the author’s own', () => {
  it('are computed once, and every reader has a copy, the first one too', async () => {
    const { application } = create();
    const original = { list: [1, 2] };
    let runs = 0;
    const compute = (): typeof original => {
      runs++;
      return original;
    };
    const first = await application.getOrCompute('k', compute);
    first.list.push(3);
    original.list.push(4);
    expect(await application.getOrCompute('k', compute)).toEqual({ list: [1, 2] });
    expect(await application.get('k')).toEqual({ list: [1, 2] });
    expect(runs).toBe(1);
  });

  it.each([null, undefined])('%s is not kept unless that is asked for', async (negative) => {
    const { application, clock } = create();
    let runs = 0;
    const compute = () => {
      runs++;
      return negative;
    };
    for (let n = 0; n < 2; n++) expect(await application.getOrCompute('k', compute)).toBe(negative);
    expect(runs).toBe(2);
    const options = { negativeTtlSeconds: 5, staleSeconds: 60, staleIfErrorSeconds: 60 };
    for (let n = 0; n < 2; n++) expect(await application.getOrCompute('k', compute, options)).toBe(negative);
    expect(runs).toBe(3);
    clock.advance(5_000);
    expect(await application.getOrCompute('k', () => 'there', options)).toBe('there');
  });

  it.each([0, '', false, [], {}])('%j is kept as any other', async (value) => {
    const { application } = create();
    let runs = 0;
    for (let n = 0; n < 2; n++)
      expect(
        await application.getOrCompute('k', () => {
          runs++;
          return value;
        }),
      ).toEqual(value);
    expect(runs).toBe(1);
  });

  it('are set, got and deleted', async () => {
    const { application, clock } = create({ cacheTTL: 10 });
    expect(await application.get('k')).toBeUndefined();
    await application.set('k', { a: 1 });
    expect(await application.get('k')).toEqual({ a: 1 });
    expect(await application.delete('k')).toBe(true);
    expect(await application.get('k')).toBeUndefined();
    await application.set('k', null, { ttlSeconds: 20 });
    clock.advance(19_999);
    expect(await application.get('k')).toBeNull();
    clock.advance(1);
    expect(await application.get('k')).toBeUndefined();
  });

  it('are apart from answers under a key that reads like theirs', async () => {
    const { application, cache } = create();
    await application.set('tool:find:[]', 'mine');
    expect(cache.peek('tool:find:[]')).toBeUndefined();
  });

  it('are invalidated by key, by pattern with or without prefix, and by any of their tags', async () => {
    const { application } = create();
    for (const target of [{ key: 'user:1' }, { pattern: 'user:*' }, { pattern: 'app:us*' }, { tags: ['x', 'b'] }]) {
      await application.set('user:1', 'one', { tags: ['a', 'b'] });
      await application.set('other', 'two', { tags: ['c'] });
      expect(await application.invalidate(target)).toBe(true);
      expect(await application.get('user:1')).toBeUndefined();
      expect(await application.get('other')).toBe('two');
    }
    expect(application.statistics().invalidations).toBeGreaterThan(8);
  });

  it('reject as the computation does, at once or later, and no rejection is kept', async () => {
    const { application } = create();
    const error = new Error('no database');
    await expect(
      application.getOrCompute('k', () => {
        throw error;
      }),
    ).rejects.toBe(error);
    await expect(application.getOrCompute('k', () => Promise.reject(error))).rejects.toBe(error);
    expect(await application.getOrCompute('k', () => 1)).toBe(1);
  });

  it('must be such that JSON can express them', async () => {
    const { application } = create();
    const circle: unknown[] = [];
    circle.push(circle);
    for (const value of [() => {}, Symbol('x'), 1n, circle]) {
      await expect(application.getOrCompute('k', () => value)).rejects.toBeInstanceOf(TypeError);
      await expect(application.set('k', value)).rejects.toBeInstanceOf(TypeError);
    }
    await expect(application.set('k', undefined)).rejects.toThrow('cannot be expressed as JSON');
    expect(await application.get('k')).toBeUndefined();
  });

  it('let a caller go away, and end the computation with the last', async () => {
    const { application } = create();
    const caller = new AbortController();
    let seen: AbortSignal | undefined;
    const read = application.getOrCompute(
      'k',
      (signal) => {
        seen = signal;
        return new Promise<never>(() => {});
      },
      { signal: caller.signal },
    );
    await settle();
    caller.abort(new Error('gone'));
    await expect(read).rejects.toThrow('gone');
    expect(seen?.aborted).toBe(true);
  });

  it.each<[string, (application: ApplicationCache) => Promise<unknown>]>([
    ['cache key', (a) => a.get('')],
    ['cache key', (a) => a.getOrCompute('x'.repeat(4_097), () => 1)],
    ['cache key', (a) => a.set(5 as unknown as string, 1)],
    ['cache options.ttlSecond', (a) => a.set('k', 1, { ttlSecond: 1 } as object)],
    ['ttlSeconds', (a) => a.set('k', 1, { ttlSeconds: -1 })],
    ['staleSeconds', (a) => a.set('k', 1, { staleSeconds: Number.POSITIVE_INFINITY })],
    ['tags', (a) => a.set('k', 1, { tags: 'x' as unknown as string[] })],
    ['tags', (a) => a.set('k', 1, { tags: [''] })],
    ['signal', (a) => a.getOrCompute('k', () => 1, { signal: {} as AbortSignal })],
    ['invalidate', (a) => a.invalidate({})],
    ['invalidate', (a) => a.invalidate(null as unknown as object)],
    ['invalidate.tag', (a) => a.invalidate({ tag: 'x' } as object)],
    ['invalidate.tags', (a) => a.invalidate({ tags: [5 as unknown as string] })],
    ['invalidate.pattern', (a) => a.invalidate({ pattern: '' })],
    ['invalidate.key', (a) => a.invalidate({ key: '' })],
  ])('refuse a wrong option by its name: %s', async (option, call) => {
    const error = await call(create().application).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(OptionError);
    expect((error as OptionError).option).toBe(option);
  });
});
