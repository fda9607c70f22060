import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { SqliteStateStore, StateStoreError } from '../../../src/state/state.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { describeStateContract } from '../../contract/state-contract.ts';

function temporaryPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'peregrine-state-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'state.db');
}

async function openSqliteState(path: string, clock: FakeClock): Promise<SqliteStateStore> {
  const store = new SqliteStateStore({ path, timeoutMs: 10_000, clock, random: Math.random });
  onTestFinished(() => store.close());
  await store.open();
  return store;
}

describeStateContract('SQLite', async () => {
  const clock = new FakeClock();
  const path = temporaryPath();
  const [first, second] = [await openSqliteState(path, clock), await openSqliteState(path, clock)];
  return { first, second, pass: (ms) => clock.advance(ms) };
});

it('has after a restart what it had before, but what is over', async () => {
  const path = temporaryPath();
  const clock = new FakeClock();
  const before = await openSqliteState(path, clock);
  const within = [{ set: 'all', max: 5 }];
  const version = await before.put('a', 'text', { ttlMs: 100_000, within });
  await before.put('over', 'text', { ttlMs: 1_000, within });
  await before.append('log', 'entry', { ttlMs: 100_000, maxEntries: 3, maxLength: 100 });
  before.close();
  const later = new FakeClock(clock.wallNow() + 5_000);
  const after = await openSqliteState(path, later);
  expect(await after.get('a')).toEqual({ text: 'text', version });
  expect([await after.get('over'), await after.count('all')]).toEqual([undefined, 1]);
  expect(await after.append('log', 'more', { ttlMs: 100_000, maxEntries: 3, maxLength: 100 })).toBe(2);
});

it('leaves no rows behind of what nobody deleted', async () => {
  const path = temporaryPath();
  const clock = new FakeClock();
  const store = await openSqliteState(path, clock);
  for (let each = 0; each < 50; each++) {
    await store.put(`key ${each}`, 'text', { ttlMs: 1_000, within: [{ set: `set ${each % 7}`, max: 100 }] });
    await store.append(`log ${each}`, 'text', { ttlMs: 1_000, maxEntries: 3, maxLength: 100 });
  }
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const rows = (): unknown[] => {
    const db = new DatabaseSync(path, { readOnly: true });
    const counts = ['texts', 'members', 'logs', 'entries'].map(
      (table) => db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'],
    );
    db.close();
    return counts;
  };
  expect(rows()).toEqual([50, 50, 50, 50]);
  clock.advance(20_000);
  expect(rows()).toEqual([0, 0, 0, 0]);
});

it('waits for another process that writes, and fails once that takes too long', async () => {
  const path = temporaryPath();
  const clock = new FakeClock();
  const store = await openSqliteState(path, clock);
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const other = new DatabaseSync(path);
  onTestFinished(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  const waiting = store.put('a', 'text', { ttlMs: 100_000 });
  expect(waiting).toBeInstanceOf(Promise);
  other.exec('COMMIT');
  clock.advance(5);
  expect(await waiting).toEqual(expect.any(Number));
  other.exec('BEGIN IMMEDIATE');
  const failing = expect(store.append('log', 'text', { ttlMs: 1, maxEntries: 1, maxLength: 9 })).rejects.toThrow(
    StateStoreError,
  );
  for (let waited = 0; waited <= 10_000; waited += 5_000) {
    clock.advance(5_000);
    await new Promise((resolve) => void setImmediate(resolve));
  }
  await failing;
  expect((await store.get('a'))?.text).toBe('text');
});

it('says what is wrong with its file', async () => {
  const path = temporaryPath();
  writeFileSync(path, 'no database '.repeat(1_000));
  await expect(openSqliteState(path, new FakeClock())).rejects.toThrow(/SQLite failed: file is not a database/);
  await expect(openSqliteState(join(path, 'below'), new FakeClock())).rejects.toThrow(StateStoreError);
  const closed = new SqliteStateStore({ path, timeoutMs: 1, clock: new FakeClock(), random: Math.random });
  expect(() => closed.get('a')).toThrow(StateStoreError);
});
