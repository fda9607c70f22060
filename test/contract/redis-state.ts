import { inject, onTestFinished } from 'vitest';
import { systemClock } from '../../src/kernel/clock.ts';
import { type RedisStateOptions, RedisStateStore } from '../../src/state/state.ts';
import { uniqueName } from '../services/unique-name.ts';

/** A store in a real Redis, open, closed at the end of the test. */
export async function openRedisState(given: Partial<RedisStateOptions> = {}): Promise<RedisStateStore> {
  const store = new RedisStateStore({
    url: given.url ?? inject('services').redisUrl,
    prefix: uniqueName('state'),
    timeoutMs: 10_000, // A busy machine that runs tests is slower than one that serves.
    clock: systemClock,
    random: Math.random,
    ...given,
  });
  onTestFinished(() => store.close());
  await store.open();
  return store;
}
