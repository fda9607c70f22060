import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { createClient } from 'redis';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { uniqueName } from '../services/unique-name.ts';
import { envelope } from '../unit/support/messages.ts';
import { FOLLOWS } from '../unit/support/task-instance.ts';

const PROGRAM = fileURLToPath(new URL('./task-server.ts', import.meta.url));
const SOON = { timeout: 10_000, interval: 20 };
/** Processes start, and some of them end, on a busy machine. */
const PATIENCE_MS = 60_000;

/** One process that serves; its answers are results, or the codes of errors. */
class Instance {
  readonly #child;
  readonly #url: Promise<string>;

  constructor(store: string, name: string) {
    this.#child = spawn(process.execPath, [PROGRAM, store, name], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { stdout } = this.#child;
    this.#url = once(createInterface({ input: stdout }), 'line').then(([line]) => line as string);
    onTestFinished(() => this.end('SIGKILL'));
  }

  async ask(method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> {
    const response = await fetch(await this.#url, {
      method: 'POST',
      headers: {
        ...{ 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
        ...{ 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': method },
        'Mcp-Name': String(params.name ?? params.taskId),
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method,
        params: { ...params, _meta: envelope({ capabilities: FOLLOWS }) },
      }),
    });
    const { result, error } = (await response.json()) as Record<string, Record<string, unknown>>;
    return result ?? { code: error?.code };
  }

  async begin(name: string, args: object = {}): Promise<string> {
    const { taskId } = await this.ask('tools/call', { name, arguments: args });
    return taskId as string;
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }
}

const YES = { sure: { action: 'accept', content: { confirm: true } } };

/** Where tasks are kept, and how a lease comes to its end before its time. */
interface Kind {
  readonly url: string;
  endLeases(name: string): Promise<void> | void;
}

function redis(): Kind {
  const { redisUrl: url } = inject('services');
  return {
    url,
    async endLeases(name) {
      const admin = createClient({ url });
      await admin.connect();
      for await (const keys of admin.scanIterator({ MATCH: `*${name}*lease*` }))
        if (keys.length > 0) await admin.del(keys);
      admin.destroy();
    },
  };
}

function sqlite(): Kind {
  const folder = mkdtempSync(join(tmpdir(), 'tasks-'));
  const file = join(folder, 'state.db');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return {
    url: `sqlite:${file}`,
    endLeases() {
      const database = new DatabaseSync(file);
      const { changes } = database.prepare("DELETE FROM texts WHERE key LIKE '%/lease/%'").run();
      database.close();
      expect(changes).toBe(1);
    },
  };
}

describe.each([
  ['Redis', redis],
  ['SQLite', sqlite],
])('tasks in %s', (_where, open) => {
  const startAt = (url: string, name: string, count: number) =>
    Array.from({ length: count }, () => new Instance(url, name)) as [Instance, Instance];

  it(
    'are answered for, asked and cancelled by any instance',
    async () => {
      const [one, other] = startAt(open().url, uniqueName('tasks'), 2);
      const running = await one.begin('slow_compute', { seconds: 600 });
      expect(await other.ask('tasks/get', { taskId: running })).toMatchObject({ status: 'working' });
      await other.ask('tasks/cancel', { taskId: running });
      expect(await one.ask('tasks/get', { taskId: running })).toMatchObject({ status: 'cancelled' });

      const asking = await one.begin('confirm_delete', { filename: 'a.txt' });
      const status = async () => (await other.ask('tasks/get', { taskId: asking })).status;
      await vi.waitFor(async () => expect(await status()).toBe('input_required'), SOON);
      await other.ask('tasks/update', { taskId: asking, inputResponses: YES });
      await vi.waitFor(async () => expect(await status()).toBe('completed'), SOON);
      expect(await one.ask('tasks/get', { taskId: asking })).toMatchObject({
        result: { content: [{ text: 'a.txt deleted' }] },
      });
    },
    PATIENCE_MS,
  );

  it(
    'survive a restart; those that ran then have failed, and say so',
    async () => {
      const [name, { url }] = [uniqueName('tasks'), open()];
      const [one] = startAt(url, name, 1);
      const running = await one.begin('slow_compute', { seconds: 600 });
      const asking = await one.begin('confirm_delete', { filename: 'b.txt' });
      const done = await one.begin('protocol_error_job');
      await one.end('SIGTERM');
      const [again] = startAt(url, name, 1);
      const why = 'The server stopped before the task was finished';
      expect(await again.ask('tasks/get', { taskId: running })).toMatchObject({ status: 'failed', statusMessage: why });
      expect(await again.ask('tasks/get', { taskId: done })).toMatchObject({
        status: 'failed',
        statusMessage: 'The job broke down',
      });
      await again.ask('tasks/update', { taskId: asking, inputResponses: YES });
      await vi.waitFor(
        async () => expect(await again.ask('tasks/get', { taskId: asking })).toMatchObject({ status: 'completed' }),
        SOON,
      );
    },
    PATIENCE_MS,
  );

  it(
    'of an instance that was killed fail when its lease has lapsed',
    async () => {
      const [name, kind] = [uniqueName('tasks'), open()];
      const [one, other] = startAt(kind.url, name, 2);
      const taskId = await one.begin('slow_compute', { seconds: 600 });
      await one.end('SIGKILL');
      expect(await other.ask('tasks/get', { taskId })).toMatchObject({ status: 'working' });
      await kind.endLeases(name); // As by itself half a minute later.
      expect(await other.ask('tasks/get', { taskId })).toMatchObject({
        ...{ status: 'failed', statusMessage: 'The instance that ran this task ended before it was finished' },
      });
    },
    PATIENCE_MS,
  );

  it(
    'are nobody else’s: not another server’s in the same place',
    async () => {
      const { url } = open();
      const [[one], [other]] = [startAt(url, uniqueName('tasks'), 1), startAt(url, uniqueName('tasks'), 1)];
      const taskId = await one.begin('confirm_delete', { filename: 'c.txt' });
      expect(await other.ask('tasks/get', { taskId })).toEqual({ code: -32602 });
    },
    PATIENCE_MS,
  );
});
