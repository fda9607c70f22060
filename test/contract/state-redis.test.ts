import fc from 'fast-check';
import { createClient } from 'redis';
import { expect, inject, it, onTestFinished, vi } from 'vitest';
import { StateStoreError } from '../../src/state/state.ts';
import { uniqueName } from '../services/unique-name.ts';
import { modelCalls, StateModel } from '../unit/state/state-model.ts';
import { openRedisState } from './redis-state.ts';
import { describeStateContract } from './state-contract.ts';

describeStateContract('Redis', async () => {
  const prefix = uniqueName('state');
  const [first, second] = await Promise.all([openRedisState({ prefix }), openRedisState({ prefix })]);
  return { first, second, pass: () => {} };
});

it('does what the model does while no time passes', async () => {
  let calls = 0;
  const property = fc.asyncProperty(modelCalls([600_000], []), async (run) => {
    const store = await openRedisState();
    const model = new StateModel(store, () => {});
    for (const one of run) await model.run(one);
    calls += run.length;
    store.close();
  });
  await fc.assert(property, { numRuns: 30 });
  expect(calls).toBeGreaterThan(700);
});

/** Another client of the same Redis. */
async function openClient() {
  const client = await createClient({ url: inject('services').redisUrl }).connect();
  onTestFinished(() => client.destroy());
  return client;
}

it('leaves nothing behind when nobody is there any more', async () => {
  const prefix = uniqueName('state');
  const store = await openRedisState({ prefix });
  const client = await openClient();
  const keys = () => client.keys(`*${prefix}*`);
  for (let each = 0; each < 20; each++) {
    await store.put(`key ${each}`, 'text', { ttlMs: 60_000, within: [{ set: `set ${each % 3}`, max: 100 }] });
    await store.append(`log ${each}`, 'text', { ttlMs: 60_000, maxEntries: 3, maxLength: 100 });
  }
  expect(await keys()).toHaveLength(43);
  for (const key of await keys()) expect(key.startsWith(`{${prefix}}:`)).toBe(true);
  const lasting = await Promise.all((await keys()).map((key) => client.pTTL(key)));
  for (const ttl of lasting) expect(ttl).toBeGreaterThan(0);
  for (let each = 0; each < 20; each++) {
    await store.touch(`key ${each}`, 30);
    await store.append(`log ${each}`, 'text', { ttlMs: 30, maxEntries: 3, maxLength: 100 });
  }
  // Sets last as long as their members were to; they are empty before.
  await vi.waitFor(async () => expect(await keys()).toHaveLength(3), { timeout: 20_000 });
  for (const set of [0, 1, 2]) expect(await store.count(`set ${set}`)).toBe(0);
  expect(await keys()).toEqual([]);
});

it('fails, and goes on, where something else stands under its keys', async () => {
  const prefix = uniqueName('state');
  const store = await openRedisState({ prefix });
  const client = await openClient();
  await client.set(`{${prefix}}:text:a`, 'x');
  await client.set(`{${prefix}}:set:a`, 'x');
  await client.set(`{${prefix}}:log:a`, 'x');
  const within = [{ set: 'a', max: 5 }];
  const limits = { ttlMs: 1_000, maxEntries: 3, maxLength: 100 };
  for (const work of [
    () => store.get('a'),
    () => store.put('a', 'text', { ttlMs: 1_000 }),
    () => store.touch('a', 1_000),
    () => store.delete('a'),
    () => store.put('b', 'text', { ttlMs: 1_000, within }),
    () => store.count('a'),
    () => store.append('a', 'text', limits),
    () => store.read('a', 0),
  ]) {
    const error = await Promise.resolve(work()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StateStoreError);
    expect(String(error)).toMatch(/WRONGTYPE/);
  }
  expect(await store.get('b')).toBeUndefined();
  expect(await store.put('c', 'text', { ttlMs: 1_000 })).toEqual(expect.any(Number));
});
