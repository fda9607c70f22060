import { systemClock } from '../../src/kernel/clock.ts';
import { FakeClock } from '../../src/testing/testing.ts';
import { FakeStore, FakeTier } from '../unit/cache/fake-tier.ts';
import { createInstance, settle } from '../unit/cache/instances.ts';
import { cacheContract } from './cache-contract.ts';
import { openCluster } from './redis-instances.ts';

cacheContract('a cache in memory', async () => {
  const clock = new FakeClock();
  const { cache } = createInstance({ clock });
  return { first: cache, second: cache, pass: async (ms) => clock.advance(ms) };
});

cacheContract('two caches over a fake second tier', async () => {
  const store = new FakeStore(systemClock);
  const caches = [0, 1].map(() => {
    const tier = new FakeTier(store);
    const { cache } = createInstance({ clock: systemClock, tier });
    tier.connect();
    return cache;
  });
  await settle();
  return { first: caches[0]!, second: caches[1]!, pass: async () => {} };
});

cacheContract('two caches over Redis', async () => {
  const [one, other] = await openCluster(2);
  return { first: one!.cache, second: other!.cache, pass: async () => {} };
});
