import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HttpPoolError } from '../../../src/pool/pool.ts';
import { FakeClock } from '../../../src/testing/testing.ts';
import { type FaultProxy, startFaultProxy } from '../../faults/tcp-proxy.ts';
import { type Answer, failureOf, Held, poolWith, startServer, type TestServer } from './support.ts';

async function startProxied(answer: Answer): Promise<{ server: TestServer; proxy: FaultProxy; url: string }> {
  const server = await startServer(answer);
  const proxy = await startFaultProxy({ targetPort: server.port });
  onTestFinished(() => proxy.close());
  return { server, proxy, url: `http://127.0.0.1:${proxy.port}` };
}

/** A server that talks as the test says: what it writes for each request of each connection; `null` resets. */
async function startScripted(script: (connection: number, request: number) => string | null): Promise<string> {
  let connections = 0;
  const server = createServer((socket) => {
    const connection = ++connections;
    let requests = 0;
    socket.on('error', () => {});
    socket.on('data', () => {
      const text = script(connection, ++requests);
      if (text === null) socket.resetAndDestroy();
      else socket.write(text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

describe('a server that refuses connections', () => {
  it('is a retryable error, and no obstacle once it is back', async () => {
    const { proxy, url } = await startProxied((_request, response) => response.end('ok'));
    const pool = poolWith({ maxSockets: 2 });
    await proxy.refuse(true);
    for (const error of await Promise.all([1, 2, 3].map(() => failureOf(pool.request(`${url}/?a=secret`))))) {
      expect(error).toMatchObject({ code: 'HTTP_CONNECT', retryable: true, cause: { code: 'ECONNREFUSED' } });
      expect(error.message).toBe(`${url}: no connection could be made`);
    }
    expect(pool.statistics()).toMatchObject({ size: 0, inUse: 0, waiting: 0, errors: 3, acquired: 0 });
    await proxy.refuse(false);
    expect((await pool.request(url)).text()).toBe('ok');
  });

  it('may be unknown', async () => {
    const lookup = (_name: string, _options: unknown, callback: (error: Error, found: string) => void): void =>
      callback(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), '');
    const error = await failureOf(poolWith({ lookup }).fetch('http://unknown.test/'));
    expect(error).toMatchObject({ code: 'HTTP_CONNECT', cause: { code: 'ENOTFOUND' } });
  });

  it('may not speak TLS', async () => {
    const server = await startServer(() => {});
    const error = await failureOf(poolWith().request(server.url.replace('http:', 'https:')));
    expect(error).toMatchObject({ code: 'HTTP_TLS', retryable: false });
  });
});

describe('connections that end', () => {
  it('while free are replaced without a trace', async () => {
    const { proxy, url } = await startProxied((_request, response) => response.end('ok'));
    const pool = poolWith();
    await pool.request(url);
    proxy.resetAll();
    expect((await pool.request(url)).text()).toBe('ok');
    expect((await pool.request(url, { method: 'POST', body: 'text' })).text()).toBe('ok');
    expect(pool.statistics().errors).toBe(0);
  });

  it('under a first request fail it, retryable where repeating changes nothing', async () => {
    const held = new Held();
    const { proxy, url } = await startProxied(held.answer);
    const pool = poolWith();
    const calls = ['GET', 'PUT', 'POST', 'PATCH'].map((method) => failureOf(pool.request(url, { method })));
    await held.arrived(4);
    proxy.resetAll();
    const errors = await Promise.all(calls);
    for (const { code } of errors) expect(code).toBe('HTTP_CONNECTION_LOST');
    expect(errors.map(({ retryable }) => retryable)).toEqual([true, true, false, false]);
    expect(pool.statistics()).toMatchObject({ size: 0, inUse: 0, waiting: 0, errors: 4 });
  });

  it.each(['GET', 'OPTIONS'])('as a kept-alive one does under %s: sent again on another', async (method) => {
    const answered: string[] = [];
    const url = await startScripted((connection, request) => {
      answered.push(`${connection}.${request}`);
      return request === 2 ? null : OK;
    });
    const pool = poolWith({ maxSockets: 1 });
    for (let index = 0; index < 3; index++) expect((await pool.request(url, { method })).status).toBe(200);
    expect(answered).toEqual(['1.1', '1.2', '2.1', '2.2', '3.1']);
    expect(pool.statistics()).toMatchObject({ errors: 0, inUse: 0, waiting: 0, acquired: 5 });
  });

  it('as a kept-alive one does under POST: a clear failure, sent once', async () => {
    const seen: string[] = [];
    const url = await startScripted((connection, request) => {
      seen.push(`${connection}.${request}`);
      return request === 2 ? null : OK;
    });
    const pool = poolWith({ maxSockets: 1 });
    await pool.request(url);
    const error = await failureOf(pool.request(url, { method: 'POST', body: 'text' }));
    expect(error).toMatchObject({ code: 'HTTP_CONNECTION_LOST', retryable: false });
    expect(seen).toEqual(['1.1', '1.2']);
    expect((await pool.request(url)).text()).toBe('ok');
  });

  it('every time end the repetition, too', async () => {
    let requests = 0;
    const url = await startScripted((connection, request) => {
      requests++;
      return connection === 1 && request === 1 ? OK : null;
    });
    const pool = poolWith({ maxSockets: 1 });
    await pool.request(url);
    expect((await failureOf(pool.request(url))).code).toBe('HTTP_CONNECTION_LOST');
    expect(requests).toBe(3);
  });

  it.each(['content-length', 'chunked'])(
    'in the middle of a body (%s) are a failure, never a short answer',
    async (kind) => {
      const { proxy, url } = await startProxied((_request, response) => {
        if (kind === 'content-length') response.setHeader('content-length', 100_000);
        response.end(Buffer.alloc(100_000));
      });
      const pool = poolWith();
      for (const bytes of [5, 100, 50_000, 100_050]) {
        proxy.cutAfter(bytes);
        expect((await failureOf(pool.request(url))).code).toBe('HTTP_CONNECTION_LOST');
        const reading = pool.fetch(url).then((response) => response.bytes());
        expect((await failureOf(reading)).code).toBe('HTTP_CONNECTION_LOST');
      }
      proxy.cutAfter(Number.POSITIVE_INFINITY);
      expect((await pool.request(url)).bytes()).toHaveLength(100_000);
      expect(pool.statistics()).toMatchObject({ inUse: 0, waiting: 0 });
    },
  );

  it('in the middle of a request are a failure', async () => {
    const { proxy, url } = await startProxied(new Held().answer);
    proxy.cutAfter(50_000, 'toServer');
    const error = await failureOf(poolWith().request(url, { method: 'POST', body: Buffer.alloc(1_000_000) }));
    expect(error).toMatchObject({ code: 'HTTP_CONNECTION_LOST', retryable: false });
  });
});

describe('a stalled network', () => {
  it('is ended by the time limit, and forgotten afterwards', async () => {
    const { proxy, url } = await startProxied((_request, response) => response.end('ok'));
    const clock = new FakeClock();
    const pool = poolWith({ clock, maxSockets: 1, timeout: 2_000 });
    await pool.request(url);
    proxy.stall();
    const calls = [failureOf(pool.request(url)), failureOf(pool.request(url))];
    await expect.poll(() => pool.statistics().inUse).toBe(1);
    clock.advance(2_000);
    for (const error of await Promise.all(calls)) expect(error.code).toBe('HTTP_TIMEOUT');
    proxy.resume();
    expect((await pool.request(url)).text()).toBe('ok');
    expect(pool.statistics()).toMatchObject({ timeouts: 2, inUse: 0, waiting: 0 });
  });

  it('that is only slow is waited for', async () => {
    const { proxy, url } = await startProxied((_request, response) => response.end('ok'));
    proxy.setLatency(30);
    const pool = poolWith();
    expect((await pool.request(url)).text()).toBe('ok');
    expect(await (await pool.fetch(url)).text()).toBe('ok');
  });
});

describe('answers that are none', () => {
  it.each([
    ['nonsense', 'not http\r\n\r\n'],
    ['a bad length', 'HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nok'],
    ['a large head', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(70_000)}\r\n\r\n`],
    ['a bad chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n'],
  ])('%s', async (_name, text) => {
    const url = await startScripted(() => text);
    const error = await failureOf(poolWith().request(url));
    expect(error).toBeInstanceOf(HttpPoolError);
    expect(error).toMatchObject({ code: 'HTTP_PROTOCOL', retryable: false });
  });

  it('a status that the web does not know', async () => {
    const url = await startScripted(() => OK.replace('200 OK', '999 No'));
    const pool = poolWith();
    expect((await failureOf(pool.fetch(url))).code).toBe('HTTP_PROTOCOL');
    expect((await pool.request(url)).status).toBe(999);
  });
});
