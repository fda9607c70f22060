import { describe, expect, it } from 'vitest';
import type { ConnectionEvent } from '../../src/signal/signal.ts';
import { openLane, settle } from './memory-lane.ts';
import { echo, post, startEndpoint, TestAcceptor, type TestEndpoint } from './test-endpoint.ts';

const limits = { headerTimeoutMs: 10_000, requestTimeoutMs: 60_000, idleTimeoutMs: 75_000 };

/** Resolves when a connection event of that kind comes. */
function next({ signals }: TestEndpoint, kind: ConnectionEvent['kind']): Promise<void> {
  return new Promise((resolve) => {
    const stop = signals.connection.on((event) => {
      if (event.kind !== kind) return;
      stop();
      resolve();
    });
  });
}

/** Sends a whole request and the beginning of another in one piece; the first one's answer shows that both are read. */
async function withBeginningOf(endpoint: TestEndpoint, request: string, bytes: number) {
  const client = await endpoint.client();
  client.send(post('1') + request.slice(0, bytes));
  await client.responses(1);
  return client;
}

describe('time limits of the lane', () => {
  const request = post('{"id":2}');

  it('answers 408 to a header block that does not end in time', async () => {
    const endpoint = await startEndpoint({ limits });
    const client = await withBeginningOf(endpoint, request, 40);
    endpoint.clock.advance(limits.headerTimeoutMs + 1_000);
    await client.closed;
    const responses = await client.responses(2);
    expect(responses.map(({ status }) => status)).toEqual([200, 408]);
    expect(responses[1]?.headers.connection).toBe('close');
  });

  it('does not give more time for a header block that goes on dripping', async () => {
    const lane = openLane(new TestAcceptor(echo), { limits });
    for (let second = 0; second <= 11 && !lane.socket.ended; second++) {
      lane.socket.receive(request[second] ?? '');
      await settle(1);
      lane.shared.tick++;
      lane.connection.sweep();
      await settle(1);
    }
    expect(lane.socket.text).toContain('408 Request Timeout');
    expect(lane.socket.destroyed).toBe(true);
  });

  it('answers 408 to a body that does not end in time', async () => {
    const endpoint = await startEndpoint({ limits });
    const client = await withBeginningOf(endpoint, request, request.length - 3);
    endpoint.clock.advance(limits.requestTimeoutMs + 1_000);
    await client.closed;
    expect((await client.responses(2)).map(({ status }) => status)).toEqual([200, 408]);
  });

  it('counts the time of a request from its first byte, not from the end of its header block', async () => {
    const lane = openLane(new TestAcceptor(echo), { limits });
    const sweep = async (seconds: number) => {
      lane.shared.tick += seconds;
      lane.connection.sweep();
      await settle(1);
    };
    lane.socket.receive(request.slice(0, 40));
    await settle(1);
    await sweep(9);
    lane.socket.receive(request.slice(40, -3));
    await settle(1);
    await sweep(51);
    expect(lane.socket.destroyed).toBe(false);
    await sweep(1);
    expect(lane.socket.text).toContain('408 Request Timeout');
  });

  it('serves a request that comes just in time', async () => {
    const endpoint = await startEndpoint({ limits });
    const client = await withBeginningOf(endpoint, request, 40);
    endpoint.clock.advance(limits.headerTimeoutMs - 1_000);
    expect((await client.ask(request.slice(40))).body).toBe('{"id":2}');
    const other = await withBeginningOf(endpoint, request, request.length - 3);
    endpoint.clock.advance(limits.requestTimeoutMs - 1_000);
    expect((await other.ask(request.slice(-3))).body).toBe('{"id":2}');
  });

  it('passes over what still comes after 408', async () => {
    const lane = openLane(new TestAcceptor(echo), { limits, socket: { onWrite: () => {} } });
    lane.socket.receive(request.slice(0, 40));
    await settle();
    lane.shared.tick += 12;
    lane.connection.sweep();
    for (let piece = 0; piece < 100; piece++) lane.socket.push(Buffer.alloc(65_536));
    await settle();
    expect(lane.socket.listenerCount('data')).toBe(0);
    expect(lane.socket.readableLength).toBe(0);
    expect(lane.socket.isPaused()).toBe(false);
  });

  it('closes an idle connection, without a word', async () => {
    const endpoint = await startEndpoint({ limits });
    const client = await endpoint.client();
    await client.ask(post('1'));
    endpoint.clock.advance(limits.idleTimeoutMs - 1_000);
    await client.ask(post('2')); // Still there; the time begins anew.
    endpoint.clock.advance(limits.idleTimeoutMs - 1_000);
    await client.ask(post('3'));
    const before = client.text;
    endpoint.clock.advance(limits.idleTimeoutMs + 2_000);
    await client.closed;
    expect(client.text).toBe(before);
  });

  it('closes a connection on which nothing ever comes', async () => {
    const endpoint = await startEndpoint({ limits });
    const opened = next(endpoint, 'opened');
    const client = await endpoint.client();
    await opened;
    const closed = next(endpoint, 'closed');
    endpoint.clock.advance(limits.idleTimeoutMs + 2_000);
    await client.closed;
    await closed;
    expect(endpoint.endpoint.open).toBe(0);
  });

  it('leaves a request alone that is being answered, however long that takes', async () => {
    const acceptor = new TestAcceptor();
    const endpoint = await startEndpoint({ limits, acceptor });
    const client = await endpoint.client();
    client.send(post('1'));
    const { exchange } = await acceptor.request(0);
    endpoint.clock.advance(3_600_000);
    exchange.respond(200, '{"late":true}');
    expect((await client.responses(1))[0]?.body).toBe('{"late":true}');
  });
});

it('the Date of answers follows the clock', async () => {
  const endpoint = await startEndpoint();
  const client = await endpoint.client();
  const first = await client.ask(post('1'));
  endpoint.clock.advance(61_000);
  const second = await client.ask(post('2'));
  expect(Date.parse(second.headers.date ?? '') - Date.parse(first.headers.date ?? '')).toBe(61_000);
  expect(first.headers['keep-alive']).toBe('timeout=75');
});
