import { describe, expect, it } from 'vitest';
import type { Compute, Invalidation } from '../../../src/cache/cache.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { createInstance, MINUTE, read, settle, Work } from './instances.ts';

const KEY = 'tool:find:["1","modern",null,{}]';
const STALE = { ttlMs: 1_000, staleMs: 500, staleIfErrorMs: 2_000 };

function create(options: Parameters<typeof createInstance>[0] = {}) {
  const clock = new FakeClock();
  return { clock, work: new Work(), ...createInstance({ clock, ...options }) };
}

describe('reads', () => {
  it('compute a value once, and have it from memory until its time is over', async () => {
    const { cache, clock, work } = create();
    expect(cache.peek(KEY)).toBeUndefined();
    expect(await read(cache, KEY, work)).toMatchObject({ text: 'value', from: 'computed', ttlMs: 60_000 });
    clock.advance(59_999);
    expect(cache.peek(KEY)).toBe('value');
    expect(await read(cache, KEY, work)).toMatchObject({ from: 'memory', ttlMs: 1 });
    clock.advance(1);
    expect(cache.peek(KEY)).toBeUndefined();
    expect((await read(cache, KEY, work)).from).toBe('computed');
    expect(work.runs).toBe(2);
    expect(cache.statistics()).toMatchObject({
      memoryHits: 2,
      misses: 2,
      computations: 2,
      hitRate: 0.5,
      missRate: 0.5,
    });
  });

  it('compute once for a thousand at the same time', async () => {
    const { cache, work } = create();
    work.block();
    const reads = Array.from({ length: 1_000 }, () => read(cache, KEY, work));
    await settle();
    expect(cache.statistics()).toMatchObject({ computing: 1, coalesced: 999 });
    work.finish();
    expect(new Set((await Promise.all(reads)).map(({ text }) => text))).toEqual(new Set(['value']));
    expect(work.runs).toBe(1);
    expect(cache.statistics().computing).toBe(0);
  });

  it('all fail as the computation does, and the next computes anew', async () => {
    const { cache, work } = create();
    work.error = new Error('no database');
    for (const one of [read(cache, KEY, work), read(cache, KEY, work)])
      await expect(one).rejects.toThrow('no database');
    expect(work.runs).toBe(1);
    work.error = undefined;
    expect((await read(cache, KEY, work)).text).toBe('value');
  });

  it('do not keep what may not be kept, nor what has no lifetime', async () => {
    const { cache } = create();
    let runs = 0;
    const compute: Compute = async () => ({ text: `${++runs}`, isKept: false, isShared: true });
    const kept: Compute = async () => ({ text: `${++runs}`, isKept: true, isShared: true });
    const noTime = { ttlMs: 0, staleMs: 9_000, staleIfErrorMs: 9_000 };
    for (let n = 1; n <= 2; n++) expect((await cache.read(KEY, compute, { tags: [], life: MINUTE })).text).toBe(`${n}`);
    for (let n = 3; n <= 4; n++) expect((await cache.read(KEY, kept, { tags: [], life: noTime })).text).toBe(`${n}`);
    expect(cache.statistics().size).toBe(0);
  });

  it('take the lifetime that the computation says', async () => {
    const { cache, clock } = create();
    const compute: Compute = async () => ({
      text: 'short',
      isKept: true,
      isShared: true,
      life: { ...MINUTE, ttlMs: 10 },
    });
    expect((await cache.read(KEY, compute, { tags: [], life: MINUTE })).ttlMs).toBe(10);
    clock.advance(10);
    expect(cache.peek(KEY)).toBeUndefined();
  });

  it('do not share what is one reader’s alone: each computes for itself, and nothing is kept', async () => {
    const { cache } = create();
    let runs = 0;
    const compute: Compute = async () => {
      await settle();
      return { text: `${++runs}`, isKept: true, isShared: false, note: runs };
    };
    const all = await Promise.all([1, 2, 3].map(() => cache.read(KEY, compute, { tags: [], life: MINUTE })));
    expect(new Set(all.map(({ text }) => text)).size).toBe(3);
    expect(cache.statistics()).toMatchObject({ size: 0, computations: 3 });
  });

  it('hand the note to all who waited, and never later', async () => {
    const { cache } = create();
    const compute: Compute = async () => ({ text: 'x', isKept: true, isShared: true, note: 'note' });
    const options = { tags: [], life: MINUTE };
    const all = await Promise.all([cache.read(KEY, compute, options), cache.read(KEY, compute, options)]);
    expect(all.map(({ note }) => note)).toEqual(['note', 'note']);
    expect((await cache.read(KEY, compute, options)).note).toBeUndefined();
  });
});

describe('callers who go away', () => {
  it('end the computation only when none is left', async () => {
    const { cache, work } = create();
    work.block();
    const callers = [new AbortController(), new AbortController()];
    const reads = callers.map(({ signal }) => read(cache, KEY, work, { signal }));
    await settle();
    callers[0]?.abort(new Error('gone'));
    await expect(reads[0]).rejects.toThrow('gone');
    expect(work.signals[0]?.aborted).toBe(false);
    callers[1]?.abort(new Error('gone too'));
    await expect(reads[1]).rejects.toThrow('gone too');
    expect(work.signals[0]?.aborted).toBe(true);
    work.finish();
    await settle();
    expect((await read(cache, KEY, work)).text).toBe('value');
  });

  it('do not even begin one where they had gone before', async () => {
    const { cache, work } = create();
    await expect(read(cache, KEY, work, { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone');
    await settle();
    expect(work.runs).toBe(0);
  });

  it('are not answered with an older value', async () => {
    const { cache, clock, work } = create();
    await read(cache, KEY, work, STALE);
    clock.advance(1_600);
    work.block();
    const caller = new AbortController();
    const gone = read(cache, KEY, work, { ...STALE, signal: caller.signal });
    caller.abort(new Error('gone'));
    await expect(gone).rejects.toThrow('gone');
    expect(cache.statistics().staleIfErrorHits).toBe(0);
    work.finish();
  });
});

describe('after its time', () => {
  it('a value is served as it is while it is computed anew, once', async () => {
    const { cache, clock, work } = create();
    await read(cache, KEY, work, STALE);
    clock.advance(1_000);
    work.text = 'new';
    work.block();
    for (let n = 0; n < 3; n++)
      expect(await read(cache, KEY, work, STALE)).toMatchObject({ text: 'value', from: 'stale', ttlMs: 0 });
    work.finish();
    await settle();
    expect(await read(cache, KEY, work, STALE)).toMatchObject({ text: 'new', from: 'memory' });
    expect(work.runs).toBe(2);
    expect(cache.statistics()).toMatchObject({ staleHits: 3, refreshes: 1, computations: 2 });
  });

  it('is waited for when it is too old for that', async () => {
    const { cache, clock, work } = create();
    await read(cache, KEY, work, { ...STALE, staleIfErrorMs: 0 });
    clock.advance(1_500);
    work.text = 'new';
    expect(await read(cache, KEY, work, STALE)).toMatchObject({ text: 'new', from: 'computed' });
  });

  it('is served where computing it anew fails, as long as it may', async () => {
    const { cache, clock, work } = create();
    await read(cache, KEY, work, STALE);
    work.error = new Error('no database');
    clock.advance(2_999);
    expect(await read(cache, KEY, work, STALE)).toMatchObject({ text: 'value', from: 'stale', ttlMs: 0 });
    expect(cache.statistics().staleIfErrorHits).toBe(1);
    clock.advance(1);
    await expect(read(cache, KEY, work, STALE)).rejects.toThrow('no database');
  });

  it('a refresh that fails is told, and leaves the older value', async () => {
    const { cache, clock, work, told } = create();
    await read(cache, KEY, work, STALE);
    clock.advance(1_000);
    work.error = new Error('no database');
    expect((await read(cache, KEY, work, STALE)).text).toBe('value');
    await settle();
    expect(told).toMatchObject([{ kind: 'error', error: { message: 'no database' } }]);
    expect(cache.statistics()).toMatchObject({ staleHits: 1, staleIfErrorHits: 0 });
    expect((await read(cache, KEY, work, STALE)).text).toBe('value');
  });

  it.each<Invalidation>([
    { kind: 'key', value: KEY },
    { kind: 'tag', value: 't' },
    { kind: 'pattern', value: 'tool:*' },
  ])('an invalidation by $kind ends stale values, also where computing fails', async (invalidation) => {
    const { cache, clock, work } = create();
    await read(cache, KEY, work, { ...STALE, tags: ['t'] });
    clock.advance(1_100);
    await cache.invalidate(invalidation);
    work.error = new Error('no database');
    await expect(read(cache, KEY, work, { ...STALE, tags: ['t'] })).rejects.toThrow('no database');
  });

  it('a refresh that an invalidation overtakes is neither kept nor joined', async () => {
    const { cache, clock, work } = create();
    await read(cache, KEY, work, { ...STALE, tags: ['t'] });
    clock.advance(1_100);
    work.block();
    work.text = 'too early';
    await read(cache, KEY, work, { ...STALE, tags: ['t'] });
    await settle();
    await cache.invalidate({ kind: 'tag', value: 't' });
    const { finish } = work;
    work.text = 'new';
    const late = read(cache, KEY, work, { ...STALE, tags: ['t'] });
    await settle();
    finish.call(work);
    expect((await late).text).toBe('new');
    await settle();
    expect(cache.peek(KEY)).toBe('new');
  });
});

describe('an invalidation during a computation', () => {
  it.each<Invalidation>([
    { kind: 'key', value: KEY },
    { kind: 'tag', value: 't' },
    { kind: 'pattern', value: 'tool:fi*' },
  ])('wins by $kind: its value is not kept, and who reads later does not join', async (invalidation) => {
    const { cache, work } = create();
    work.block();
    work.text = 'old';
    const early = read(cache, KEY, work, { tags: ['t'] });
    await settle();
    await cache.invalidate(invalidation);
    work.text = 'new';
    const late = read(cache, KEY, work, { tags: ['t'] });
    await settle();
    work.finish();
    expect((await early).text).toBe('old');
    expect((await late).text).toBe('new');
    expect(work.runs).toBe(2);
    expect(cache.peek(KEY)).toBe('new');
  });

  it('of something else changes nothing', async () => {
    const { cache, work } = create();
    work.block();
    const early = read(cache, KEY, work, { tags: ['t'] });
    await settle();
    await cache.invalidate({ kind: 'tag', value: 'other' });
    const late = read(cache, KEY, work, { tags: ['t'] });
    work.finish();
    expect([(await early).text, (await late).text, work.runs]).toEqual(['value', 'value', 1]);
    expect(cache.peek(KEY)).toBe('value');
  });

  it('that comes before its turn does not cost it', async () => {
    const { cache, work } = create();
    const early = read(cache, KEY, work, { tags: ['t'] });
    await cache.invalidate({ kind: 'tag', value: 't' }); // It has been asked for, and has not begun.
    await early;
    expect(work.runs).toBe(1);
  });
});

describe('early refresh', () => {
  /** A value that took a second, and lives a minute. */
  async function createDear(random: () => number, earlyRefresh = 1) {
    const { cache, clock, work, told } = create({ random, options: { earlyRefresh } });
    work.block();
    const first = read(cache, KEY, work);
    await settle();
    clock.advance(1_000);
    work.finish();
    await first;
    return { cache, clock, work, told };
  }

  it('happens behind the back of who reads near the end, by chance', async () => {
    let chance = 0;
    const { cache, clock, work } = await createDear(() => chance);
    clock.advance(49_999);
    expect(cache.peek(KEY)).toBe('value');
    clock.advance(5_001);
    expect(cache.peek(KEY)).toBeUndefined();
    expect((await read(cache, KEY, work)).from).toBe('memory');
    await settle();
    expect(work.runs).toBe(1);
    chance = 1 - Math.exp(-5); // Just enough for five times the time of the computation.
    work.text = 'new';
    expect(await read(cache, KEY, work)).toMatchObject({ text: 'value', from: 'memory' });
    await settle();
    expect(work.runs).toBe(2);
    expect(cache.peek(KEY)).toBe('new');
    expect(cache.statistics()).toMatchObject({ refreshes: 1, hitRate: 4 / 5 });
  });

  it('never happens where it is not wanted', async () => {
    const { cache, clock, work } = await createDear(() => 1 - 2 ** -53, 0);
    clock.advance(59_999);
    expect(cache.peek(KEY)).toBe('value');
    await read(cache, KEY, work);
    expect(work.runs).toBe(1);
  });

  it('that fails is told, and nobody sees it', async () => {
    const { cache, clock, work, told } = await createDear(() => 1 - 2 ** -53);
    clock.advance(55_000);
    work.error = new Error('no database');
    expect((await read(cache, KEY, work)).text).toBe('value');
    await settle();
    expect(told.map(({ kind }) => kind)).toEqual(['error']);
    expect(cache.statistics().staleIfErrorHits).toBe(0);
    expect((await read(cache, KEY, work)).text).toBe('value');
  });
});

describe('the bounds', () => {
  it('keep the number of values, and drop what was not used for the longest time', async () => {
    const { cache, work } = create({ options: { lruCacheSize: 2 } });
    for (const key of ['a:', 'b:']) await read(cache, key, work);
    cache.peek('a:');
    await read(cache, 'c:', work);
    expect(['a:', 'b:', 'c:'].map((key) => cache.peek(key))).toEqual(['value', undefined, 'value']);
    expect(cache.statistics()).toMatchObject({ size: 2, evictions: 1 });
  });

  it('keep the bytes of values', async () => {
    const { cache, work } = create({ options: { maxMemoryBytes: 1_048_576 } });
    work.text = 'x'.repeat(300_000);
    for (let n = 0; n < 20; n++) await read(cache, `key:${n}`, work);
    expect(cache.statistics()).toMatchObject({ size: 3, evictions: 17 });
    expect(cache.statistics().bytes).toBeLessThan(1_048_576);
  });

  it('do not keep a value that is too large, and count it', async () => {
    const { cache, work } = create({ options: { maxEntryBytes: 1_000 } });
    work.text = 'x'.repeat(1_000);
    await read(cache, KEY, work);
    await read(cache, KEY, work);
    expect(work.runs).toBe(2);
    expect(cache.statistics()).toMatchObject({ size: 0, tooLarge: 2 });
  });
});

describe('putting and finding', () => {
  it('finds what is fresh and never computes', async () => {
    const { cache, clock } = create();
    expect(await cache.find('app:x')).toBeUndefined();
    await cache.put('app:x', 'put', ['t'], STALE);
    expect(await cache.find('app:x')).toBe('put');
    clock.advance(1_000);
    expect(await cache.find('app:x')).toBeUndefined();
    expect(cache.statistics()).toMatchObject({ memoryHits: 1, misses: 2, computations: 0 });
  });

  it('wins over a computation that began before', async () => {
    const { cache, work } = create();
    work.block();
    const early = read(cache, 'app:x', work);
    await settle();
    await cache.put('app:x', 'put', [], MINUTE);
    work.finish();
    await early;
    expect(cache.peek('app:x')).toBe('put');
  });

  it('leaves the later of two that are put at the same time', async () => {
    const { cache } = create();
    await Promise.all([cache.put('app:x', 'one', [], MINUTE), cache.put('app:x', 'two', [], MINUTE)]);
    expect(cache.peek('app:x')).toBe('two');
  });
});

it('leaves no timer behind', async () => {
  const { cache, clock, work } = create();
  await read(cache, KEY, work);
  await cache.close();
  expect(clock.timers).toBe(0);
});
