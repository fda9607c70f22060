import { describe, expect, it, vi } from 'vitest';
import { ApplicationCache, type Cache, type Invalidation } from '../../src/cache/cache.ts';
import { read, settle, Work } from '../unit/cache/instances.ts';

/** Caches that share what they share: one that computes, and one that reads later. */
export interface CacheSetup {
  readonly first: Cache;
  /** The same one where there is no second tier. */
  readonly second: Cache;
  /** Moves time on, where it can be moved; elsewhere it goes on by itself. */
  pass(ms: number): Promise<void>;
}

const KEY = 'tool:find:["1","modern","alice",{"id":1}]';
const ON_TIME = { timeout: 10_000, interval: 2 };

/** What every cache does, whatever its tiers are. */
export function cacheContract(name: string, open: () => Promise<CacheSetup>): void {
  /** What the first did is known to the second. */
  const known = async (check: () => unknown): Promise<void> => {
    await settle();
    await vi.waitFor(check, ON_TIME);
  };

  describe(name, () => {
    it('serves what was computed to all, and says from where', async () => {
      const { first, second } = await open();
      const work = new Work();
      expect(await read(first, KEY, work)).toMatchObject({ text: 'value', from: 'computed', isShared: true });
      expect(await read(first, KEY, work)).toMatchObject({ text: 'value', from: 'memory' });
      await known(async () => expect(await second.find(KEY)).toBe('value'));
      expect((await read(second, KEY, work)).text).toBe('value');
      expect(work.runs).toBe(1);
      expect(first.statistics()).toMatchObject({ computations: 1, errors: 0, garbage: 0 });
    });

    it('computes once for many at the same time', async () => {
      const { first, second } = await open();
      const work = new Work();
      work.block();
      const reads = Array.from({ length: 200 }, (_, n) => read(n % 2 === 0 ? first : second, KEY, work));
      await known(() => expect(work.runs).toBe(1));
      work.finish();
      expect(new Set((await Promise.all(reads)).map(({ text }) => text))).toEqual(new Set(['value']));
      expect(work.runs).toBe(1);
    });

    it.each<Invalidation>([
      { kind: 'key', value: KEY },
      { kind: 'tag', value: 't' },
      { kind: 'pattern', value: 'tool:find:*' },
    ])('forgets by $kind what was invalidated, and nothing else', async (invalidation) => {
      const { first, second } = await open();
      const [work, other] = [new Work(), new Work()];
      await read(first, KEY, work, { tags: ['t'] });
      await read(first, 'tool:other:[]', other, { tags: ['o'] });
      await known(async () => expect(await second.find(KEY)).toBe('value'));
      await known(async () => expect(await second.find('tool:other:[]')).toBe('value'));
      expect(await first.invalidate(invalidation)).toBe(true);
      await known(() => expect(second.peek(KEY)).toBeUndefined());
      work.text = 'new';
      expect((await read(second, KEY, work, { tags: ['t'] })).text).toBe('new');
      expect(second.peek('tool:other:[]')).toBe('value');
    });

    it('does not keep what was invalidated while it was computed', async () => {
      const { first } = await open();
      const work = new Work();
      work.block();
      const early = read(first, KEY, work, { tags: ['t'] });
      await known(() => expect(work.runs).toBe(1));
      const told = first.invalidate({ kind: 'tag', value: 't' });
      work.finish();
      await Promise.all([early, told]);
      expect(await first.find(KEY)).toBeUndefined();
    });

    it('keeps principals apart', async () => {
      const { first, second } = await open();
      const keyOf = (principal: string): string => `tool:me:["1","modern","${principal}",{}]`;
      const names = ['alice', 'bob', 'carol'];
      for (const principal of names) {
        const work = new Work();
        work.text = principal;
        await read(first, keyOf(principal), work);
      }
      for (const principal of names) {
        await known(async () => expect(await second.find(keyOf(principal))).toBe(principal));
        expect(first.peek(keyOf(principal))).toBe(principal);
      }
    });

    it('keeps any text as it is, short or long', async () => {
      const { first, second } = await open();
      for (const [n, text] of ['', '{}', '琥珀 💎 \u0000\u2028', 'amber '.repeat(20_000)].entries()) {
        const work = new Work();
        work.text = text;
        await read(first, `tool:text:[${n}]`, work);
        await known(async () => expect(await second.find(`tool:text:[${n}]`)).toBe(text));
      }
    });

    it('forgets when the time is over', async () => {
      const { first, second, pass } = await open();
      const work = new Work();
      await read(first, KEY, work, { ttlMs: 300 });
      await pass(310);
      await known(() => expect(first.peek(KEY)).toBeUndefined());
      await known(async () => expect(await second.find(KEY)).toBeUndefined());
    });

    it('serves an older value while it is computed anew, and where that fails', async () => {
      const { first, pass } = await open();
      const work = new Work();
      const life = { ttlMs: 100, staleMs: 60_000, staleIfErrorMs: 120_000 };
      await read(first, KEY, work, life);
      await pass(110);
      await known(() => expect(first.peek(KEY)).toBeUndefined());
      work.error = new Error('no database');
      expect(await read(first, KEY, work, life)).toMatchObject({ text: 'value', from: 'stale' });
      await known(() => expect(first.statistics().computing).toBe(0));
      work.error = undefined;
      work.text = 'new';
      expect((await read(first, KEY, work, life)).from).toBe('stale');
      await known(() => expect(first.peek(KEY)).toBe('new'));
    });

    it('rejects as the computation does', async () => {
      const { first } = await open();
      const work = new Work();
      work.error = new Error('no database');
      await expect(read(first, KEY, work)).rejects.toBe(work.error);
    });

    it('keeps the author’s own values', async () => {
      const { first, second } = await open();
      const [mine, theirs] = [new ApplicationCache(first), new ApplicationCache(second)];
      await mine.set('user:1', { name: 'Ada' }, { tags: ['users'] });
      await known(async () => expect(await theirs.get('user:1')).toEqual({ name: 'Ada' }));
      await mine.set('user:1', { name: 'Grace' }, { tags: ['users'] });
      await known(async () => expect(await theirs.get('user:1')).toEqual({ name: 'Grace' }));
      expect(await theirs.invalidate({ tags: ['users'] })).toBe(true);
      await known(async () => expect(await mine.get('user:1')).toBeUndefined());
    });

    it('goes on in memory after it was closed', async () => {
      const { first } = await open();
      const work = new Work();
      await read(first, KEY, work);
      await first.close();
      expect(first.peek(KEY)).toBe('value');
      expect((await read(first, 'tool:more:[]', work)).from).toBe('computed');
      await first.close();
    });
  });
}
