import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MemoryStateStore, SqliteStateStore, type StateStore } from '../../../src/state/state.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { modelCalls, StateModel } from './state-model.ts';

const runs = modelCalls([10, 50, 50, 1_000, 30_000], [1, 10, 40, 60, 12_000]);

interface Opened {
  readonly store: StateStore;
  pass(ms: number): void;
  end(): unknown;
}

const KINDS: Readonly<Record<string, () => Promise<Opened>>> = {
  async memory() {
    const clock = new FakeClock();
    const store = new MemoryStateStore(clock);
    return { store, pass: (ms) => clock.advance(ms), end: () => store.close() };
  },
  async SQLite() {
    const clock = new FakeClock();
    const folder = mkdtempSync(join(tmpdir(), 'peregrine-state-'));
    const path = join(folder, 'state.db');
    const store = new SqliteStateStore({ path, timeoutMs: 1_000, clock, random: Math.random });
    await store.open();
    const end = (): void => {
      store.close();
      rmSync(folder, { recursive: true });
    };
    return { store, pass: (ms) => clock.advance(ms), end };
  },
};

it.each(Object.entries(KINDS))('state in %s does what the model does', async (_name, open) => {
  let calls = 0;
  const property = fc.asyncProperty(runs, async (run) => {
    const { store, pass, end } = await open();
    const model = new StateModel(store, pass);
    for (const one of run) await model.run(one);
    calls += run.length;
    await end();
  });
  await fc.assert(property, { numRuns: 60 });
  expect(calls).toBeGreaterThan(1_500);
});
