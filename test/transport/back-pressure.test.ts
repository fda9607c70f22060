import { describe, expect, it } from 'vitest';
import { BOTH_READERS } from './both-readers.ts';
import { openLane, settle } from './memory-lane.ts';
import type { RawClient } from './raw-client.ts';
import { parseResponses } from './response-parser.ts';
import { echo, post, startEndpoint, TestAcceptor } from './test-endpoint.ts';

/** Resolves when a count has stood still for many turns of the event loop: whatever moves it waits for something else. */
async function standstill(count: () => number): Promise<void> {
  for (let still = 0, last = -1; still < 100; still++) {
    if (count() !== last) still = 0;
    last = count();
    await settle(1);
  }
}

/** Sends so much that no buffer on the way takes it all, and reads nothing. */
function flood(client: RawClient, requests: number, body: string): void {
  client.socket.pause();
  const request = Buffer.from(post(body), 'latin1');
  const many = Buffer.concat(Array.from({ length: 500 }, () => request));
  for (let sent = 0; sent < requests; sent += 500) client.send(many);
}

describe('the lane, towards a client that does not read its answers', () => {
  it('stops taking requests and bytes, and goes on when the client does', async () => {
    const held: (() => void)[] = [];
    const onWrite = (done: () => void): void => void held.push(done);
    const acceptor = new TestAcceptor(echo);
    const { socket } = openLane(acceptor, { socket: { onWrite } });
    const bodies = Array.from({ length: 400 }, (_, index) => `"${String(index).padStart(2_000, '0')}"`);
    for (const body of bodies) {
      socket.receive(post(body));
      await settle(1);
    }
    expect(acceptor.taken.length).toBeLessThan(70); // 140 kB, where 64 KiB may wait.
    expect(socket.isPaused()).toBe(true);
    // What is not read stays where the network would hold it back: the lane itself keeps one piece at most.
    expect(socket.readableLength).toBeGreaterThan(320 * 2_000);
    for (let turn = 0; turn < 5_000 && (acceptor.taken.length < bodies.length || held.length > 0); turn++) {
      held.shift()?.();
      await settle(1);
    }
    expect(parseResponses(socket.text).map(({ body }) => body)).toEqual(bodies);
    expect(socket.isPaused()).toBe(false);
  });

  it('stops reading ahead of an answer that takes its time', async () => {
    const acceptor = new TestAcceptor();
    const { socket } = openLane(acceptor);
    socket.receive(post('1'));
    await settle();
    for (let piece = 0; piece < 40; piece++) {
      socket.receive(post(`"${'x'.repeat(9_000)}"`));
      await settle(1);
    }
    expect(acceptor.taken.length).toBe(1);
    expect(socket.isPaused()).toBe(true);
    expect(socket.readableLength).toBeGreaterThan(30 * 9_000);
    for (let index = 0; index < 41; index++) (await acceptor.request(index)).exchange.respond(200, '{}');
    await settle();
    expect(parseResponses(socket.text).length).toBe(41);
    expect(socket.isPaused()).toBe(false);
  });
});

it('reads on a long body whose beginning was more than may wait', async () => {
  const acceptor = new TestAcceptor();
  const { socket } = openLane(acceptor);
  const long = post(`"${'x'.repeat(200_000)}"`);
  socket.receive(post('1'));
  socket.receive(long.slice(0, 100_000));
  await settle();
  expect(socket.isPaused()).toBe(true);
  (await acceptor.request(0)).exchange.respond(200, '{}');
  await settle();
  socket.receive(long.slice(100_000));
  await settle();
  expect(acceptor.taken[1]?.body.length).toBe(200_002);
});

describe.each(BOTH_READERS)('back-pressure $title', ({ lane }) => {
  it('does not read what a client pipelines that reads nothing', async () => {
    const requests = 12_000;
    const body = `"${'x'.repeat(4_000)}"`; // 48 MB one way, 48 MB the other.
    const acceptor = new TestAcceptor(echo);
    const { client } = await startEndpoint({ acceptor, http: { lane } });
    const one = await client();
    flood(one, requests, body);
    await standstill(() => acceptor.taken.length + one.socket.bytesWritten - one.socket.writableLength);
    expect(acceptor.taken.length).toBeGreaterThan(0);
    expect(acceptor.taken.length).toBeLessThan(requests);
    expect(one.socket.writableLength).toBeGreaterThan(1_000_000);
  });

  it('answers all of it, in order, once the client reads', async () => {
    const requests = 3_000;
    const acceptor = new TestAcceptor(({ exchange }) => exchange.respond(200, String(acceptor.taken.length)));
    const { client } = await startEndpoint({ acceptor, http: { lane } });
    const one = await client();
    flood(one, requests, `"${'x'.repeat(4_000)}"`);
    await standstill(() => acceptor.taken.length);
    one.socket.resume();
    await one.includes(`\r\n\r\n${requests}`);
    const bodies = parseResponses(one.text).map(({ body }) => body);
    expect(bodies).toEqual(Array.from({ length: requests }, (_, index) => String(index + 1)));
  });

  it('cuts off a reader of a stream that is too slow', async () => {
    const acceptor = new TestAcceptor();
    const { client } = await startEndpoint({ acceptor, http: { lane }, limits: { maxStreamBufferBytes: 1_000_000 } });
    const one = await client();
    one.socket.pause();
    one.send(post('1'));
    const { exchange } = await acceptor.request(0);
    let closes = 0;
    const closed = new Promise<void>((resolve) => {
      exchange.onClose = () => {
        closes++;
        resolve();
      };
    });
    const message = JSON.stringify('x'.repeat(500_000));
    let sent = 0;
    for (; sent < 400 && !exchange.closed; sent++) {
      exchange.notify(message);
      await settle(1);
    }
    await closed;
    expect(sent).toBeLessThan(100); // Kernels take some megabytes before anything waits here.
    exchange.notify(message);
    exchange.respond(200, '{}');
    expect(closes).toBe(1);
  });
});
