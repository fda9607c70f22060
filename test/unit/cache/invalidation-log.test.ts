import { expect, it } from 'vitest';
import { createCluster, join, pass, read, settle, Work } from './instances.ts';

const KEY = 'tool:find:["1","modern",null,{}]';

async function twoInstances() {
  const cluster = await createCluster(2);
  const [one, other] = cluster.instances as [(typeof cluster.instances)[0], (typeof cluster.instances)[0]];
  return { ...cluster, one, other };
}

it('does not lose an invalidation that is told right behind the answer of a catching-up', async () => {
  const { one, other, store } = await twoInstances();
  const work = new Work();
  await read(one.cache, KEY, work, { tags: ['t'] });

  one.tier.connect(false);
  one.tier.fate = (call) => (call === 'log' ? 'hold-answer' : 'answer');
  one.tier.connect();
  await settle();
  one.tier.fate = () => 'answer';
  void other.cache.invalidate({ kind: 'tag', value: 't' }); // The held page does not have it; the message comes at once.
  one.tier.release();
  await settle();

  expect(one.cache.statistics().isRedisUsable).toBe(true);
  work.text = 'new';
  expect((await read(one.cache, KEY, work, { tags: ['t'] })).text).toBe('new');
  expect(store.log).toHaveLength(1);
});

it('does not take a reading of the log that began earlier for one that knows the number of a later read', async () => {
  const { one, other } = await twoInstances();
  const work = new Work();
  await read(one.cache, KEY, work, { tags: ['t'] });
  await settle();
  one.tier.isDeaf = true;

  one.tier.fate = (call) => (call === 'log' ? 'hold-answer' : 'answer');
  await other.cache.invalidate({ kind: 'tag', value: 'other' });
  void one.cache.find('app:unknown'); // Sees the new number, and reads the log.
  await settle();
  expect(one.tier.held).toBe(1);
  await other.cache.invalidate({ kind: 'tag', value: 't' });
  const late = one.cache.find(KEY.replace('find', 'gone'));
  await settle();
  one.tier.fate = () => 'answer';
  one.tier.release();
  await late;
  work.text = 'new';
  expect((await read(one.cache, KEY, work, { tags: ['t'] })).text).toBe('new');
});

it('tells others of an invalidation even where the same object is given while it is being logged', async () => {
  const { one, other } = await twoInstances();
  const work = new Work();
  const invalidation = { kind: 'tag', value: 't' } as const;

  one.tier.fate = (call) => (call === 'append' ? 'hold-answer' : 'answer');
  const first = one.cache.invalidate(invalidation);
  await settle();
  one.tier.fate = () => 'answer';
  await read(other.cache, KEY, work, { tags: ['t'] });
  const second = one.cache.invalidate(invalidation);
  one.tier.release();
  expect(await Promise.all([first, second])).toEqual([true, true]);

  work.text = 'new';
  expect((await read(other.cache, KEY, work, { tags: ['t'] })).text).toBe('new');
});

it.each([
  ['lower', 5_000],
  ['higher', 9_000_000_000],
])('hears of an invalidation in a log that begins anew at a %s number', async (_name, base) => {
  const { one, other, store } = await twoInstances();
  const work = new Work();
  await read(other.cache, KEY, work, { tags: ['t'] });
  await settle();

  store.flush();
  store.nextBase = base;
  await one.cache.invalidate({ kind: 'tag', value: 't' });
  await settle();
  work.text = 'new';
  expect((await read(other.cache, KEY, work, { tags: ['t'] })).text).toBe('new');
});

it('notices that the log lost its last entries and got as many others', async () => {
  const { one, other, store, clock } = await twoInstances();
  const work = new Work();
  await read(other.cache, KEY, work, { tags: ['t'] });
  await one.cache.invalidate({ kind: 'tag', value: 'lost' });
  await settle();

  one.tier.connect(false);
  other.tier.connect(false);
  store.rollBack(1);
  const third = join(store, clock);
  await settle();
  await third.cache.invalidate({ kind: 'tag', value: 't' }); // Under the number that the others know already.
  other.tier.connect();
  await settle();

  work.text = 'new';
  expect((await read(other.cache, KEY, work, { tags: ['t'] })).text).toBe('new');
});

it('does not serve a value of the tier that an entry invalidated which the tier then lost', async () => {
  const { one, store, clock } = await twoInstances();
  const work = new Work();
  await read(one.cache, KEY, work, { tags: ['t'] });
  await settle();
  expect(store.values.size).toBe(1);
  await one.cache.invalidate({ kind: 'tag', value: 't' });

  one.tier.connect(false);
  store.rollBack(1);
  one.tier.connect();
  await settle();
  work.text = 'new';
  expect((await read(one.cache, KEY, work, { tags: ['t'] })).text).toBe('new');

  const late = join(store, clock);
  await settle();
  work.text = 'newer';
  expect((await read(late.cache, KEY, work, { tags: ['t'] })).text).toBe('new');
});

it('takes everything for invalidated where entries are missing between those that it knows and those that are left', async () => {
  const { one, other, store } = await twoInstances();
  const work = new Work();
  await read(one.cache, KEY, work, { tags: ['t'] });
  await settle();
  one.tier.connect(false);
  for (const value of ['t', 'a', 'b']) await other.cache.invalidate({ kind: 'tag', value });
  store.log.splice(0, 1);
  one.tier.connect();
  await settle();
  work.text = 'new';
  expect((await read(one.cache, KEY, work, { tags: ['t'] })).text).toBe('new');
});

it('takes everything for invalidated where an entry is missing amid others', async () => {
  for (const hole of [1, 2]) {
    const { one, other, store } = await twoInstances();
    const work = new Work();
    await read(one.cache, KEY, work, { tags: ['t'] });
    await settle();
    one.tier.connect(false);
    for (const value of ['a', 't', 'b', 'c']) await other.cache.invalidate({ kind: 'tag', value });
    store.log.splice(hole, 1);
    one.tier.connect();
    await settle();
    work.text = 'new';
    expect((await read(one.cache, KEY, work, { tags: ['t'] })).text).toBe('new');
  }
});

it('logs what it could not log before, once the tier is there again, and says so', async () => {
  const { one, other, store } = await twoInstances();
  const work = new Work();
  await read(other.cache, KEY, work, { tags: ['t'] });
  await settle();
  one.tier.connect(false);
  expect(await one.cache.invalidate({ kind: 'tag', value: 't' })).toBe(false);
  expect(store.log).toHaveLength(0);
  one.tier.connect();
  await settle();
  expect(store.log.map(({ value }) => value)).toEqual(['t']);
  work.text = 'new';
  expect((await read(other.cache, KEY, work, { tags: ['t'] })).text).toBe('new');
});

it('invalidates everything rather than to remember more than it may', async () => {
  const { one, other, store } = await twoInstances();
  const work = new Work();
  await read(other.cache, KEY, work);
  await settle();
  one.tier.connect(false);
  for (let n = 0; n < 10_001; n++) void one.cache.invalidate({ kind: 'key', value: `app:${n}` });
  one.tier.connect();
  await settle();
  expect(store.log.map(({ kind, value }) => `${kind} ${value}`)).toEqual(['pattern *']);
  work.text = 'new';
  expect((await read(other.cache, KEY, work)).text).toBe('new');
});

it('looks at the log from time to time, since a dead connection tells nothing', async () => {
  const { one, other, clock } = await twoInstances();
  const work = new Work();
  await read(one.cache, KEY, work, { tags: ['t'] });
  one.tier.isDeaf = true;
  await other.cache.invalidate({ kind: 'tag', value: 't' });
  expect((await read(one.cache, KEY, work)).from).toBe('memory');
  clock.advance(5_000);
  await settle();
  work.text = 'new';
  expect((await read(one.cache, KEY, work, { tags: ['t'] })).text).toBe('new');
});

it('is not put in step by a try that a lost connection overtook', async () => {
  const { one, other } = await twoInstances();
  const work = new Work();
  await read(one.cache, KEY, work, { tags: ['t'] });
  await settle();
  one.tier.connect(false);
  one.tier.fate = (call) => (call === 'log' ? 'hold-answer' : 'answer');
  one.tier.connect();
  await settle();
  one.tier.release(); // The answer comes, and in the same moment the connection goes.
  one.tier.connect(false);
  await settle();
  expect(one.cache.statistics().isRedisUsable).toBe(false);
  await other.cache.invalidate({ kind: 'tag', value: 't' });
  one.tier.fate = () => 'answer';
  one.tier.connect();
  await settle();
  work.text = 'new';
  expect((await read(one.cache, KEY, work, { tags: ['t'] })).text).toBe('new');
});

it('stands aside while the log has no number, and comes back when it has one again', async () => {
  const { one, store, clock } = await twoInstances();
  const { number } = store;
  store.number = Number.NaN;
  const work = new Work();
  expect((await read(one.cache, KEY, work)).from).toBe('computed');
  expect(one.cache.statistics().isRedisUsable).toBe(false);
  expect(one.told.map(({ kind }) => kind)).toContain('degraded');
  store.number = number;
  await pass(clock, 200);
  expect(one.cache.statistics().isRedisUsable).toBe(true);
  expect(one.told.map(({ kind }) => kind)).toContain('recovered');
});
