import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Circuit } from '../../../src/breaker/breaker.ts';
import { HttpPool, type HttpPoolOptions } from '../../../src/pool/pool.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { startServer } from './support.ts';

/** A pool whose origins have circuits that two failures in a row open for a second. */
function guarded(options: HttpPoolOptions = {}) {
  const clock = new FakeClock();
  const circuits: Circuit[] = [];
  const dropped: unknown[] = [];
  const gates = {
    open: (name: string) => {
      circuits.push(new Circuit({ name, threshold: 2, timeout: 0, resetTimeout: 1_000, clock }));
      return circuits.at(-1) as Circuit;
    },
    dropped: (gate: unknown) => void dropped.push(gate),
  };
  const pool = new HttpPool({ closeTimeout: 0, guardAllow: ['127.0.0.1'], ...options }, 'http', gates);
  onTestFinished(() => pool.close());
  return { pool, clock, circuits, dropped };
}

const codeOf = (work: Promise<{ readonly status: number }>): Promise<unknown> =>
  work.then(
    ({ status }) => status,
    (error) => error.code,
  );

/** Accepts connections and cuts them. */
async function startCutter(): Promise<string> {
  const server = createServer((socket) => void socket.on('error', () => {}).destroy());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

describe('an origin behind a gate', () => {
  it.each([
    [502, 'open'],
    [503, 'open'],
    [504, 'open'],
    [500, 'closed'],
    [429, 'closed'],
    [404, 'closed'],
    [200, 'closed'],
  ])('answers with %i as it does without, and its circuit is %s', async (status, state) => {
    const { pool, circuits } = guarded();
    const server = await startServer((_request, response) => void response.writeHead(status).end('body'));
    const response = await pool.fetch(server.url);
    expect([response.status, await response.text()]).toEqual([status, 'body']);
    expect(await codeOf(pool.request(server.url))).toBe(status);
    expect(circuits.map((circuit) => circuit.state)).toEqual([state]);
  });

  it('is not called while its circuit is open, then once, and works again', async () => {
    const { pool, clock, circuits } = guarded();
    const server = await startServer((_request, response) => void response.writeHead(503).end());
    for (let count = 0; count < 2; count++) expect(await codeOf(pool.fetch(server.url))).toBe(503);
    expect(await codeOf(pool.fetch(server.url))).toBe('CIRCUIT_OPEN');
    expect(await codeOf(pool.request(server.url))).toBe('CIRCUIT_OPEN');
    expect(server.counts.requests).toBe(2);
    expect(circuits[0]?.name).toBe(server.url);
    clock.advance(1_000);
    server.answer = (_request, response) => void response.end('fine');
    expect(await Promise.all([codeOf(pool.request(server.url)), codeOf(pool.request(server.url))])).toEqual([
      200,
      'CIRCUIT_OPEN',
    ]);
    expect(await codeOf(pool.fetch(server.url))).toBe(200);
    expect(pool.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
  });

  it('fails by connections that cannot be made or are cut, not by what the caller or the pool refuses', async () => {
    const { pool, circuits } = guarded({ maxResponseBytes: 3 });
    const url = await startCutter();
    for (let count = 0; count < 2; count++)
      expect(await codeOf(pool.request(url, { method: 'POST' }))).toBe('HTTP_CONNECTION_LOST');
    expect(await codeOf(pool.request(url))).toBe('CIRCUIT_OPEN');
    const server = await startServer((_request, response) => void response.end('too much'));
    for (let count = 0; count < 3; count++)
      expect(await codeOf(pool.request(server.url))).toBe('HTTP_RESPONSE_TOO_LARGE');
    expect(circuits.at(-1)?.statistics()).toMatchObject({ state: 'closed', successes: 3 });
    const closed = guarded();
    for (let count = 0; count < 3; count++)
      expect(await codeOf(closed.pool.guarded.request('http://10.0.0.1/'))).toBe('ADDRESS_REFUSED');
    expect(closed.circuits).toEqual([]);
  });

  it('learns nothing from a cancelled call', async () => {
    const { pool, circuits } = guarded();
    let arrived = (): void => {};
    const server = await startServer(() => arrived());
    for (let count = 0; count < 3; count++) {
      const ending = new AbortController();
      const there = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      const call = codeOf(pool.fetch(server.url, { signal: ending.signal }));
      await there;
      ending.abort();
      expect(await call).toBe('HTTP_ABORTED');
    }
    expect(circuits[0]?.statistics()).toMatchObject({ state: 'closed', failures: 0, cancelled: 3 });
  });

  it('has a circuit of its own for guarded calls, and makes room for others', async () => {
    const { pool, circuits, dropped } = guarded({ maxOrigins: 1 });
    const servers = await Promise.all([1, 2].map(() => startServer((_request, response) => void response.end())));
    for (const { url } of servers) await pool.request(url);
    await pool.guarded.request(servers[0]?.url ?? '');
    expect(circuits.map(({ name }) => name)).toEqual([servers[0]?.url, servers[1]?.url, servers[0]?.url]);
    expect(dropped).toEqual([circuits[0]]);
  });
});
