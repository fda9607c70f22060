import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { OptimizerReport } from '../../src/index.ts';

const HEAP_MB = 64;
const VERSION = '2026-07-28';
const started: ChildProcess[] = [];

/** A server of its own process, whose heap is small. */
class Subject {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown[]>;
  stderr = '';
  #url = '';

  constructor(guard: 'guarded' | 'unguarded') {
    this.child = fork(fileURLToPath(new URL('./memory-server.ts', import.meta.url)), [guard], {
      execArgv: [`--max-old-space-size=${HEAP_MB}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    started.push(this.child);
    this.ended = once(this.child, 'exit');
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
  }

  async start(): Promise<void> {
    [this.#url] = (await once(this.child, 'message')) as [string];
  }

  async tell(message: 'free' | 'report'): Promise<OptimizerReport> {
    this.child.send(message);
    return ((await once(this.child, 'message')) as [OptimizerReport])[0];
  }

  async post(method: string, name?: string): Promise<{ status: number; retryAfter: string | null; text: string }> {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': VERSION,
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': VERSION,
        'mcp-method': method,
        ...(name === undefined ? {} : { 'mcp-name': name }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...(name && { name, arguments: {} }), _meta } }),
    });
    return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() };
  }

  hold() {
    return this.post('tools/call', 'hold');
  }

  /** Holds more, and waits until the guard has seen it. @returns The first answer that is a refusal. */
  async fill() {
    for (let calls = 0; calls < 500; calls++) {
      const answer = await this.hold();
      if (answer.status !== 200) return answer;
      const { memory } = await this.tell('report');
      let { samples = 0 } = memory ?? {};
      for (const seen = samples + 2; samples < seen; ) samples = (await this.tell('report')).memory?.samples ?? seen;
    }
    throw new Error('nothing was refused');
  }
}

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

describe(`a server with a heap of ${HEAP_MB} MB that is asked for more`, () => {
  it('lives on with a memory guard, and serves again when it has memory', async () => {
    const subject = new Subject('guarded');
    await subject.start();
    const refused = await subject.fill();
    expect(refused).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
    expect(JSON.parse(refused.text).error).toMatchObject({ code: -32_010, message: expect.stringContaining('memory') });
    for (let call = 0; call < 300; call++) expect((await subject.hold()).status).toBe(503);
    expect((await subject.post('server/discover')).status).toBe(200);
    const { memory, tunables } = await subject.tell('report');
    expect(memory).toMatchObject({ state: 'shedding' }); // Garbage may have shut the door once before.
    expect(memory?.shed).toBeGreaterThan(0);
    expect(tunables['cache.entries']?.value).toBeLessThanOrEqual(1_000);
    expect(tunables['cache.entries']?.decisions[0]).toMatchObject({
      from: 10_000,
      to: 1_000,
      reason: 'memory is short',
    });

    await subject.tell('free');
    for (let state = 'shedding'; state === 'shedding'; )
      state = (await subject.tell('report')).memory?.state ?? 'nothing';
    expect((await subject.hold()).status).toBe(200);
    expect(subject.child.exitCode).toBeNull();
  });

  it('dies without one', async () => {
    const subject = new Subject('unguarded');
    await subject.start();
    const answers: number[] = [];
    await expect(
      (async () => {
        for (let call = 0; call < 500; call++) answers.push((await subject.hold()).status);
      })(),
    ).rejects.toThrow();
    const [code, signal] = await subject.ended;
    expect([code === 134 || signal === 'SIGABRT', subject.stderr]).toEqual([
      true,
      expect.stringContaining('heap out of memory'),
    ]);
    expect(new Set(answers)).toEqual(new Set([200]));
  });
});
