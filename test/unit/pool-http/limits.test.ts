import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/testing/testing.ts';
import { failureOf, Held, poolWith, startServer, turn } from './support.ts';

describe('the time limit', () => {
  it('ends a call without an answer and closes its connection', async () => {
    const held = new Held();
    const server = await startServer(held.answer);
    const clock = new FakeClock();
    const pool = poolWith({ clock, timeout: 30_000 });
    const call = failureOf(pool.request(`${server.url}/a?token=secret`));
    await held.arrived(1);
    clock.advance(29_999);
    expect(pool.statistics().inUse).toBe(1);
    clock.advance(1);
    const error = await call;
    expect(error).toMatchObject({ code: 'HTTP_TIMEOUT', retryable: true, origin: server.url });
    expect(error.message).toBe(`${server.url}: no answer in time: after 30000 ms`);
    await expect.poll(() => server.sockets.size).toBe(0);
    expect(pool.statistics()).toMatchObject({ inUse: 0, waiting: 0, errors: 1, timeouts: 1 });
    expect(clock.timers).toBe(0);
  });

  it('runs while a call waits in line', async () => {
    const held = new Held();
    const server = await startServer(held.answer);
    const clock = new FakeClock();
    const pool = poolWith({ clock, maxSockets: 1, timeout: 5_000 });
    const first = pool.request(server.url, { timeout: 10_000 });
    const second = failureOf(pool.request(server.url));
    await held.arrived(1);
    clock.advance(5_000);
    expect((await second).code).toBe('HTTP_TIMEOUT');
    held.release();
    expect((await first).text()).toBe('ok');
    expect(server.counts.requests).toBe(1);
  });

  it('starts anew with each part of the body', async () => {
    const server = await startServer((_request, response) => response.write('a'));
    const clock = new FakeClock();
    const pool = poolWith({ clock, timeout: 1_000 });
    let write = (_text: string): void => {};
    server.answer = (_request, response) => {
      write = (text) => response.write(text);
      write('a');
    };
    const response = await pool.fetch(server.url);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    for (let index = 0; index < 3; index++) {
      clock.advance(900);
      write('b');
      expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('b');
    }
    const rest = failureOf(reader.read());
    clock.advance(1_000);
    expect((await rest).code).toBe('HTTP_TIMEOUT');
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('ends a call whose body nobody reads', async () => {
    const server = await startServer((_request, response) => response.end(Buffer.alloc(5_000_000)));
    const clock = new FakeClock();
    const pool = poolWith({ clock, timeout: 1_000 });
    const response = await pool.fetch(server.url);
    expect(pool.statistics().inUse).toBe(1);
    await expect
      .poll(() => {
        clock.advance(1_000);
        return pool.statistics().inUse;
      })
      .toBe(0);
    expect((await failureOf(response.text())).code).toBe('HTTP_TIMEOUT');
  });

  it('of connecting is one of its own', async () => {
    const pool = poolWith({ connectTimeout: 20, lookup: () => {} });
    const error = await failureOf(pool.request('http://never.test/'));
    expect(error).toMatchObject({ code: 'HTTP_CONNECT', retryable: true });
    expect(pool.statistics()).toMatchObject({ size: 0, inUse: 0, waiting: 0, errors: 1 });
  });
});

describe('cancellation', () => {
  it('before the call connects to nothing', async () => {
    const server = await startServer((_request, response) => response.end());
    const pool = poolWith();
    const reason = new Error('enough');
    const error = await failureOf(pool.fetch(server.url, { signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: 'HTTP_ABORTED', name: 'AbortError', cause: reason, retryable: false });
    expect(server.counts.opened).toBe(0);
  });

  it.each(['request', 'fetch'] as const)('of a %s under way frees its place and closes its connection', async (way) => {
    const held = new Held();
    const server = await startServer(held.answer);
    const pool = poolWith({ maxSockets: 1 });
    const controller = new AbortController();
    const call = failureOf(pool[way](server.url, { signal: controller.signal }));
    await held.arrived(1);
    controller.abort();
    expect((await call).code).toBe('HTTP_ABORTED');
    server.answer = (_request, response) => response.end('next');
    expect((await pool.request(server.url)).text()).toBe('next');
    await expect.poll(() => server.sockets.size).toBe(1);
    expect(pool.statistics()).toMatchObject({ inUse: 0, waiting: 0, errors: 0 });
  });

  it('while the connection is made settles at once, and the place is free once connecting ended', async () => {
    const lookups: (() => void)[] = [];
    const server = await startServer((_request, response) => response.end('ok'));
    const pool = poolWith({
      maxSockets: 1,
      lookup: (_hostname, options, callback) => {
        const [address, family] = ['127.0.0.1', 4];
        lookups.push(() => (options.all ? callback(null, [{ address, family }]) : callback(null, address, family)));
      },
    });
    const controller = new AbortController();
    const url = `http://slow.test:${server.port}/`;
    const call = failureOf(pool.request(url, { signal: controller.signal }));
    await expect.poll(() => lookups.length).toBe(1);
    controller.abort();
    expect((await call).code).toBe('HTTP_ABORTED');
    const next = pool.request(url);
    await turn();
    expect(pool.statistics().waiting).toBe(2);
    lookups[0]?.();
    await expect.poll(() => lookups.length).toBe(2);
    lookups[1]?.();
    expect((await next).text()).toBe('ok');
    expect(server.counts.requests).toBe(1);
  });

  it('of a body that is read ends the connection', async () => {
    const server = await startServer((_request, response) => response.write('begin'));
    const pool = poolWith();
    const controller = new AbortController();
    const response = await pool.fetch(server.url, { signal: controller.signal });
    const text = failureOf(response.text());
    controller.abort();
    expect((await text).code).toBe('HTTP_ABORTED');
    const other = await pool.fetch(server.url);
    await other.body?.cancel();
    await expect.poll(() => server.sockets.size).toBe(0);
    expect(pool.statistics().inUse).toBe(0);
  });
});

describe('the size limit', () => {
  it.each(['request', 'fetch'] as const)('refuses an announced body by %s before it is read', async (way) => {
    const server = await startServer((_request, response) => response.end(Buffer.alloc(2_001)));
    const pool = poolWith({ maxResponseBytes: 2_000 });
    const error = await failureOf(pool[way](server.url));
    expect(error).toMatchObject({ code: 'HTTP_RESPONSE_TOO_LARGE', retryable: false });
    expect(error.message).toBe(`${server.url}: the answer is larger than allowed: more than 2000 bytes`);
    await expect.poll(() => server.sockets.size).toBe(0);
    expect(pool.statistics()).toMatchObject({ inUse: 0, errors: 1 });
    server.answer = (_request, response) => response.end(Buffer.alloc(2_000));
    expect((await pool.request(server.url)).bytes()).toHaveLength(2_000);
  });

  it('holds for chunked bodies', async () => {
    const server = await startServer((_request, response) => {
      for (let index = 0; index < 21; index++) response.write(Buffer.alloc(100));
      response.end();
    });
    const pool = poolWith({ maxResponseBytes: 2_000 });
    expect((await failureOf(pool.request(server.url))).code).toBe('HTTP_RESPONSE_TOO_LARGE');
    const reading = pool.fetch(server.url).then((response) => response.text());
    expect((await failureOf(reading)).code).toBe('HTTP_RESPONSE_TOO_LARGE');
    expect((await pool.request(server.url, { maxResponseBytes: 2_100 })).bytes()).toHaveLength(2_100);
    expect(pool.statistics().inUse).toBe(0);
  });

  it('does not hold for what HEAD only announces', async () => {
    const server = await startServer((_request, response) => response.setHeader('content-length', 1e9).end());
    const pool = poolWith();
    expect((await pool.request(server.url, { method: 'HEAD' })).headers['content-length']).toBe('1000000000');
    expect((await pool.fetch(server.url, { method: 'HEAD' })).headers.get('content-length')).toBe('1000000000');
  });
});

describe('close', () => {
  it('waits for what is under way and in line, and refuses more', async () => {
    const held = new Held();
    const server = await startServer(held.answer);
    const pool = poolWith({ maxSockets: 1, closeTimeout: 30_000, clock: new FakeClock() });
    const calls = [pool.request(server.url), pool.request(server.url)];
    await held.arrived(1);
    const closed = pool.close();
    expect(await failureOf(pool.request(server.url))).toMatchObject({ code: 'HTTP_POOL_CLOSED', retryable: false });
    server.answer = (_request, response) => response.end('ok');
    held.release();
    for (const answer of await Promise.all(calls)) expect(answer.text()).toBe('ok');
    await closed;
    await expect.poll(() => server.sockets.size).toBe(0);
    await pool.close();
  });

  it('is bounded', async () => {
    const held = new Held();
    const server = await startServer(held.answer);
    const clock = new FakeClock();
    const pool = poolWith({ maxSockets: 1, closeTimeout: 5_000, clock });
    const calls = [failureOf(pool.request(server.url)), failureOf(pool.request(server.url))];
    await held.arrived(1);
    const closed = pool.close();
    clock.advance(5_000);
    await closed;
    for (const error of await Promise.all(calls)) expect(error.code).toBe('HTTP_POOL_CLOSED');
    await expect.poll(() => server.sockets.size).toBe(0);
    expect(clock.timers).toBe(0);
  });
});
