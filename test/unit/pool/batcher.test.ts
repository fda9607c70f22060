import { describe, expect, it, vi } from 'vitest';
import { createBatcher } from '../../../src/pool/pool.ts';
import { FakeClock } from '../../../src/testing/testing.ts';

interface Row {
  readonly id: number;
  readonly name: string;
}
const rowOf = (id: number): Row => ({ id, name: `row ${id}` });

function batcherOf(options: { maxBatch?: number; windowMs?: number; clock?: FakeClock } = {}) {
  const load = vi.fn(async (ids: readonly number[]) =>
    ids
      .filter((id) => id < 100)
      .map(rowOf)
      .reverse(),
  );
  return { load, batcher: createBatcher({ load, keyOf: (row: Row) => row.id, ...options }) };
}

describe('a batcher', () => {
  it('collects the calls of one tick into one load, and gives each its own', async () => {
    const { load, batcher } = batcherOf();
    const rows = await Promise.all([batcher.load(1), batcher.load(2), batcher.load(1), batcher.load(500)]);
    expect(rows).toEqual([rowOf(1), rowOf(2), rowOf(1), undefined]);
    expect(load.mock.calls).toEqual([[[1, 2, 500]]]);
  });

  it('takes along calls from promises that settle in the same tick', async () => {
    const { load, batcher } = batcherOf();
    const later = Promise.resolve().then(() => batcher.load(2));
    await Promise.all([batcher.load(1), later]);
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('begins anew for the next tick and remembers nothing', async () => {
    const { load, batcher } = batcherOf();
    await batcher.load(1);
    await batcher.load(1);
    expect(load).toHaveBeenCalledTimes(2);
  });

  it('spreads more keys than fit over several loads', async () => {
    const { load, batcher } = batcherOf({ maxBatch: 2 });
    await Promise.all([1, 2, 3, 4, 5].map((id) => batcher.load(id)));
    expect(load.mock.calls.map(([ids]) => ids)).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('waits for its window', async () => {
    const clock = new FakeClock();
    const { load, batcher } = batcherOf({ windowMs: 10, clock });
    const first = batcher.load(1);
    clock.advance(9);
    const second = batcher.load(2);
    expect(load).not.toHaveBeenCalled();
    clock.advance(1);
    expect(await Promise.all([first, second])).toEqual([rowOf(1), rowOf(2)]);
    expect(load).toHaveBeenCalledTimes(1);
    expect(clock.timers).toBe(0);
  });

  it('gives an error to all callers of that batch, and to them alone', async () => {
    const { load, batcher } = batcherOf();
    load.mockRejectedValueOnce(new Error('down'));
    const results = await Promise.allSettled([batcher.load(1), batcher.load(2)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await batcher.load(1)).toEqual(rowOf(1));
  });

  it('gives what `keyOf` throws to the callers too', async () => {
    const batcher = createBatcher<number, Row>({
      load: async (ids) => ids.map(rowOf),
      keyOf: () => {
        throw new Error('no key');
      },
    });
    await expect(batcher.load(1)).rejects.toThrow('no key');
  });

  it('checks its options', () => {
    const load = async () => [];
    expect(() => createBatcher({ load, keyOf: 1 as never })).toThrow('"keyOf" must be a function');
    expect(() => createBatcher({ load, keyOf: () => 1, maxBatch: 0 })).toThrow('"maxBatch"');
    expect(() => createBatcher({ load, keyOf: () => 1, windowMs: -1 })).toThrow('"windowMs"');
  });
});
