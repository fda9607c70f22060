import { describe, expect, it, onTestFinished } from 'vitest';
import { FakeClock } from '../../src/testing/testing.ts';
import { type FaultProxy, startFaultProxy } from '../faults/tcp-proxy.ts';
import { selfSigned } from '../transport/self-signed.ts';
import { openUpstream, TestCall, until } from './calls.ts';
import { ok, type RawServer, startRawServer } from './raw-server.ts';

const CHUNKED = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';

async function behindProxy(server: RawServer): Promise<FaultProxy> {
  const proxy = await startFaultProxy({ targetPort: server.port });
  onTestFinished(() => proxy.close());
  return proxy;
}

const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

describe('a connection that breaks', () => {
  it('before it was made: the call was never sent', async () => {
    const server = await startRawServer();
    const proxy = await behindProxy(server);
    await proxy.refuse(true);
    const upstream = openUpstream({ url: `http://127.0.0.1:${proxy.port}`, maxConnections: 2 });
    const calls = [1, 2, 3, 4].map(() => new TestCall(upstream));
    for (const { settled } of calls)
      expect((await settled).error).toMatchObject({ code: 'UPSTREAM_CONNECT_FAILED', neverSent: true });
    await proxy.refuse(false);
    const call = new TestCall(upstream);
    (await server.request(0)).socket.write(ok('x'));
    expect(await call.settled).toMatchObject({ body: 'x' });
  });

  it.each([
    ['before the answer', ''],
    ['within the head', 'HTTP/1.1 200 OK\r\nX: '],
    ['within a body', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal'],
    ['within a chunk', `${CHUNKED}a\r\nhal`],
    ['between chunks', `${CHUNKED}${chunk('hal')}`],
    ['within a body that ends with the connection', 'HTTP/1.1 200 OK\r\n\r\nhal'],
  ])('by a reset %s: the call may have been executed', async (_title, bytes) => {
    const server = await startRawServer();
    const proxy = await behindProxy(server);
    const upstream = openUpstream({ url: `http://127.0.0.1:${proxy.port}` });
    const call = new TestCall(upstream);
    const { socket } = await server.request(0);
    if (bytes !== '') socket.write(bytes);
    if (bytes.endsWith('hal')) await call.bytes(3);
    proxy.resetAll();
    expect((await call.settled).error).toMatchObject({ code: 'UPSTREAM_CONNECTION_LOST', neverSent: false });
    expect(upstream.getStatistics()).toMatchObject({ open: 0, inUse: 0, lost: 1 });
  });

  it('by an end within a body of a length', async () => {
    const server = await startRawServer(({ socket }) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal'));
    const call = new TestCall(openUpstream({ url: server.url }));
    expect(await call.settled).toMatchObject({ body: 'hal', error: { code: 'UPSTREAM_CONNECTION_LOST' } });
  });

  it('by an answer that is none, and is not used again', async () => {
    const server = await startRawServer(({ socket }) => socket.write('SSH-2.0-OpenSSH\r\n\r\n'));
    const upstream = openUpstream({ url: server.url });
    const { error } = await new TestCall(upstream).settled;
    expect(error).toMatchObject({
      code: 'UPSTREAM_BAD_ANSWER',
      neverSent: false,
      message: expect.stringMatching(/no status line$/),
    });
    expect(upstream.getStatistics()).toMatchObject({ open: 0, lost: 1 });
  });

  it('while it is made takes too long', async () => {
    const server = await startRawServer(() => {}, selfSigned());
    const proxy = await behindProxy(server);
    proxy.stall();
    const clock = new FakeClock();
    const upstream = openUpstream({ url: `https://127.0.0.1:${proxy.port}`, connectTimeoutMs: 2_000, clock });
    const call = new TestCall(upstream);
    clock.advance(4_000);
    expect((await call.settled).error).toMatchObject({ code: 'UPSTREAM_CONNECT_FAILED', neverSent: true });
  });
});

describe('an answer in pieces', () => {
  it('is read through a slow and slicing network', async () => {
    const body = 'x'.repeat(3_000);
    const server = await startRawServer(({ socket }) => socket.write(ok(body)));
    const proxy = await behindProxy(server);
    proxy.setLatency(5);
    proxy.throttle(100_000);
    const upstream = openUpstream({ url: `http://127.0.0.1:${proxy.port}` });
    expect(await new TestCall(upstream).settled).toMatchObject({ body });
  });

  it('is passed on piece by piece, as events come', async () => {
    const server = await startRawServer();
    const call = new TestCall(openUpstream({ url: server.url }));
    const { socket } = await server.request(0);
    socket.write(CHUNKED);
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: é\n\n']) {
      const before = call.text.length;
      socket.write(chunk(event));
      await call.bytes(before + event.length);
      expect(call.isSettled).toBe(false);
    }
    socket.write('0\r\n\r\n');
    expect(await call.settled).toMatchObject({ body: 'data: 1\n\ndata: 2\n\ndata: é\n\n' });
  });

  it('comes after interim ones', async () => {
    const server = await startRawServer(({ socket }) => {
      socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok('x')}`);
    });
    const upstream = openUpstream({ url: server.url });
    expect(await new TestCall(upstream).settled).toMatchObject({ status: 200, body: 'x' });
    expect(upstream.getStatistics().open).toBe(1);
  });

  it('may end with the connection', async () => {
    const server = await startRawServer(({ socket }) => socket.end('HTTP/1.0 200 OK\r\n\r\nhello'));
    const upstream = openUpstream({ url: server.url });
    expect(await new TestCall(upstream).settled).toMatchObject({ body: 'hello', error: undefined });
    expect(upstream.getStatistics()).toMatchObject({ open: 0, lost: 0 });
  });
});

describe.each([
  { title: 'TCP', tls: false },
  { title: 'TLS', tls: true },
])('a receiver that pauses, over $title', ({ tls }) => {
  const MUCH = 64 * 1_048_576;
  /** What the kernel may hold on both sides, and what is on the way through Node.js. */
  const MOST_AHEAD = 24 * 1_048_576;

  it('makes the server wait, and gets everything in the end', async () => {
    const certificate = tls ? selfSigned() : undefined;
    const server = await startRawServer(() => {}, certificate);
    const upstream = openUpstream({
      url: server.url,
      host: 'localhost',
      ...(certificate === undefined ? {} : { tls: { ca: certificate.cert } }),
    });
    const call = new TestCall(upstream);
    let got = 0;
    let paused = 0;
    call.data = (piece) => {
      if (got === 0) call.pause();
      got += piece.length;
    };
    const { socket } = await server.request(0);
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${MUCH}\r\n\r\n`);
    let written = 0;
    const part = Buffer.alloc(65_536, 'x');
    const pump = (): void => {
      while (written < MUCH) {
        written += part.length;
        if (!socket.write(part)) return void socket.once('drain', pump);
      }
    };
    pump();
    await until(() => got > 0);
    // Nothing moves any more once all buffers on the way are full.
    for (let still = 0, seen = written; still < 200; still = written === seen ? still + 1 : 0) {
      seen = written;
      await new Promise((resolve) => setImmediate(resolve));
    }
    paused = got;
    expect(paused).toBeLessThanOrEqual(65_536);
    expect(written).toBeLessThan(MOST_AHEAD);
    call.resume();
    expect((await call.settled).error).toBeUndefined();
    expect(got).toBe(MUCH);
    expect(upstream.getStatistics()).toMatchObject({ open: 1, inUse: 0 });
  });
});

describe('TLS', () => {
  it('checks the certificate by the name, and takes connections again', async () => {
    const certificate = selfSigned();
    const server = await startRawServer(({ socket }) => socket.write(ok('x')), certificate);
    const trusting = openUpstream({ url: server.url, host: 'localhost', tls: { ca: certificate.cert } });
    for (let call = 0; call < 3; call++) expect(await new TestCall(trusting).settled).toMatchObject({ body: 'x' });
    expect(trusting.getStatistics().connects).toBe(1);
    const careless = openUpstream({ url: server.url, tls: { rejectUnauthorized: false } });
    expect(await new TestCall(careless).settled).toMatchObject({ body: 'x' });
  });

  it.each([
    ['one that nobody vouches for', {}],
    ['one for another name', { host: 'other.example' }],
  ])('refuses %s', async (_title, options) => {
    const certificate = selfSigned();
    const server = await startRawServer(({ socket }) => socket.write(ok('x')), certificate);
    const tls = 'host' in options ? { ca: certificate.cert } : {};
    const upstream = openUpstream({ url: server.url, host: 'localhost', tls, ...options });
    expect((await new TestCall(upstream).settled).error).toMatchObject({
      code: 'UPSTREAM_CONNECT_FAILED',
      neverSent: true,
    });
    expect(server.requests).toEqual([]);
  });
});

it('loses no connection over a thousand calls of all kinds', async () => {
  const ANSWERS = [
    ok('plain'),
    ok('closed', 'Connection: close\r\n'),
    `${CHUNKED}${chunk('in ')}${chunk('chunks')}0\r\n\r\n`,
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n',
  ];
  const server = await startRawServer(({ socket }, index) => {
    if (index % 7 === 6) socket.destroy();
    else socket.write(ANSWERS[index % 7] as string);
  });
  const upstream = openUpstream({ url: server.url, maxConnections: 8 });
  let aborted = 0;
  let made = 0;
  const caller = async (): Promise<TestCall[]> => {
    const calls: TestCall[] = [];
    while (made < 1_000) {
      const call = new TestCall(upstream, { body: String(made++) });
      calls.push(call);
      if (made % 11 !== 0) await call.settled;
      else {
        if (made % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
        if (!call.isSettled) aborted++;
        call.abort();
      }
    }
    return calls;
  };
  const calls = (await Promise.all(Array.from({ length: 24 }, caller))).flat();
  expect(calls.filter(({ isSettled }) => isSettled).length).toBe(1_000 - aborted);
  expect(calls.flatMap(({ faults }) => faults)).toEqual([]);
  const { open, inUse, waiting } = upstream.getStatistics();
  expect([inUse, waiting]).toEqual([0, 0]);
  expect(open).toBeLessThanOrEqual(8);
  await until(() => server.sockets.filter(({ destroyed }) => !destroyed).length === upstream.getStatistics().open);
});
