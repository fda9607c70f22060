import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../src/testing/testing.ts';
import { failureOf, Held, poolWith, startServer, turn } from './support.ts';

describe('connections', () => {
  it('are used again, by request and fetch alike', async () => {
    const server = await startServer((_request, response) => response.end('ok'));
    const pool = poolWith();
    for (let index = 0; index < 10; index++) {
      expect((await pool.request(server.url)).text()).toBe('ok');
      expect(await (await pool.fetch(server.url)).text()).toBe('ok');
    }
    expect(server.counts.requests).toBe(20);
    // A call that begins in the same turn in which another ends finds its connection not yet free.
    expect(server.counts.opened).toBeLessThanOrEqual(2);
  });

  it('are as many as maxSockets at most', async () => {
    const server = await startServer((_request, response) => setImmediate(() => response.end('ok')));
    const pool = poolWith({ maxSockets: 3 });
    await Promise.all(Array.from({ length: 60 }, () => pool.request(server.url)));
    expect(server.counts).toEqual({ opened: 3, peak: 3, requests: 60 });
    expect(pool.statistics()).toMatchObject({ size: 3, max: 3, inUse: 0, waiting: 0, acquired: 60 });
  });

  it('are counted for each origin', async () => {
    const [one, other] = [await startServer(new Held().answer), await startServer(new Held().answer)];
    const pool = poolWith({ maxSockets: 2 });
    const calls = [one, one, one, other].map(({ url }) => failureOf(pool.request(url)));
    await expect.poll(() => one.counts.requests + other.counts.requests).toBe(3);
    expect(pool.statistics()).toMatchObject({
      size: 3,
      max: 4,
      inUse: 3,
      waiting: 1,
      utilization: 1,
      origins: [
        { origin: one.url, guarded: false, inUse: 2, waiting: 1, utilization: 1 },
        { origin: other.url, guarded: false, inUse: 1, waiting: 0, utilization: 0.5 },
      ],
    });
    await pool.close();
    for (const error of await Promise.all(calls)) expect(error.code).toBe('HTTP_POOL_CLOSED');
  });

  it('beyond maxFreeSockets are closed after a burst', async () => {
    const held = new Held();
    const server = await startServer(held.answer);
    const pool = poolWith({ maxSockets: 12, maxFreeSockets: 4 });
    const calls = Array.from({ length: 12 }, () => pool.request(server.url));
    await held.arrived(12);
    expect(server.sockets.size).toBe(12);
    held.release();
    await Promise.all(calls);
    await expect.poll(() => server.sockets.size, { timeout: 5_000 }).toBe(4);
    expect(pool.statistics()).toMatchObject({ size: 4, idle: 4 });
    server.answer = (_request, response) => response.end();
    await pool.request(server.url);
    expect(server.counts.opened).toBe(12);
  });

  it('are closed once they were free for freeSocketTimeout, whatever the server announces', async () => {
    const server = await startServer((_request, response) => {
      response.setHeader('keep-alive', 'timeout=600').end();
    });
    const pool = poolWith({ freeSocketTimeout: 20 });
    await pool.request(server.url);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('are replaced once they are as old as socketLifetime', async () => {
    const server = await startServer((request, response) => response.end(request.headers.connection));
    const clock = new FakeClock();
    const pool = poolWith({ maxSockets: 1, socketLifetime: 60_000, clock });
    const seen: [text: string, opened: number][] = [];
    for (const passed of [0, 59_999, 1, 0, 60_000, 0]) {
      clock.advance(passed);
      seen.push([(await pool.request(server.url)).text(), server.counts.opened]);
    }
    expect(seen).toEqual([
      ['keep-alive', 1],
      ['keep-alive', 1],
      ['close', 1],
      ['keep-alive', 2],
      ['close', 2],
      ['keep-alive', 3],
    ]);
    expect(server.counts.peak).toBe(1);
  });

  it('are closed after each call without keepAlive', async () => {
    const server = await startServer((request, response) => response.end(request.headers.connection));
    const pool = poolWith({ keepAlive: false });
    for (let index = 0; index < 3; index++) expect((await pool.request(server.url)).text()).toBe('close');
    expect(server.counts.opened).toBe(3);
    await expect.poll(() => server.sockets.size).toBe(0);
  });

  it('of the origin unused for longest make room for those of another', async () => {
    const servers = await Promise.all([1, 2, 3].map(() => startServer((_request, response) => response.end())));
    const pool = poolWith({ maxOrigins: 2 });
    for (const { url } of servers) await pool.request(url);
    expect(pool.statistics().origins.map(({ origin }) => origin)).toEqual([servers[1]?.url, servers[2]?.url]);
    expect(pool.statistics().acquired).toBe(3);
    await expect.poll(() => servers[0]?.sockets.size).toBe(0);
  });

  it('of busy origins are left alone', async () => {
    const [busy, other] = [
      await startServer(new Held().answer),
      await startServer((_request, response) => response.end()),
    ];
    const pool = poolWith({ maxOrigins: 1 });
    const call = failureOf(pool.request(busy.url));
    await expect.poll(() => busy.counts.requests).toBe(1);
    expect(await failureOf(pool.request(other.url))).toMatchObject({ code: 'HTTP_POOL_QUEUE_FULL', retryable: true });
    await pool.close();
    await call;
  });
});

describe('the line', () => {
  it('is bounded; a full one is a clear error that a retry can help', async () => {
    const held = new Held();
    const server = await startServer(held.answer);
    const pool = poolWith({ maxSockets: 1, maxQueue: 2 });
    const calls = [1, 2, 3].map(() => pool.request(server.url));
    await held.arrived(1);
    const error = await failureOf(pool.request(`${server.url}/path?secret=1`));
    expect(error).toMatchObject({ code: 'HTTP_POOL_QUEUE_FULL', retryable: true });
    expect(error.message).toBe(`${server.url}: too many calls wait for a connection: 2 waiting`);
    server.answer = (_request, response) => response.end('ok');
    held.release();
    for (const answer of await Promise.all(calls)) expect(answer.text()).toBe('ok');
    expect(pool.statistics()).toMatchObject({ acquired: 3, errors: 1, timeouts: 0 });
  });

  it('keeps the order of calls', async () => {
    const paths: (string | undefined)[] = [];
    const server = await startServer((request, response) => {
      paths.push(request.url);
      response.end();
    });
    const pool = poolWith({ maxSockets: 1 });
    const wanted = Array.from({ length: 8 }, (_, index) => `/${index}`);
    await Promise.all(wanted.map((path) => pool.request(server.url + path)));
    expect(paths).toEqual(wanted);
  });

  it('can be left by cancellation, and nothing of the call is sent', async () => {
    const held = new Held();
    const server = await startServer(held.answer);
    const pool = poolWith({ maxSockets: 1 });
    const first = pool.request(server.url);
    await held.arrived(1);
    const controller = new AbortController();
    const second = failureOf(pool.request(server.url, { signal: controller.signal }));
    await turn();
    expect(pool.statistics().waiting).toBe(1);
    controller.abort();
    expect((await second).code).toBe('HTTP_ABORTED');
    expect(pool.statistics().waiting).toBe(0);
    held.release();
    await first;
    await turn();
    expect(server.counts.requests).toBe(1);
  });
});

describe('statistics', () => {
  it('have wait times in milliseconds', async () => {
    const server = await startServer((_request, response) => response.end());
    const pool = poolWith({ maxSockets: 1 });
    await Promise.all(Array.from({ length: 50 }, () => pool.request(server.url)));
    const { waitTime, acquired, size, idle, utilization } = pool.statistics();
    expect({ acquired, size, idle, utilization }).toEqual({ acquired: 50, size: 1, idle: 1, utilization: 0 });
    expect(waitTime.p50).toBeGreaterThan(0);
    expect(waitTime.average).toBeLessThan(5_000);
    expect(waitTime.p50).toBeLessThanOrEqual(waitTime.p95);
    expect(waitTime.p95).toBeLessThanOrEqual(waitTime.p99);
  });

  it('are zero before the first call', () => {
    expect(poolWith().statistics()).toEqual({
      size: 0,
      max: 8,
      inUse: 0,
      idle: 0,
      waiting: 0,
      utilization: 0,
      waitTime: { average: 0, p50: 0, p95: 0, p99: 0 },
      acquired: 0,
      waitedMs: 0,
      errors: 0,
      timeouts: 0,
      origins: [],
    });
  });
});
