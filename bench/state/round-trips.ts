/** What one call of each store of state takes, one after the other, and many at a time: `node bench/state/round-trips.ts`. */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../src/kernel/clock.ts';
import {
  answerStateCall,
  MemoryStateStore,
  RedisStateStore,
  SqliteStateStore,
  type StateCall,
  type StateStore,
  SupervisorStateStore,
} from '../../src/state/state.ts';
import { startRedis } from '../../test/services/redis.ts';

const TEXT = JSON.stringify({ text: 'x'.repeat(1_000) });
const LONG = { ttlMs: 600_000 };
const LIMITS = { ...LONG, maxEntries: 1_000, maxLength: 1_000_000 };
const ROUNDS = 5;
const CALLS = 1_000;
const AT_ONCE = 64;

/** Microseconds of one call, in the best of the rounds. */
async function measure(call: (index: number) => unknown, atOnce: number): Promise<string> {
  const turn = async (calls: number): Promise<void> => {
    let index = 0;
    const work = async (): Promise<void> => {
      while (index < calls) await call(index++);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  };
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    await turn(CALLS);
    best = Math.min(best, ((performance.now() - startedAt) / CALLS) * 1_000);
  }
  return best.toFixed(1).padStart(9);
}

async function report(store: StateStore): Promise<void> {
  await store.open();
  const within = [{ set: 'all', max: 1_000_000 }];
  const calls: Readonly<Record<string, (index: number) => unknown>> = {
    put: (index) => store.put(`key ${index}`, TEXT, { ...LONG, within }),
    get: (index) => store.get(`key ${index}`),
    touch: (index) => store.touch(`key ${index}`, 600_000),
    append: (index) => store.append(`log ${index % 100}`, TEXT, LIMITS),
  };
  for (const [name, call] of Object.entries(calls))
    console.log(store.kind.padEnd(11), name.padEnd(7), await measure(call, 1), await measure(call, AT_ONCE));
  await store.close();
}

/** The supervisor's side: this program in another process. */
async function overProcess(): Promise<{ readonly store: StateStore; readonly end: () => void }> {
  const child = fork(fileURLToPath(import.meta.url), ['keeper']);
  const waiting = new Map<number, (result: unknown) => void>();
  let lastId = 0;
  child.on('message', ({ id, result }: { id: number; result: unknown }) => {
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  const ask = (call: StateCall): Promise<unknown> =>
    new Promise((resolve) => {
      waiting.set(++lastId, resolve);
      child.send({ id: lastId, call });
    });
  return { store: new SupervisorStateStore(ask), end: () => child.disconnect() };
}

async function main(): Promise<void> {
  const shared = { timeoutMs: 10_000, clock: systemClock, random: Math.random };
  const folder = mkdtempSync(join(tmpdir(), 'peregrine-state-'));
  const redis = await startRedis();
  const keeper = await overProcess();
  console.log(`µs a call    of 1 KB   1 at a time  ${AT_ONCE} at a time`);
  await report(new MemoryStateStore(systemClock));
  await report(keeper.store);
  await report(new SqliteStateStore({ ...shared, path: join(folder, 'state.db') }));
  await report(new RedisStateStore({ ...shared, url: redis.url, prefix: 'bench' }));
  keeper.end();
  await redis.stop();
  rmSync(folder, { recursive: true });
}

if (process.argv[2] === 'keeper') {
  const store = new MemoryStateStore(systemClock);
  process.on('message', ({ id, call }: { id: number; call: StateCall }) =>
    process.send?.({ id, ...answerStateCall(store, call) }),
  );
} else await main();
