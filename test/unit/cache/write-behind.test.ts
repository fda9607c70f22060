import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TierWrite } from '../../../src/cache/cache.ts';
import { WriteBehind } from '../../../src/cache/write-behind.ts';
import { settle } from './instances.ts';

interface Batch {
  readonly writes: readonly TierWrite[];
  readonly done: PromiseWithResolvers<void>;
}

function create(maxEntries = 1_000, maxBytes = 1e9) {
  const batches: Batch[] = [];
  const drops: { count: number; error: unknown }[] = [];
  const behind = new WriteBehind({
    maxEntries,
    maxBytes,
    write: (writes) => {
      const done = Promise.withResolvers<void>();
      batches.push({ writes, done });
      return done.promise;
    },
    dropped: (count, error) => drops.push({ count, error }),
  });
  const push = (key: string, text: string, bytes = 1): Promise<void> =>
    behind.push(key, { bytes, prepare: async () => ({ key, bytes: Buffer.from(text), ttlMs: 1 }) });
  const texts = (batch: Batch | undefined): string[] => batch?.writes.map(({ key, bytes }) => `${key}=${bytes}`) ?? [];
  return { behind, batches, drops, push, texts };
}

it('writes what came in one turn of the event loop as one batch, each key once, as it was last', async () => {
  const { push, batches, texts, behind } = create();
  void push('a', '1');
  void push('b', '1');
  void push('a', '2');
  await settle();
  expect(batches.map(texts)).toEqual([['b=1', 'a=2']]);
  batches[0]?.done.resolve();
  await behind.flush();
  expect(behind.size).toBe(0);
});

it('writes one batch after the other, so that a key never goes back', async () => {
  const { push, batches, texts } = create();
  void push('a', '1');
  await settle();
  void push('a', '2');
  void push('a', '3');
  await settle();
  expect(batches).toHaveLength(1);
  batches[0]?.done.resolve();
  await settle();
  expect(batches.map(texts)).toEqual([['a=1'], ['a=3']]);
});

it('resolves a write when its own batch was tried, however long others follow', async () => {
  const { push, batches } = create();
  let isDone = false;
  void push('a', '1').then(() => {
    isDone = true;
  });
  await settle();
  void push('b', '1');
  batches[0]?.done.resolve();
  await settle();
  expect(batches).toHaveLength(2);
  expect(isDone).toBe(true);
});

it('resolves a write that another took the place of, that was given up, or whose batch failed', async () => {
  const { push, batches, behind } = create(2);
  const replaced = push('a', '1');
  void push('a', '2');
  await replaced;
  const first = push('b', '1');
  void push('c', '1'); // Too many: the oldest is given up.
  void push('d', '1');
  await first;
  await settle();
  batches[0]?.done.reject(new Error('no'));
  const failing = push('e', '1');
  await settle();
  batches[1]?.done.reject(new Error('no'));
  await failing;
  await behind.flush();
});

it('gives up the oldest when too many wait, or too many bytes, and counts them', async () => {
  const { push, batches, drops, texts, behind } = create(3, 100);
  void push('first', '1');
  await settle();
  for (const key of ['a', 'b', 'c', 'd', 'e']) void push(key, '1');
  expect(behind.size).toBe(3);
  expect(drops.map(({ count }) => count)).toEqual([1, 1]);
  void push('f', '1', 99);
  expect(behind.size).toBe(2);
  void push('huge', '1', 101);
  expect(behind.size).toBe(0);
  expect(drops.reduce((sum, { count }) => sum + count, 0)).toBe(2 + 2 + 3);
  void push('g', '1', 100);
  batches[0]?.done.resolve();
  await settle();
  expect(texts(batches[1])).toEqual(['g=1']);
});

it('goes on after a batch that failed, and counts it', async () => {
  const { push, batches, drops } = create();
  void push('a', '1');
  void push('b', '1');
  await settle();
  void push('c', '1');
  const error = new Error('no');
  batches[0]?.done.reject(error);
  await settle();
  expect(drops).toEqual([{ count: 2, error }]);
  expect(batches).toHaveLength(2);
});

it('gives up only the write that cannot be made ready, and writes nothing where nothing is left', async () => {
  const { push, behind, batches, drops, texts } = create();
  const error = new Error('cannot');
  void behind.push('bad', { bytes: 1, prepare: () => Promise.reject(error) });
  void behind.push('late', { bytes: 1, prepare: async () => undefined });
  void push('good', '1');
  await settle();
  expect(batches.map(texts)).toEqual([['good=1']]);
  expect(drops).toEqual([{ count: 1, error }]);
  batches[0]?.done.resolve();
  await behind.flush();
  void behind.push('late', { bytes: 1, prepare: async () => undefined });
  await behind.flush();
  expect(batches).toHaveLength(1);
});

it('keeps batches small in number and in bytes', async () => {
  const { push, batches, behind } = create(10_000);
  for (let n = 0; n < 600; n++) void push(`k${n}`, '1');
  for (let n = 0; n < 5; n++) void push(`large${n}`, '1', 5_000_000);
  for (let n = 0; n < 8; n++) {
    await settle();
    batches[n]?.done.resolve();
  }
  await behind.flush();
  expect(batches.map(({ writes }) => writes.length)).toEqual([256, 256, 89, 1, 1, 1, 1]);
});

it('gives up everything when it is cleared', async () => {
  const { push, behind, drops, batches } = create();
  void push('a', '1');
  await settle();
  const waiting = push('b', '1');
  behind.clear();
  await waiting;
  expect(drops.map(({ count }) => count)).toEqual([1]);
  batches[0]?.done.resolve();
  await behind.flush();
  expect(batches).toHaveLength(1);
});

it('ends with the last write of each key, whatever comes when', async () => {
  const step = fc.oneof(
    fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(99)),
    fc.constantFrom('finish' as const, 'wait' as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { push, batches, behind, drops } = create();
      const last = new Map<string, string>();
      const store = new Map<string, string>();
      let written = 0;
      const finish = (): void => {
        const batch = batches[written];
        if (batch === undefined) return;
        for (const { key, bytes } of batch.writes) store.set(key, String(bytes));
        written++;
        batch.done.resolve();
      };
      for (const one of steps) {
        if (one === 'finish') finish();
        else if (one === 'wait') await settle();
        else {
          last.set(one[0], String(one[1]));
          void push(one[0], String(one[1]));
        }
      }
      while (behind.size > 0 || written < batches.length) {
        await settle();
        finish();
      }
      await behind.flush();
      expect(store).toEqual(last);
      expect(drops).toEqual([]);
    }),
  );
});
