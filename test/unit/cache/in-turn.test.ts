import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/testing/testing.ts';
import { FakeStore, FakeTier } from './fake-tier.ts';
import { createCluster, createInstance, type Instance, MINUTE, pass, read, settle, Work } from './instances.ts';

const KEY = 'tool:find:["1","modern",null,{}]';
const STALE = { ttlMs: 1_000, staleMs: 500, staleIfErrorMs: 2_000 };

async function two(options: Parameters<typeof createCluster>[1] = {}) {
  const cluster = await createCluster(2, options);
  const [one, other] = cluster.instances as [Instance, Instance];
  return { ...cluster, one, other, work: new Work() };
}

const _kinds = ({ told }: Instance): string[] => told.map(({ kind }) => kind);

describe('computing in turn', () => {
  it('computes once for two instances, and the one who waits has the value of the other', async () => {
    const { one, other, work, clock } = await two();
    work.block();
    const first = read(one.cache, KEY, work);
    await settle();
    const second = read(other.cache, KEY, work);
    await pass(clock, 1_000);
    expect(work.runs).toBe(1);
    work.finish();
    expect((await first).from).toBe('computed');
    await pass(clock, 200);
    expect((await second).from).toBe('redis');
  });

  it('looks again behind the lock: a value that came between the look and the lock is not computed twice', async () => {
    const { one, other, work } = await two();
    other.tier.fate = (call) => (call === 'read' ? 'hold-answer' : 'answer');
    const second = read(other.cache, KEY, work); // Sees nothing, and is slow to hear so.
    await settle();
    await read(one.cache, KEY, work);
    await settle();
    other.tier.fate = () => 'answer';
    other.tier.release();
    expect((await second).from).toBe('redis');
    expect(work.runs).toBe(1);
  });

  it('computes when the other takes longer than it may', async () => {
    const { one, other, work, clock } = await two({ lockMs: 500 });
    work.block();
    void read(one.cache, KEY, work);
    await settle();
    const second = read(other.cache, KEY, work);
    await pass(clock, 600);
    expect(work.runs).toBe(2);
    work.finish();
    expect((await second).from).toBe('computed');
  });

  it('computes at once where the tier goes away meanwhile', async () => {
    const { one, other, work, clock } = await two();
    work.block();
    void read(one.cache, KEY, work);
    await settle();
    const second = read(other.cache, KEY, work);
    await settle();
    other.tier.connect(false);
    await pass(clock, 60);
    expect(work.runs).toBe(2);
    work.finish();
    expect((await second).from).toBe('computed');
  });

  it('does not compute for a caller who went away while it waited', async () => {
    const { one, other, work, clock } = await two({ lockMs: 500 });
    work.block();
    void read(one.cache, KEY, work);
    await settle();
    const caller = new AbortController();
    const second = read(other.cache, KEY, work, { signal: caller.signal });
    await settle();
    caller.abort(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    await pass(clock, 1_000);
    expect(work.runs).toBe(1);
    expect(other.cache.statistics()).toMatchObject({ computing: 0, computations: 0 });
    expect(clock.timers).toBe(2); // The looks at the log.
  });

  it('gives the lock back after the value was written, after an error, and when nothing was kept', async () => {
    const { one, work, store } = await two();
    await read(one.cache, KEY, work);
    await settle();
    expect(store.locks.size).toBe(0);
    expect(one.tier.calls.indexOf('write')).toBeLessThan(one.tier.calls.indexOf('unlock'));
    work.error = new Error('no');
    await expect(read(one.cache, 'tool:other:[]', work)).rejects.toThrow('no');
    await settle();
    expect(store.locks.size).toBe(0);
    await one.cache.read('tool:third:[]', async () => ({ text: '', isKept: false, isShared: true }), {
      tags: [],
      life: MINUTE,
    });
    await settle();
    expect(store.locks.size).toBe(0);
  });

  it('gives the lock back while other writes go on and on', async () => {
    const { one, work, store } = await two();
    one.tier.fate = (call) => (call === 'write' ? 'hold' : 'answer');
    await read(one.cache, KEY, work);
    await settle();
    for (let n = 0; n < 20; n++) {
      void read(one.cache, `tool:next:[${n}]`, work);
      await settle();
      one.tier.release();
    }
    await settle();
    expect([...store.locks.keys()].filter((name) => name.includes('find'))).toEqual([]);
    one.tier.release();
  });

  it('leaves a lock alone that became another’s', async () => {
    const { one, other, work, store, clock } = await two({ lockMs: 100 });
    work.block();
    const first = read(one.cache, KEY, work);
    await settle();
    await pass(clock, 120);
    const second = read(other.cache, KEY, work);
    await settle();
    const [lock] = store.locks.values();
    one.tier.fate = (call) => (call === 'write' ? 'fail' : 'answer');
    work.finish();
    await first;
    expect(store.locks.get([...store.locks.keys()][0] as string)?.token).toBe(lock?.token);
    await second;
    await settle();
    expect(store.locks.size).toBe(0);
  });

  it('refreshes early on one of two instances, and the other takes what that one made', async () => {
    const clock = new FakeClock();
    const store = new FakeStore(clock);
    const create = (): Instance => {
      const tier = new FakeTier(store);
      const instance = {
        tier,
        ...createInstance({ options: { earlyRefresh: 1 }, clock, tier, random: () => 1 - 2 ** -53 }),
      };
      tier.connect();
      return instance;
    };
    const [one, other] = [create(), create()];
    const work = new Work();
    await settle();
    work.block();
    const first = read(one.cache, KEY, work);
    await settle();
    await pass(clock, 1_000);
    work.finish();
    await first;
    await settle();
    await read(other.cache, KEY, work);
    await pass(clock, 55_000);
    work.text = 'new';
    work.block();
    for (const { cache } of [one, other]) expect((await read(cache, KEY, work)).text).toBe('value');
    await pass(clock, 200);
    expect(work.runs).toBe(2); // One for both.
    work.finish();
    await settle();
    expect((await read(other.cache, KEY, work)).text).toBe('value');
    await settle();
    expect((await read(other.cache, KEY, work)).text).toBe('new');
    expect(work.runs).toBe(2);
    expect(other.cache.statistics().hitRate).toBeLessThanOrEqual(1);
  });

  it('refreshes a stale value from the tier where another instance did so already', async () => {
    const { one, other, work, clock } = await two();
    await read(one.cache, KEY, work, STALE);
    await settle();
    await read(other.cache, KEY, work, STALE);
    clock.advance(1_100);
    work.text = 'new';
    await read(one.cache, KEY, work, STALE);
    await settle();
    expect((await read(other.cache, KEY, work, STALE)).text).toBe('value');
    await settle();
    expect((await read(other.cache, KEY, work, STALE)).text).toBe('new');
    expect(work.runs).toBe(2);
  });
});
