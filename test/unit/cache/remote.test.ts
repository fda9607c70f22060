import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/testing/testing.ts';
import { FakeStore, FakeTier, type TierCall } from './fake-tier.ts';
import { createCluster, createInstance, type Instance, join, MINUTE, pass, read, settle, Work } from './instances.ts';

const KEY = 'tool:find:["1","modern",null,{}]';
const _STALE = { ttlMs: 1_000, staleMs: 500, staleIfErrorMs: 2_000 };

async function two(options: Parameters<typeof createCluster>[1] = {}) {
  const cluster = await createCluster(2, options);
  const [one, other] = cluster.instances as [Instance, Instance];
  return { ...cluster, one, other, work: new Work() };
}

const kinds = ({ told }: Instance): string[] => told.map(({ kind }) => kind);

describe('the second tier', () => {
  it('serves what another instance computed, for the rest of its time', async () => {
    const { one, other, work, clock } = await two();
    await read(one.cache, KEY, work);
    await settle();
    clock.advance(20_000);
    expect(await read(other.cache, KEY, work)).toMatchObject({ text: 'value', from: 'redis', ttlMs: 40_000 });
    expect(await read(other.cache, KEY, work)).toMatchObject({ from: 'memory' });
    expect(other.cache.statistics()).toMatchObject({
      misses: 1,
      redisHits: 1,
      memoryHits: 1,
      computations: 0,
      hitRate: 1,
    });
    clock.advance(40_000);
    expect((await read(other.cache, KEY, work)).from).toBe('computed');
  });

  it('is found in and put to', async () => {
    const { one, other, work } = await two();
    await one.cache.put('app:x', 'put', ['t'], MINUTE);
    await settle();
    expect(await other.cache.find('app:x')).toBe('put');
    expect(await other.cache.find('app:x')).toBe('put');
    expect(other.cache.statistics()).toMatchObject({ misses: 1, redisHits: 1, memoryHits: 1 });
    await one.cache.put('app:x', 'anew', ['t'], MINUTE);
    await settle();
    expect(await other.cache.find('app:x')).toBe('anew');
    expect(work.runs).toBe(0);
  });

  it('has the later of two values that are put at the same time', async () => {
    const { one, other } = await two();
    await Promise.all([one.cache.put('app:x', 'one', [], MINUTE), one.cache.put('app:x', 'two', [], MINUTE)]);
    await settle();
    expect(await other.cache.find('app:x')).toBe('two');
    expect(one.cache.peek('app:x')).toBe('two');
  });

  it('is looked into again where the value in memory is over', async () => {
    const { one, other, work, clock } = await two();
    await read(one.cache, KEY, work, { ttlMs: 1_000, staleIfErrorMs: 5_000 });
    clock.advance(1_000);
    work.text = 'new';
    await read(other.cache, KEY, work);
    await settle();
    expect(await one.cache.find(KEY)).toBe('new');
  });

  it('keeps no value that is too large, and one of wide characters just within the bound', async () => {
    const { one, other, work, store } = await two({ maxEntryBytes: 3_000 });
    work.text = '琥'.repeat(1_300); // 2,600 bytes in memory, 3,900 in UTF-8.
    await read(one.cache, KEY, work);
    await settle();
    expect(await read(other.cache, KEY, work)).toMatchObject({ from: 'redis', text: work.text });
    work.text = 'x'.repeat(3_000);
    await read(one.cache, 'tool:large:[]', work);
    await settle();
    expect(store.values.size).toBe(1);
    expect(other.cache.statistics().garbage).toBe(0);
  });

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['anything', Buffer.from('anything else that is longer than a header')],
  ])('that holds %s under a key is taken for a miss, and cleared', async (_name, bytes) => {
    const { one, other, work, store } = await two();
    await read(one.cache, KEY, work);
    await settle();
    const [name] = store.values.keys();
    store.values.set(name as string, { bytes, endsAt: 1e9, at: 0 });
    expect(await other.cache.find(KEY)).toBeUndefined();
    await settle();
    expect(store.values.size).toBe(0);
    expect(kinds(other)).toEqual(['garbage']);
    expect(other.cache.statistics()).toMatchObject({ garbage: 1, errors: 0 });
  });

  it('that answers with the value of another key never serves it', async () => {
    const { one, other, work } = await two();
    work.text = 'alice’s';
    await read(one.cache, 'tool:me:["1","modern","alice",{}]', work);
    await settle();
    const { tier } = other;
    const honest = tier.read.bind(tier);
    const [name] = one.tier.names();
    tier.read = () => honest(name as string);
    work.text = 'bob’s';
    expect((await read(other.cache, 'tool:me:["1","modern","bob",{}]', work)).text).toBe('bob’s');
    expect(other.cache.statistics().garbage).toBeGreaterThan(0);
  });
});

describe('a tier that is slow, wrong or gone', () => {
  it.each<TierCall | undefined>(['read', 'write', 'lock', 'unlock', 'log', 'append', undefined])(
    'never fails a read: %s fails, or hangs',
    async (which) => {
      for (const fate of ['fail', 'hang', 'hold'] as const) {
        const { one, work, clock } = await two();
        one.tier.fate = (call) => (which === undefined || call === which ? fate : 'answer');
        const told = one.cache.invalidate({ kind: 'tag', value: 'x' });
        const reads = Promise.all(Array.from({ length: 20 }, (_, n) => read(one.cache, `tool:find:[${n % 5}]`, work)));
        await pass(clock, 3_000);
        for (const { text } of await reads) expect(text).toBe('value');
        expect(typeof (await told)).toBe('boolean');
        if (which === 'read' || which === undefined) expect(one.cache.statistics().errors).toBeGreaterThan(0);

        one.tier.fate = () => 'answer';
        one.tier.release();
        await pass(clock, 12_000);
        expect(one.cache.statistics()).toMatchObject({ isRedisUsable: true, computing: 0, waitingWrites: 0 });
      }
    },
  );

  it('is left alone after some calls in a row that failed, and told of once', async () => {
    const { one, work, clock } = await two();
    one.tier.fate = () => 'hang';
    for (let n = 0; n < 5; n++) {
      void read(one.cache, `tool:find:[${n}]`, work);
    }
    await pass(clock, 120);
    expect(one.cache.statistics().isRedisUsable).toBe(false);
    const before = one.tier.calls.length;
    for (let n = 0; n < 100; n++) await read(one.cache, `tool:more:[${n}]`, work); // The clock stands still.
    expect(one.tier.calls.length).toBe(before);
    expect(kinds(one).filter((kind) => kind === 'degraded')).toHaveLength(1);
    one.tier.fate = () => 'answer';
    await pass(clock, 2_000);
    expect(kinds(one).filter((kind) => kind === 'recovered')).toHaveLength(1);
  });

  it('is not tried in haste, and gets a new connection at times', async () => {
    const { one, clock } = await two();
    one.tier.fate = (call) => (call === 'log' ? 'fail' : 'answer');
    one.tier.connect(false);
    one.tier.connect();
    await pass(clock, 60_000);
    const tries = one.tier.calls.filter((call) => call === 'log').length;
    expect(tries).toBeGreaterThan(20);
    expect(tries).toBeLessThan(70);
    expect(one.tier.resets).toBeGreaterThan(5);
  });

  it('is told to be missing from the start', async () => {
    const clock = new FakeClock();
    const tier = new FakeTier(new FakeStore(clock));
    const { cache, told } = createInstance({ clock, tier });
    tier.fail(new Error('ECONNREFUSED'));
    tier.fail(new Error('ECONNREFUSED'));
    expect(told.map(({ kind }) => kind)).toEqual(['error', 'degraded', 'error']);
    expect((await read(cache, KEY, new Work())).text).toBe('value');
    tier.connect();
    await settle();
    expect(told.at(-1)?.kind).toBe('recovered');
  });

  it('says nothing of a good start', async () => {
    const { one } = await two();
    expect(one.told).toEqual([]);
  });

  it('that never takes a batch gets no others meanwhile', async () => {
    const { one, work, clock, store } = await two();
    one.tier.fate = (call) => (call === 'write' ? 'hold' : 'answer');
    for (let n = 0; n < 50; n++) {
      await read(one.cache, `tool:find:[${n}]`, work);
      await pass(clock, 200);
    }
    await pass(clock, 2_000);
    expect(one.tier.calls.filter((call) => call === 'write')).toHaveLength(1);
    expect(one.cache.statistics().droppedWrites).toBeGreaterThan(40);
    one.tier.fate = () => 'answer';
    one.tier.release();
    await read(one.cache, KEY, work);
    await settle();
    expect([...store.values.keys()].filter((name) => name.includes('find'))).toHaveLength(2);
  });

  it('is not given a value whose number means nothing any more', async () => {
    const { one, other, work, store } = await two();
    one.tier.fate = (call) => (call === 'write' ? 'hold' : 'answer');
    await read(one.cache, 'tool:first:[]', work);
    await settle();
    await read(one.cache, KEY, work); // Waits behind the first.
    await settle();
    one.tier.connect(false);
    store.flush();
    one.tier.fate = () => 'answer';
    one.tier.connect();
    await settle();
    expect(store.values.size).toBe(0);
    expect(one.cache.statistics().droppedWrites).toBeGreaterThan(0);
    expect(other.cache.statistics().isRedisUsable).toBe(true);
  });

  it('may be guarded: what the guard refuses is a miss', async () => {
    const clock = new FakeClock();
    const tier = new FakeTier(new FakeStore(clock));
    let isOpen = false;
    const { cache, told } = createInstance({
      clock,
      tier,
      protect: (work) => (isOpen ? Promise.reject(new Error('the circuit is open')) : work()),
    });
    tier.connect();
    await settle();
    isOpen = true;
    expect((await read(cache, KEY, new Work())).text).toBe('value');
    expect(told.map(({ kind }) => kind)).toContain('error');
    expect(tier.calls).toEqual(['log']);
  });

  it('that answers late because this process was held up still counts as answering', async () => {
    const { one, work, clock } = await two();
    one.tier.fate = (call) => (call === 'read' ? 'hold' : 'answer');
    const answer = read(one.cache, KEY, work);
    await settle();
    clock.after(50, () => one.tier.release()); // Due at the same time as the limit, and after it.
    clock.advance(50);
    one.tier.fate = () => 'answer';
    await answer;
    expect(one.cache.statistics().errors).toBe(0);
  });
});

describe('closing', () => {
  it('writes, logs and gives back what waits, and leaves no timer', async () => {
    const { one, other, work, store, clock } = await two();
    await read(other.cache, 'tool:x:[]', work, { tags: ['t'] });
    const reads = Promise.all(Array.from({ length: 600 }, (_, n) => read(one.cache, `tool:find:[${n}]`, work)));
    await reads;
    const told = one.cache.invalidate({ kind: 'tag', value: 't' });
    await one.cache.close();
    expect(await told).toBe(true);
    expect(store.values.size).toBe(601);
    expect(store.locks.size).toBe(0);
    expect(one.tier.isClosed).toBe(true);
    await other.cache.close();
    expect(clock.timers).toBe(0);
  });

  it('takes no long time where the tier hangs, and counts what is lost', async () => {
    const { one, work, clock } = await two();
    one.tier.fate = () => 'hang';
    await settle();
    one.tier.fate = (call) => (call === 'write' || call === 'append' ? 'hang' : 'answer');
    for (let n = 0; n < 600; n++) await read(one.cache, `tool:find:[${n}]`, work);
    let isClosed = false;
    const closing = one.cache.close().then(() => {
      isClosed = true;
    });
    await pass(clock, 4_100);
    expect(isClosed).toBe(true);
    await closing;
    expect(one.cache.statistics()).toMatchObject({ waitingWrites: 0, isRedisUsable: false });
    expect(one.cache.statistics().droppedWrites).toBeGreaterThan(0);
  });

  it('ends the waits for locks, and what is computed later is computed without the tier', async () => {
    const { one, other, work, clock } = await two();
    work.block();
    void read(one.cache, KEY, work);
    await settle();
    const waiting = read(other.cache, KEY, work);
    await settle();
    await other.cache.close();
    const calls = other.tier.calls.length;
    await pass(clock, 60);
    work.finish();
    expect((await waiting).from).toBe('computed');
    expect((await read(other.cache, 'tool:late:[]', work)).from).toBe('computed');
    expect(await other.cache.invalidate({ kind: 'tag', value: 't' })).toBe(false);
    expect(other.tier.calls.length).toBe(calls);
    await other.cache.close();
  });

  it('is not kept from its end by a tier that was never there', async () => {
    const clock = new FakeClock();
    const store = new FakeStore(clock);
    const { cache, tier } = join(store, clock);
    tier.connect(false);
    await cache.close();
    expect(clock.timers).toBe(0);
  });
});
