import { describe, expect, it } from 'vitest';
import type { ConnectionEvent } from '../../src/signal/signal.ts';
import { LaneHead } from '../../src/transport/http/lane-head.ts';
import { openLane, settle } from './memory-lane.ts';
import { parseResponses } from './response-parser.ts';
import { bare, echo, post, startEndpoint, TestAcceptor } from './test-endpoint.ts';

/** A body that makes 30 of its requests more than may wait behind one that is being answered. */
const LONG = `"${'x'.repeat(4_000)}"`;

describe('the lane', () => {
  it('answers pipelined requests in order, each after the one before', async () => {
    const acceptor = new TestAcceptor();
    const { client } = await startEndpoint({ acceptor });
    const one = await client();
    one.send(post('"first"') + post('"second"') + post('"third"'));
    const bodies: string[] = [];
    for (let index = 0; index < 3; index++) {
      const { exchange, body } = await acceptor.request(index);
      expect(acceptor.taken.length).toBe(index + 1);
      bodies.push(body);
      exchange.respond(200, body);
    }
    expect((await one.responses(3)).map(({ body }) => body)).toEqual(bodies);
  });

  it('serves many connections at once, each with its own answers', async () => {
    const acceptor = new TestAcceptor();
    const { client } = await startEndpoint({ acceptor });
    const clients = await Promise.all(Array.from({ length: 20 }, () => client()));
    for (const [index, one] of clients.entries()) one.send(post(String(index)));
    await acceptor.request(19);
    for (const { exchange, body } of [...acceptor.taken].reverse()) exchange.respond(200, body);
    const answers = await Promise.all(clients.map(async (one) => (await one.responses(1))[0]?.body));
    expect(answers).toEqual(clients.map((_, index) => String(index)));
  });

  it('keeps answers in order when a handed-over request follows slow ones', async () => {
    const acceptor = new TestAcceptor();
    const { client, signals } = await startEndpoint({ acceptor });
    const kinds: ConnectionEvent['kind'][] = [];
    signals.connection.on(({ kind }) => kinds.push(kind));
    const one = await client();
    one.send(post('1') + post('2') + bare('GET') + post('3'));
    for (const status of [200, 201]) (await acceptor.request(status - 200)).exchange.respond(status, '{}');
    const get = await acceptor.request(2);
    const last = await acceptor.request(3); // node:http takes both at once and orders the answers itself.
    last.exchange.respond(203, '{}');
    get.exchange.respond(202, '{}');
    expect((await one.responses(4)).map(({ status }) => status)).toEqual([200, 201, 202, 203]);
    expect(kinds).toEqual(['opened', 'handed-over']);
  });

  it('leaves a connection to node:http, which serves it from then on', async () => {
    const { client } = await startEndpoint();
    const one = await client();
    expect((await one.ask(post('1'))).body).toBe('1');
    expect((await one.ask(bare('GET'))).status).toBe(405);
    expect((await one.ask(post('2'))).body).toBe('2');
    expect((await one.ask(bare('DELETE'))).status).toBe(405);
    expect((await one.ask(post('3'))).body).toBe('3');
  });

  it('hands over a request whose header block comes in pieces with all that was read of it', async () => {
    const lane = openLane(new TestAcceptor(echo));
    const request = post('{}', { Expect: '100-continue' });
    for (const char of request.slice(0, -2)) {
      lane.socket.receive(char);
      await settle(1);
    }
    expect(lane.handedOver).toBe(request.slice(0, -2));
    expect(lane.ends).toBe(1);
  });

  it('wakes a connection that was paused when it is handed over', async () => {
    const acceptor = new TestAcceptor();
    const { client } = await startEndpoint({ acceptor });
    const one = await client();
    one.send(post('1'));
    const { exchange } = await acceptor.request(0);
    one.send(bare('GET') + post(LONG).repeat(30)); // More than may wait: the socket is paused.
    await settle(50);
    exchange.respond(200, '1');
    (await acceptor.request(1)).exchange.respond(405, '');
    for (let index = 2; index < 32; index++) (await acceptor.request(index)).exchange.respond(200, '');
    expect((await one.responses(32)).map(({ status }) => status)).toEqual([200, 405, ...Array(30).fill(200)]);
  });

  it('gives each request the length of its own body where header blocks repeat', async () => {
    const acceptor = new TestAcceptor(echo);
    const { client } = await startEndpoint({ acceptor });
    const one = await client();
    for (const body of ['1', '[1,2,3]', '', '"four"']) expect((await one.ask(post(body))).body).toBe(body);
    const heads = acceptor.taken.map(({ exchange }) => exchange.head);
    expect(new Set(heads).size).toBe(1); // A repeated block is not parsed again.
    expect(heads[0]).toBeInstanceOf(LaneHead);
  });

  it('tells the length of a repeated block through all()', async () => {
    const lengths: unknown[] = [];
    const acceptor = new TestAcceptor((taken) => {
      lengths.push(taken.exchange.head?.all().get('content-length'));
      echo(taken);
    });
    const lane = openLane(acceptor);
    lane.socket.receive(post('1') + post('[1,2,3]') + post('22'));
    await settle();
    expect(lengths).toEqual(['1', '7', '2']);
  });

  it.each([
    ['header block', post('{}').slice(0, 60)],
    ['body', post('{"id":1}').slice(0, -3)],
  ])('answers 400 like node:http where a %s breaks off', async (_part, bytes) => {
    for (const lane of [true, false]) {
      const { client } = await startEndpoint({ http: { lane } });
      const one = await client();
      one.send(bytes);
      one.end();
      await one.closed;
      expect(parseResponses(one.text).map(({ status }) => status)).toEqual([400]);
    }
  });

  it('ends an idle connection silently when the client does', async () => {
    const { client } = await startEndpoint();
    const one = await client();
    await one.ask(post('1'));
    const before = one.text;
    one.end();
    await one.closed;
    expect(one.text).toBe(before);
  });
});
