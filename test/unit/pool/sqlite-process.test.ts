import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';

const POOL = new URL('../../../src/pool/pool.ts', import.meta.url).href;

it('a process that has nothing to do but to wait for the lock of another one stays alive', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'peregrine-lock-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'shop.db');
  const db = new DatabaseSync(file);
  onTestFinished(() => db.close());
  db.exec('PRAGMA journal_mode = WAL; CREATE TABLE product (id INTEGER); BEGIN IMMEDIATE');
  const script = `
    import { ConnectionPoolManager } from '${POOL}';
    const manager = new ConnectionPoolManager({ database: { url: 'sqlite:${file}', busyTimeoutMs: 60_000 } });
    const writing = manager.database().execute('INSERT INTO product VALUES (1)');
    process.stderr.write('waiting');
    await writing;
    await manager.close();
    console.log('written');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'pipe' });
  const written = text(child.stdout);
  const ended = once(child, 'close');
  await once(child.stderr, 'data');
  db.exec('COMMIT');
  expect((await ended)[0]).toBe(0);
  expect(await written).toBe('written\n');
});
