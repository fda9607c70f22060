import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { createOptimizedServer } from '../../../src/server.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { callTool, modernFields } from '../support/http.ts';
import { codeOf, modernRequest, type Rpc, textOf } from '../support/messages.ts';
import { Peer } from '../support/peer.ts';
import { gate, IDENTITY, serverWith, settle, TestServer, text } from '../support/test-server.ts';

type Config = NonNullable<Parameters<typeof serverWith>[1]>;
const LISTENING: Config = { http: { port: 0 }, handleSignals: false, drainTimeoutMs: 1_000 };

async function call(url: string, name: string): Promise<Response> {
  const headers = { 'Content-Type': 'application/json', ...modernFields('tools/call', { name }) };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(modernRequest('tools/call', { name })) });
}

describe('setup', () => {
  it('runs once, before the first request, whoever asks first', async () => {
    const setup = vi.fn();
    class Counting extends TestServer {
      protected override async setup(): Promise<void> {
        setup();
        await settle();
        this.registerTool('t', {}, () => text('fine'));
      }
    }
    const server = createOptimizedServer(Counting, IDENTITY);
    expect(setup).not.toHaveBeenCalled();
    const [one, two, peer] = await Promise.all([
      callTool(server, 't'),
      callTool(server, 't'),
      Peer.to(server),
      server.ready(),
    ]);
    expect([textOf(one), textOf(two)]).toEqual(['fine', 'fine']);
    expect(textOf(await peer.modern('tools/call', { name: 't' }))).toBe('fine');
    expect(setup).toHaveBeenCalledTimes(1);
  });

  it.each(['throws', 'rejects'])('that %s fails start and fetch with its own error', async (how) => {
    const error = new Error('no database');
    class Failing extends TestServer {
      protected override setup(): Promise<void> {
        if (how === 'throws') throw error;
        return Promise.reject(error);
      }
    }
    const server = createOptimizedServer(Failing, { ...IDENTITY, ...LISTENING });
    await expect(server.start()).rejects.toBe(error);
    await expect(callTool(server, 't')).rejects.toBe(error);
    await expect(server.ready()).rejects.toBe(error);
    await server.stop();
  });

  it('that registers something invalid fails naming it', async () => {
    class Invalid extends TestServer {
      protected override setup(): void {
        this.registerTool('broken', { inputSchema: { type: 'strnig' } }, () => text(''));
      }
    }
    await expect(createOptimizedServer(Invalid, { ...IDENTITY, ...LISTENING }).start()).rejects.toThrow(
      'tool "broken" inputSchema',
    );
  });
});

describe('start and stop', () => {
  it('listen on a free port, answer, and close', async () => {
    const server = serverWith((each) => each.registerTool('t', {}, () => text('fine')), {
      ...LISTENING,
      http: { port: 0, path: '/a/b' },
    });
    const { url } = await server.start();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/a\/b$/);
    expect(textOf((await (await call(String(url), 't')).json()) as Rpc)).toBe('fine');
    await server.stop();
    await server.stop();
    await expect(call(String(url), 't')).rejects.toThrow();
  });

  it('finish what is in flight', async () => {
    const [begun, goOn] = [gate(), gate()];
    const server = serverWith(
      (each) =>
        each.registerTool('t', {}, async () => {
          begun.open();
          await goOn.opened;
          return text('held');
        }),
      LISTENING,
    );
    const { url } = await server.start();
    const answer = call(String(url), 't');
    await begun.opened;
    const stopped = server.stop();
    goOn.open();
    expect(textOf((await (await answer).json()) as Rpc)).toBe('held');
    await stopped;
  });

  it('cut what does not end within the time to drain', async () => {
    const begun = gate();
    const server = serverWith(
      (each) =>
        each.registerTool('t', {}, () => {
          begun.open();
          return new Promise(() => {});
        }),
      { ...LISTENING, drainTimeoutMs: 0 },
    );
    const { url } = await server.start();
    const answer = call(String(url), 't');
    answer.catch(() => {});
    await begun.opened;
    await server.stop();
    await expect(answer).rejects.toThrow();
  });

  it('go on serving, not ready, for as long as whoever sends requests may take to see that', async () => {
    const clock = new FakeClock();
    const config = { ...LISTENING, clock, drainDelayMs: 5_000, monitor: { prometheusPort: 0, dashboardPort: false } };
    const server = serverWith((each) => each.registerTool('t', {}, () => text('fine')), config as Config);
    const { url } = await server.start();
    const stopped = server.stop();
    clock.advance(4_999);
    expect(await server.monitor.health()).toMatchObject({ status: 'not-ready', reasons: ['draining'] });
    expect(textOf((await (await call(String(url), 't')).json()) as Rpc)).toBe('fine');
    clock.advance(1);
    await settle();
    const last = await call(String(url), 't').catch(() => undefined); // On the kept connection, if at all.
    expect(last?.headers.get('connection') ?? 'close').toBe('close');
    clock.advance(1_000);
    await stopped;
    await expect(call(String(url), 't')).rejects.toThrow();
  });

  it('say what keeps a server from listening', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const server = serverWith(undefined, { ...LISTENING, http: { port } });
    await expect(server.start()).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining(`${port}`),
    });
    taken.close();
    await once(taken, 'close');
    expect((await server.start()).url).toContain(`${port}`);
    await server.stop();
  });

  it('cannot happen twice, not even at once', async () => {
    const server = serverWith(undefined, LISTENING);
    const outcomes = await Promise.allSettled([server.start(), server.start()]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    await expect(server.start()).rejects.toMatchObject({ code: 'ALREADY_STARTED' });
    await server.stop();
  });

  it('stop wins: a server never listens after it', async () => {
    const before = serverWith(undefined, LISTENING);
    await before.stop();
    await expect(before.start()).rejects.toMatchObject({ code: expect.any(String) });
    const during = serverWith(undefined, LISTENING);
    const starting = during.start().then(
      ({ url }) => url,
      () => undefined,
    );
    await during.stop();
    const url = await starting;
    if (url !== undefined) {
      await settle();
      await expect(fetch(url)).rejects.toThrow();
    }
  });

  it('listen nowhere without HTTP', async () => {
    const server = serverWith(undefined, { ...LISTENING, http: false });
    expect(await server.start()).toEqual({ url: undefined });
    await server.stop();
  });

  it('leave no listener for signals behind', async () => {
    const counts = (): number[] => ['SIGTERM', 'SIGINT'].map((name) => process.listenerCount(name));
    const before = counts();
    const servers = [
      serverWith(undefined, { ...LISTENING, handleSignals: true }),
      serverWith(undefined, { ...LISTENING, handleSignals: true }),
    ];
    for (const server of servers) await server.start();
    expect(counts()).toEqual(before.map((count) => count + 1));
    for (const server of servers) await server.stop();
    expect(counts()).toEqual(before);
  });
});

describe('stdio', () => {
  /** A server on a pair of streams; it tells when it stops. */
  class Piped extends TestServer {
    readonly stopping = gate();

    protected override setup(): void {
      this.registerTool('t', {}, async ({ mcpReq }) => {
        await mcpReq.log('info', 'a\nb');
        return text('世界\n');
      });
    }

    override stop(): Promise<void> {
      this.stopping.open();
      return super.stop();
    }
  }

  function piped(config: Config = {}) {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const stdio = { input, output };
    const server = createOptimizedServer(Piped, { ...IDENTITY, ...config, stdio, handleSignals: false });
    const written: Buffer[] = [];
    output.on('data', (piece: Buffer) => written.push(piece));
    return { server, input, written: () => Buffer.concat(written).toString('utf8') };
  }

  it('carries one JSON message a line and nothing else, and the server stops at the end of input', async () => {
    const { server, input, written } = piped();
    expect(await server.start()).toEqual({ url: undefined });
    const requests = [1, 2].map((id) =>
      JSON.stringify(modernRequest('tools/call', { name: 't' }, { id, logLevel: 'debug' })),
    );
    input.write(`${requests[0]}\r\n\n`);
    input.write('no json\n');
    const bytes = Buffer.from(`${requests[1]}\n`);
    input.write(bytes.subarray(0, 30));
    input.end(bytes.subarray(30));
    await server.stopping.opened;
    await server.stop();
    const lines = written().split('\n');
    expect(lines.pop()).toBe('');
    const messages = lines.map((line) => JSON.parse(line) as Rpc);
    expect(messages.filter(({ method }) => method === 'notifications/message')).toHaveLength(2);
    expect(messages.filter(({ result }) => result !== undefined).map(({ id }) => id)).toEqual([1, 2]);
    expect(messages.filter(({ error }) => error !== undefined).map(codeOf)).toEqual([-32700]);
  });

  it('refuses a line that is too long, and goes on with the next', async () => {
    const { server, input, written } = piped({ limits: { maxBodyBytes: 512 } });
    await server.start();
    const request = (pad: string): string => JSON.stringify(modernRequest('server/discover', { pad }));
    input.write(`${request('x'.repeat(600))}\n`);
    input.end(`${request('')}\n`);
    await server.stopping.opened;
    await server.stop();
    const messages = written()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Rpc);
    expect(messages).toMatchObject([{ error: { code: -32600 } }, { id: 1, result: { resultType: 'complete' } }]);
    expect(messages[0]).not.toHaveProperty('id');
  });

  it('goes together with HTTP where both are asked for', async () => {
    const { server, input } = piped({ http: { port: 0 } });
    const { url } = await server.start();
    expect((await call(String(url), 't')).status).toBe(200);
    input.end();
    await server.stopping.opened;
    await server.stop();
    await expect(call(String(url), 't')).rejects.toThrow();
  });

  it('cannot be started twice', async () => {
    const { server, input } = piped();
    await server.start();
    await expect(server.start()).rejects.toMatchObject({ code: 'ALREADY_STARTED' });
    input.end();
    await server.stop();
  });
});
