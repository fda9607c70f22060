import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { owned, readDirectly } from '../../src/transport/http/direct-reads.ts';
import { Random } from '../fuzz/random.ts';
import { settle } from './memory-lane.ts';
import { MemorySocket } from './memory-socket.ts';
import type { RawClient } from './raw-client.ts';
import { selfSigned } from './self-signed.ts';
import { bare, echo, post, startEndpoint, type Taken, TestAcceptor } from './test-endpoint.ts';

function start() {
  const socket = new MemorySocket();
  const got: string[] = [];
  const listener = (chunk: Buffer): void => void got.push(chunk.toString());
  socket.on('data', listener);
  const stop = readDirectly(socket, listener);
  return { socket, got, stop };
}

it('gives bytes at once, and each of them once', async () => {
  const { socket, got } = start();
  socket.receive('a');
  socket.receive('b');
  expect(got).toEqual(['a', 'b']);
  await settle();
  expect(got).toEqual(['a', 'b']);
});

it('keeps bytes back while the socket is paused', async () => {
  const { socket, got } = start();
  socket.pause();
  socket.receive('a');
  socket.receive('b');
  await settle();
  expect([got, socket.readableLength]).toEqual([[], 2]);
  socket.resume();
  await settle();
  expect(got).toEqual(['a', 'b']);
  socket.receive('c');
  expect(got).toEqual(['a', 'b', 'c']);
});

it('lets nothing overtake what waits', async () => {
  const { socket, got } = start();
  socket.pause();
  socket.receive('a');
  socket.resume(); // Flows in the next turn only.
  socket.receive('b');
  await settle();
  expect(got).toEqual(['a', 'b']);
});

it('tells a socket that is full', () => {
  const { socket } = start();
  socket.pause();
  expect(socket.push(Buffer.alloc(1_000_000))).toBe(false);
});

it('puts everything back', async () => {
  const { socket, got, stop } = start();
  stop();
  stop();
  expect(Object.hasOwn(socket, 'push')).toBe(false);
  socket.receive('a');
  await settle();
  expect(got).toEqual(['a']);
});

it('lets the end through', async () => {
  const { socket, got } = start();
  const ended = new Promise((resolve) => socket.once('end', resolve));
  socket.receive('a');
  socket.push(null);
  await ended;
  expect(got).toEqual(['a']);
});

/** Both ends of a connection over loopback. */
async function loopback(): Promise<{ server: Socket; client: Socket }> {
  const listener = createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => listener.once('connection', resolve));
  const { port } = listener.address() as { port: number };
  const client = connect({ host: '127.0.0.1', port, noDelay: true });
  const server = await accepted;
  onTestFinished(() => {
    for (const each of [client, server]) each.destroy();
    listener.close();
  });
  return { server, client };
}

/** Reads directly from a server's socket; `until` resolves when so many bytes have come. */
function reading(server: Socket) {
  const chunks: Buffer[] = [];
  let [text, wake] = ['', () => {}];
  const take = (chunk: Buffer): void => {
    chunks.push(chunk);
    text += chunk.toString('latin1');
    wake();
  };
  server.on('data', take);
  const stop = readDirectly(server, take);
  const until = async (length: number): Promise<string> => {
    while (text.length < length) await new Promise<void>((resolve) => (wake = resolve));
    return text;
  };
  return { chunks, stop, until };
}

describe('over loopback', () => {
  it('reads into one buffer: a chunk is overwritten by the next, whoever sends it, and a copy is not', async () => {
    const [one, other] = [await loopback(), await loopback()];
    const [first, second] = [reading(one.server), reading(other.server)];
    one.client.write('aaaa');
    await first.until(4);
    const [chunk] = first.chunks as [Buffer];
    const kept = [owned(chunk), owned(chunk.subarray(1, 3))];
    other.client.write('bbbb');
    await second.until(4);
    expect(chunk.toString()).toBe('bbbb');
    expect(kept.map(String)).toEqual(['aaaa', 'aa']);
    expect(owned(kept[0] as Buffer)).toBe(kept[0]);
  });

  it('keeps bytes back while the socket is paused, and gives all of them in order', async () => {
    const { server, client } = await loopback();
    const { until } = reading(server);
    const sent = Array.from({ length: 60 }, (_, index) => String(index % 10).repeat(index * 997));
    for (const [index, piece] of sent.entries()) {
      client.write(piece);
      if (index % 3 === 0) server.pause();
      await settle(1);
      if (index % 3 === 2) server.resume();
    }
    server.resume();
    const whole = sent.join('');
    expect((await until(whole.length)) === whole).toBe(true);
  });

  it('gives a socket back with its bytes safe to keep, and its end', async () => {
    const [one, other] = [await loopback(), await loopback()];
    const { stop, until } = reading(one.server);
    one.client.write('a');
    await until(1);
    stop();
    one.server.removeAllListeners('data');
    const kept: Buffer[] = [];
    const ended = new Promise((resolve) => one.server.once('end', resolve));
    one.server.on('data', (chunk: Buffer) => kept.push(chunk));
    one.client.end('rest');
    await ended;
    const second = reading(other.server);
    other.client.write('xxxx');
    await second.until(4);
    expect(Buffer.concat(kept).toString()).toBe('rest');
  });
});

/** A body that no other request of a test has, of a length that it may take many reads to come. */
function distinct(random: Random, who: string): string {
  const length = random.oneIn(6) ? random.int(150_000) : random.int(3_000);
  return JSON.stringify({ who, text: `${who};`.repeat(length / (who.length + 1)) });
}

/** Sends requests in pieces that are cut anywhere, or between two of them, with turns of the event loop between. */
async function trickle(client: RawClient, random: Random, requests: readonly string[]): Promise<void> {
  let text = '';
  for (const request of requests) {
    text += request;
    while (text.length > 0) {
      const length = random.oneIn(3) ? 1 + random.int(40) : 1 + random.int(text.length);
      client.send(text.slice(0, length));
      text = text.slice(length);
      for (let turns = random.int(3); turns > 0; turns--) await settle(1);
      if (text.length < 400 && random.oneIn(3)) break; // The next request follows in the same piece.
    }
  }
  client.send(text);
}

const LATER = (taken: Taken): void => void settle(1 + (taken.body.length % 7)).then(() => echo(taken));
const tls = selfSigned();
const CASES = [
  { title: 'answered at once', answer: echo },
  { title: 'answered later, so that requests wait', answer: LATER },
  { title: 'given to node:http in the middle', answer: LATER, handsOver: true },
  { title: 'over TLS', answer: echo, settings: { tls } },
];

describe('many connections whose requests come in pieces', () => {
  it.each(CASES)('have their own bodies back, each in order: $title', async ({ answer, handsOver, settings }) => {
    const { client, endpoint } = await startEndpoint({ acceptor: new TestAcceptor(answer), http: settings ?? {} });
    const random = new Random(20_260_728);
    const clients = await Promise.all(Array.from({ length: 24 }, () => client(settings?.tls.cert)));
    const bodies = clients.map((_, index) => Array.from({ length: 8 }, (_, n) => distinct(random, `c${index}r${n}`)));
    const sending = clients.map((one, index) => {
      const requests = (bodies[index] as string[]).map((body) => post(body));
      if (handsOver) requests.splice(random.int(8), 0, bare('GET'));
      return trickle(one, random, requests);
    });
    await Promise.all(sending);
    for (const [index, one] of clients.entries()) {
      const answers = await one.responses(handsOver ? 9 : 8);
      const own = answers.filter(({ status }) => status === 200).map(({ body }) => body);
      expect(own.length).toBe(8);
      expect(own.every((body, n) => body === bodies[index]?.[n])).toBe(true);
    }
    expect(endpoint.open).toBe(clients.length);
  });
});
