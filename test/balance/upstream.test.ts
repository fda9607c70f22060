import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../src/testing/testing.ts';
import { openUpstream, TestCall, until } from './calls.ts';
import { ok, startRawServer } from './raw-server.ts';

describe('a request', () => {
  it.each([
    ['text', '{"a":1}', '{"a":1}'],
    ['text beyond ASCII', '{"a":"é✓"}', '{"a":"é✓"}'],
    ['bytes', Buffer.from('{"a":"é"}'), '{"a":"é"}'],
    ['many bytes', Buffer.from('x'.repeat(300_000)), 'x'.repeat(300_000)],
  ])('goes out with its body as %s', async (_title, body, expected) => {
    const server = await startRawServer(({ socket }) => socket.write(ok('done')));
    const upstream = openUpstream({ url: server.url, host: 'tools.example' });
    const call = new TestCall(upstream, { path: '/mcp?a=b', headerLines: 'X-A: caf\xe9\r\n', body });
    expect(await call.settled).toMatchObject({ status: 200, body: 'done', error: undefined });
    const [request] = server.requests;
    expect(request?.head).toBe(
      `POST /mcp?a=b HTTP/1.1\r\nHost: tools.example\r\nX-A: caf\xe9\r\nContent-Length: ${Buffer.byteLength(expected)}`,
    );
    expect(Buffer.from(request?.body ?? '', 'latin1').toString()).toBe(expected);
  });

  it.each([
    ['GET', 'GET /mcp HTTP/1.1\r\nHost: x'],
    ['DELETE', 'DELETE /mcp HTTP/1.1\r\nHost: x'],
    ['POST', 'POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 0'],
  ] as const)('may have no body: %s', async (method, head) => {
    const server = await startRawServer(({ socket }) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    const upstream = openUpstream({ url: server.url, host: 'x' });
    expect(await new TestCall(upstream, { method, body: undefined }).settled).toMatchObject({ status: 204, body: '' });
    expect(server.requests[0]?.head).toBe(head);
  });

  it('is refused with characters that would become others on the way', () => {
    const upstream = openUpstream({ url: 'http://127.0.0.1:1' });
    for (const request of [{ headerLines: 'X: \u010d\u010aY: 1\r\n' }, { path: '/\u0120' }])
      expect(() => new TestCall(upstream, request)).toThrow(
        expect.objectContaining({ code: 'UPSTREAM_REQUEST_INVALID' }),
      );
  });
});

describe('connections', () => {
  it('are used again, the last one first', async () => {
    const server = await startRawServer();
    const upstream = openUpstream({ url: server.url });
    const calls = [0, 1, 2].map(() => new TestCall(upstream));
    const requests = await Promise.all([server.request(0), server.request(1), server.request(2)]);
    for (const { socket } of requests) {
      socket.write(ok('x'));
      await until(
        () =>
          calls.filter(({ isSettled }) => isSettled).length === requests.findIndex((one) => one.socket === socket) + 1,
      );
    }
    const again = new TestCall(upstream);
    const fourth = await server.request(3);
    expect(fourth.socket).toBe(requests[2]?.socket);
    fourth.socket.write(ok('y'));
    expect(await again.settled).toMatchObject({ body: 'y' });
    expect(upstream.getStatistics()).toEqual({ open: 3, inUse: 0, waiting: 0, connects: 3, lost: 0 });
  });

  it('are not more than allowed: further calls wait in line, and those beyond the line are refused', async () => {
    const server = await startRawServer();
    const upstream = openUpstream({ url: server.url, maxConnections: 1, maxWaiting: 2 });
    const calls = ['a', 'b', 'c', 'd'].map((body) => new TestCall(upstream, { body }));
    expect((await calls[3]?.settled)?.error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', neverSent: true });
    await until(() => upstream.getStatistics().inUse === 1);
    expect(upstream.getStatistics()).toMatchObject({ open: 1, waiting: 2 });
    for (const index of [0, 1, 2]) {
      const { socket, body } = await server.request(index);
      expect(body).toBe('abc'[index]);
      socket.write(ok(body));
      expect(await calls[index]?.settled).toMatchObject({ body });
    }
    expect(server.sockets).toHaveLength(1);
  });

  it('are given to the next in line when the first has left it', async () => {
    const server = await startRawServer();
    const upstream = openUpstream({ url: server.url, maxConnections: 1 });
    const [first, second, third] = ['a', 'b', 'c'].map((body) => new TestCall(upstream, { body })) as [
      TestCall,
      TestCall,
      TestCall,
    ];
    await server.request(0);
    second.abort();
    server.requests[0]?.socket.write(ok('x'));
    expect((await server.request(1)).body).toBe('c');
    server.requests[1]?.socket.write(ok('y'));
    expect([(await first.settled).body, (await third.settled).body, second.isSettled]).toEqual(['x', 'y', false]);
  });

  it('that the server closes while they are free are forgotten', async () => {
    const server = await startRawServer(({ socket }) => socket.write(ok('x')));
    const upstream = openUpstream({ url: server.url });
    await new TestCall(upstream).settled;
    server.sockets[0]?.end();
    await until(() => upstream.getStatistics().open === 0);
    expect(await new TestCall(upstream).settled).toMatchObject({ body: 'x' });
    expect(upstream.getStatistics()).toMatchObject({ connects: 2, lost: 0 });
  });

  it('on which something comes unasked for are closed', async () => {
    const server = await startRawServer(({ socket }) => socket.write(ok('x')));
    const upstream = openUpstream({ url: server.url });
    await new TestCall(upstream).settled;
    server.sockets[0]?.write(ok('not yours'));
    await until(() => upstream.getStatistics().open === 0);
    expect(await new TestCall(upstream).settled).toMatchObject({ body: 'x' });
  });

  it('end with the answer where the server says so', async () => {
    const server = await startRawServer(({ socket }) => socket.write(ok('x', 'Connection: close\r\n')));
    const upstream = openUpstream({ url: server.url });
    await new TestCall(upstream).settled;
    expect(upstream.getStatistics()).toMatchObject({ open: 0, lost: 0 });
  });
});

describe('time', () => {
  const open = async (options: object) => {
    const server = await startRawServer();
    const clock = new FakeClock();
    return { server, clock, upstream: openUpstream({ url: server.url, clock, ...options }) };
  };

  it('ends free connections after a while', async () => {
    const { server, clock, upstream } = await open({ idleTimeoutMs: 8_000 });
    const call = new TestCall(upstream);
    (await server.request(0)).socket.write(ok('x'));
    await call.settled;
    clock.advance(6_000);
    expect(upstream.getStatistics().open).toBe(1);
    clock.advance(4_000);
    expect(upstream.getStatistics().open).toBe(0);
  });

  it('ends them earlier where the server says so, a second before it would', async () => {
    const { server, clock, upstream } = await open({});
    const call = new TestCall(upstream);
    (await server.request(0)).socket.write(ok('x', 'Keep-Alive: timeout=5, max=100\r\n'));
    await call.settled;
    clock.advance(2_000);
    expect(upstream.getStatistics().open).toBe(1);
    clock.advance(2_000);
    expect(upstream.getStatistics().open).toBe(0);
  });

  it('limits the wait for the head of an answer, and not that for its body', async () => {
    const { server, clock, upstream } = await open({ answerTimeoutMs: 2_000 });
    const [silent, slow] = [new TestCall(upstream, { body: 'silent' }), new TestCall(upstream, { body: 'slow' })];
    await server.request(1);
    const request = server.requests.find(({ body }) => body === 'slow');
    request?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe');
    await slow.bytes(2);
    clock.advance(4_000);
    expect((await silent.settled).error).toMatchObject({ code: 'UPSTREAM_TIMEOUT', neverSent: false });
    request?.socket.write('llo');
    expect(await slow.settled).toMatchObject({ body: 'hello', error: undefined });
    expect(upstream.getStatistics()).toMatchObject({ open: 1, lost: 1 });
  });

  it('limits the wait for a connection', async () => {
    const { server, clock, upstream } = await open({ maxConnections: 1, connectTimeoutMs: 2_000 });
    const first = new TestCall(upstream);
    const { socket } = await server.request(0);
    const waiting = new TestCall(upstream);
    clock.advance(4_000);
    expect((await waiting.settled).error).toMatchObject({ code: 'UPSTREAM_TIMEOUT', neverSent: true });
    socket.write(ok('x'));
    expect(await first.settled).toMatchObject({ body: 'x' });
  });
});

describe('an abort', () => {
  it('ends the connection of a call that is sent, and the sink hears nothing more', async () => {
    const server = await startRawServer();
    const upstream = openUpstream({ url: server.url });
    const call = new TestCall(upstream);
    const { socket } = await server.request(0);
    call.abort();
    await new Promise((resolve) => socket.on('close', resolve));
    expect(upstream.getStatistics()).toEqual({ open: 0, inUse: 0, waiting: 0, connects: 1, lost: 0 });
    expect([call.isSettled, call.status]).toEqual([false, undefined]);
  });

  it('leaves the connection of one that is not sent yet', async () => {
    const server = await startRawServer(({ socket }) => socket.write(ok('x')));
    const upstream = openUpstream({ url: server.url });
    await new TestCall(upstream).settled;
    new TestCall(upstream, { body: 'never' }).abort();
    expect(await new TestCall(upstream, { body: 'next' }).settled).toMatchObject({ body: 'x' });
    expect(server.requests.map(({ body }) => body)).toEqual(['{}', 'next']);
    expect(server.sockets).toHaveLength(1);
  });

  it('within a piece of the answer is the last that happens', async () => {
    const chunks = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n';
    const server = await startRawServer(({ socket }) => socket.write(chunks));
    const upstream = openUpstream({ url: server.url });
    const call = new TestCall(upstream);
    call.onData = () => call.abort();
    await until(() => upstream.getStatistics().connects === 1 && upstream.getStatistics().open === 0);
    expect([call.text, call.isSettled]).toEqual(['a', false]);
  });

  it('after the end means nothing', async () => {
    const server = await startRawServer(({ socket }) => socket.write(ok('x')));
    const upstream = openUpstream({ url: server.url });
    const call = new TestCall(upstream);
    await call.settled;
    call.abort();
    expect(upstream.getStatistics().open).toBe(1);
  });
});

describe('closing', () => {
  it('lets calls end, those in line too, and takes no more', async () => {
    const server = await startRawServer();
    const upstream = openUpstream({ url: server.url, maxConnections: 1 });
    const calls = [new TestCall(upstream), new TestCall(upstream)];
    await server.request(0);
    const closing = upstream.close();
    expect((await new TestCall(upstream).settled).error).toMatchObject({ code: 'UPSTREAM_CLOSED', neverSent: true });
    server.requests[0]?.socket.write(ok('a'));
    (await server.request(1)).socket.write(ok('b'));
    await closing;
    expect(await Promise.all(calls.map(async ({ settled }) => (await settled).body))).toEqual(['a', 'b']);
    expect(upstream.getStatistics().open).toBe(0);
  });

  it('cuts off what has not ended in time', async () => {
    const server = await startRawServer();
    const clock = new FakeClock();
    const upstream = openUpstream({ url: server.url, maxConnections: 1, clock });
    const calls = [new TestCall(upstream), new TestCall(upstream)];
    await server.request(0);
    const closing = upstream.close(1_000);
    clock.advance(1_000);
    await closing;
    const errors = await Promise.all(calls.map(async ({ settled }) => (await settled).error));
    expect(errors).toMatchObject([
      { code: 'UPSTREAM_CLOSED', neverSent: false },
      { code: 'UPSTREAM_CLOSED', neverSent: true },
    ]);
    expect(clock.timers).toBe(0);
  });
});
